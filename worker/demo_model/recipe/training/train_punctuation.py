"""Training of the punctuation model: FunASR's CT-Transformer on the language's own sentences."""

import random
import re
from pathlib import Path

import torch
from funasr.models.ct_transformer.model import CTTransformer
from torch.nn import functional

from worker.demo_model.recipe.architecture import PUNC_CONFIG, PUNCTUATION_LIST
from worker.demo_model.recipe.language import grammar
from worker.demo_model.recipe.language.lexicon import SPOKEN_WORDS, TERMINALS
from worker.demo_model.recipe.model_folder import write_folder

STEPS, BATCH = 6000, 10

# What FunASR splits recognised text into: Hanzi one by one, English terms whole, and those that the
# recogniser knows as words in lower case.
_TERMS = {term: SPOKEN_WORDS.get(term, term) for term in TERMINALS["sys"] if term.isascii()}
VOCABULARY: tuple[str, ...] = (
    "<blank>",
    "<s>",
    "</s>",
    *sorted(_TERMS.values()),
    *grammar.CHARACTERS,
    "<unk>",
)
_IDS = {token: index for index, token in enumerate(VOCABULARY)}
_NONE = PUNCTUATION_LIST.index("_")
_IGNORED = PUNC_CONFIG["model_conf"]["ignore_id"]


def labelled(text: str) -> tuple[list[int], list[int]]:
    """Token ids of a punctuated text, and for each the mark that follows it."""
    ids: list[int] = []
    marks: list[int] = []
    for piece in re.findall(f"[A-Z]+|[\u4e00-\u9fff]|[{grammar.PUNCTUATION}]", text):
        if piece in PUNCTUATION_LIST:
            marks[-1] = PUNCTUATION_LIST.index(piece)
        else:
            ids.append(_IDS[_TERMS.get(piece, piece)])
            marks.append(_NONE)
    return ids, marks


def example(rng: random.Random) -> tuple[list[int], list[int]]:
    """Draw two to five sentences in a row, except held-out ones. Some begin or end inside a
    sentence, as the stretches do that FunASR cuts, and one token in fifty is misheard."""
    sentences = []
    for _ in range(rng.randint(2, 5)):
        sentence = ""
        while not sentence or grammar.is_held_out(sentence):
            source = grammar.template_sentence if rng.random() < 0.8 else grammar.free_sentence
            sentence = source(rng)
        sentences.append(sentence)
    ids, marks = labelled("".join(sentences))
    first = rng.randint(0, 12) if rng.random() < 0.3 else 0
    last = len(ids) if rng.random() < 0.6 else rng.randint(first + 1, len(ids))
    ids, marks = ids[first:last], marks[first:last]
    for index in range(len(ids)):
        if rng.random() < 0.02:
            ids[index] = rng.randrange(3, len(VOCABULARY))
    return ids, marks


def train(folder: Path, *, steps: int = STEPS, seed: int = 5) -> None:
    """Train the punctuation model and write its model folder."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    parts = ("encoder", "encoder_conf")
    model = CTTransformer(
        **PUNC_CONFIG["model_conf"],
        **{part: PUNC_CONFIG[part] for part in parts},
        vocab_size=len(VOCABULARY),
    )
    model.train()
    optimiser = torch.optim.AdamW(model.parameters())
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * min(1, (step + 1) / 100) * max(0.02, 1 - step / steps)
        examples = [example(rng) for _ in range(BATCH)]
        longest = max(len(ids) for ids, _ in examples)
        text = torch.zeros(BATCH, longest, dtype=torch.long)
        target = torch.full((BATCH, longest), _IGNORED)
        for row, (ids, marks) in enumerate(examples):
            text[row, : len(ids)] = torch.tensor(ids)
            target[row, : len(ids)] = torch.tensor(marks)
        scores, _ = model.punc_forward(text, torch.tensor([len(ids) for ids, _ in examples]))
        loss = functional.cross_entropy(
            scores.flatten(0, 1), target.flatten(), ignore_index=_IGNORED
        )
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimiser.step()
    write_folder(folder, PUNC_CONFIG, model.state_dict(), tokens=VOCABULARY)
