"""Training of the bias encoder and decoder of a recogniser that is otherwise finished."""

import logging
import math
import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from worker.demo_model.recipe.architecture import (
    HOTWORD_CONFIG,
    build_hotword_recogniser,
)
from worker.demo_model.recipe.hotwords.lists import IGNORED, NONE, Batch, make_batch, unsaid_batch
from worker.demo_model.recipe.hotwords.states import States, read_recogniser
from worker.demo_model.recipe.language.grammar import VOCABULARY, tokenise
from worker.demo_model.recipe.language.lexicon import TERMINALS

log = logging.getLogger(__name__)

# The decoder's embeddings are read in training and of hotwords alone.
TRAINED = ("decoder.embed.", "bias_encoder.", "seaco_decoder.", "hotword_output_layer.")
_IDLE = 3  # layers of the bias decoder
_UNSAID = 50  # words of a list, none of them said, that should touch next to nothing
_TOUCHED = 0.0016  # of the tokens
_UNSAID_LISTS = 4  # for each utterance
_WATCHED = 1000  # utterances kept from training, to watch it by
_RESPELT = 0.5  # of what is looked for: the list has homophones, and so are the labels


@dataclass(frozen=True)
class Schedule:
    """Length and pace of the training."""

    # Steps: with names alone, then twice with any words. In each the rate falls along a cosine.
    rounds: tuple[int, ...] = (2000, 2500, 1600)
    utterances: int = 32  # a batch
    learning_rate: float = 2e-3
    dropout: float = 0.1  # in the second round
    warmup: int = 100  # steps
    seed: int = 0

    @property
    def steps(self) -> int:
        return sum(self.rounds)

    def rate(self, step: int) -> float:
        begin = 0
        for length in self.rounds:
            if step < begin + length:
                break
            begin += length
        cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - begin) / length))
        return self.learning_rate * min(1, (step + 1) / self.warmup) * cosine


class Head:
    """The parts of a SeacoParaformer that know of hotwords, over a frozen recogniser.

    FunASR weighs the words of a long list by the sixth layer, so there have to be six.  Three are
    enough: the first three hand on what they get, cost no training and have no room in the file.
    """

    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        self.model = build_hotword_recogniser()
        self.model.load_state_dict(weights, strict=False)
        self.model.hotword_output_layer.load_state_dict(
            self.model.decoder.output_layer.state_dict()  # a place to start from
        )
        layers = list(self.model.seaco_decoder.decoders)
        self.layers = layers[_IDLE:]
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(name.startswith(TRAINED))
        for layer in layers[:_IDLE]:
            for parameter in layer.parameters():
                parameter.requires_grad_(False).zero_()
        self.embedding: torch.nn.Embedding = self.model.decoder.embed[0]
        self.dropout = 0.0  # of what is read, of the sound and of the words
        # Tells the tokens of a word from its vector, so that the encoder soon keeps all of them.
        # The finished model does without it.
        self.spelling = torch.nn.Linear(HOTWORD_CONFIG["model_conf"]["inner_dim"], len(VOCABULARY))

    @torch.no_grad()
    def embed_sounds(self, pool: list[States]) -> None:
        """Let each token begin as the mean of what is heard where it is said, so that the words of
        a list and the sound are alike from the first step on."""
        weight = self.embedding.weight
        heard, count = torch.zeros_like(weight), torch.zeros(len(weight))
        for item in pool:
            ids = torch.tensor(item.tokens, dtype=torch.long)
            heard.index_add_(0, ids, item.acoustic[: len(ids)].float())
            count.index_add_(0, ids, torch.ones(len(ids)))
        known = count > 0
        means = heard[known] / count[known, None]
        weight[known] = (means - means.mean(dim=0)) / means.std()

    def parameters(self) -> list[torch.nn.Parameter]:
        own = [one for one in self.model.parameters() if one.requires_grad]
        return [*own, *self.spelling.parameters()]

    def scores(self, batch: Batch, words: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """[B, U, vocabulary], and [layers, 2 B, U, N]: how much each layer attends to each word.
        FunASR's own forward() gives all utterances one list."""
        visible = batch.listed.repeat(2, 1)
        x = functional.dropout(torch.cat([batch.acoustic, batch.decoded]), self.dropout)
        mask = batch.mask.repeat(2, 1, 1)
        visible = visible[:, None].expand(-1, x.size(1), -1).flatten(0, 1)[None]
        paid = []
        for layer in self.layers:
            memory, _ = layer.self_attn(layer.norm2(layer.feed_forward(layer.norm1(x))), mask)
            x = x + memory
            asked = layer.norm3(x).flatten(0, 1)[None]
            found, attention = layer.src_attn(asked, words[None], visible, ret_attn=True)
            x = x + found.view_as(x)
            paid.append(attention[0].mean(0).view(*x.shape[:2], -1))
        decoder = self.model.seaco_decoder
        last = decoder.decoders3[0]
        x = decoder.after_norm(last.feed_forward(last.norm1(x)))
        merged: torch.Tensor = self.model.hotword_output_layer(sum(x.chunk(2)))
        return merged, torch.stack(paid)

    def losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Losses of a batch by name. Attention is taught as well, which alone would take hours to
        find the word that is said; and by it FunASR picks the words of a long list."""
        words = self.words(batch)
        scores, paid = self.scores(batch, words)
        said = batch.said.repeat(2, 1)[None, ..., None].expand(len(paid), -1, -1, 1)
        right = paid.gather(-1, said)[..., 0].clamp_min(1e-6).log()
        is_none = (batch.labels == NONE).repeat(2, 1).expand_as(right)
        is_said = ((batch.labels != NONE) & (batch.labels != IGNORED)).repeat(2, 1)
        spelt = self.spelling(words[:-1]).log_softmax(-1)
        tokens = [(row, token) for row, word in enumerate(batch.words[:-1]) for token in word]
        rows, ids = torch.tensor(tokens).T
        return {
            "token": functional.cross_entropy(
                scores.flatten(0, 1), batch.labels.flatten(), ignore_index=IGNORED
            ),
            "said": -0.2 * right[is_said.expand_as(right)].mean(),
            "none": -0.2 * right[is_none].mean(),
            "spelling": -0.1 * spelt[rows, ids].mean(),
        }

    def words(self, batch: Batch) -> torch.Tensor:
        """[N, 128]: the encoder's state after the last token of each word."""
        lengths = torch.tensor([len(word) for word in batch.words])
        ids = pad_sequence([torch.tensor(word) for word in batch.words], batch_first=True)
        packed = pack_padded_sequence(
            self.embedding(ids),
            lengths,
            batch_first=True,
            enforce_sorted=False,
        )
        states, _ = pad_packed_sequence(self.model.bias_encoder(packed)[0], batch_first=True)
        return states[torch.arange(len(lengths)), lengths - 1]


class Trainer:
    """Training run; continues from `checkpoint` where there is one."""

    def __init__(
        self,
        pool: list[States],
        weights: dict[str, torch.Tensor],
        schedule: Schedule,
        checkpoint: Path,
    ) -> None:
        torch.manual_seed(schedule.seed)
        self._random = random.Random(schedule.seed)
        self._schedule = schedule
        self._checkpoint = checkpoint
        order = random.Random(schedule.seed).sample(pool, len(pool))
        watched = min(_WATCHED, len(pool) // 10)
        self._watched, self._pool = order[:watched], order[watched:]
        self.head = Head(weights)
        self.head.embed_sounds(self._pool)
        self._parameters = self.head.parameters()
        self._optimiser = torch.optim.AdamW(self._parameters, betas=(0.9, 0.98), weight_decay=0.01)
        self._step = 0
        if checkpoint.exists():
            self._restore()

    def run(self, until: int | None = None) -> None:
        """Train to the end of the schedule, or until so many steps are done."""
        schedule = self._schedule
        last = schedule.steps if until is None else until
        began = time.process_time()
        mean: dict[str, float] = {}
        while self._step < last:
            for group in self._optimiser.param_groups:
                group["lr"] = schedule.rate(self._step)
            names_alone = self._step < schedule.rounds[0]
            batch = make_batch(
                self._drawn(), self._random, names_alone=names_alone, respelt=_RESPELT
            )
            self.head.dropout = 0.0 if names_alone else schedule.dropout
            losses = self.head.losses(batch)
            self._optimiser.zero_grad()
            sum(losses.values(), torch.zeros(())).backward()
            norm = torch.nn.utils.clip_grad_norm_(self._parameters, 5.0)
            if torch.isfinite(norm):
                self._optimiser.step()
            for name, loss in losses.items():
                mean[name] = 0.95 * mean.get(name, loss.item()) + 0.05 * loss.item()
            self._step += 1
            if self._step % 100 == 0:
                spent = time.process_time() - began
                shown = " ".join(f"{name} {value:.3f}" for name, value in mean.items())
                log.info("%4.0f CPU s, step %d: %s", spent, self._step, shown)
            if self._step % 250 == 0 or self._step == last:
                log.info("step %d: %s", self._step, self._watch())
                self._keep()

    def _drawn(self) -> list[States]:
        """Utterances of like length, drawn anew for each batch."""
        drawn = self._random.sample(self._pool, 4 * self._schedule.utterances)
        drawn.sort(key=lambda item: len(item.acoustic))
        first = self._random.randrange(4) * self._schedule.utterances
        return drawn[first : first + self._schedule.utterances]

    @torch.no_grad()
    def _watch(self) -> str:
        """Measure on lists kept from training the share of words found, and of words inserted
        wrongly."""
        rng = random.Random(1)
        self.head.dropout = 0.0
        said = found = quiet = wrong = 0
        for first in range(0, len(self._watched), self._schedule.utterances):
            batch = make_batch(
                self._watched[first : first + self._schedule.utterances], rng, names_alone=True
            )
            guessed = self.head.scores(batch, self.head.words(batch))[0].argmax(-1)
            is_said = (batch.labels != IGNORED) & (batch.labels != NONE)
            is_quiet = batch.labels == NONE
            said += int(is_said.sum())
            found += int((is_said & (guessed == batch.labels)).sum())
            quiet += int(is_quiet.sum())
            wrong += int((is_quiet & (guessed != NONE)).sum())
        return f"{found} of {said} tokens of hotwords found, {wrong} of {quiet} others touched"

    @torch.no_grad()
    def settle(self) -> None:
        """Raise the score of no hotword until lists of words that nobody says write other tokens
        than those that are said in few places, of the ordinary utterances kept from training."""
        rng = random.Random(2)
        self.head.dropout = 0.0
        ordinary = [item for item in self._watched if item.tokens and not item.name]
        ordinary.sort(key=lambda item: len(item.acoustic))
        margins = []
        for first in range(0, len(ordinary), self._schedule.utterances):
            items = ordinary[first : first + self._schedule.utterances]
            for _ in range(_UNSAID_LISTS):
                batch = unsaid_batch(items, _UNSAID, rng)
                is_said = batch.labels == NONE
                scores = self.head.scores(batch, self.head.words(batch))[0][is_said]
                none = scores[:, NONE].clone()
                scores[:, NONE] = -torch.inf
                scores.scatter_(1, batch.tokens[is_said][:, None], -torch.inf)
                margins.append(scores.max(dim=-1).values - none)
        raised = max(0.0, float(torch.cat(margins).quantile(1 - _TOUCHED)))
        self.head.model.hotword_output_layer.bias[NONE] += raised
        log.info("the score of no hotword is raised by %.2f: %s", raised, self._watch())

    def _keep(self) -> None:
        part = self._checkpoint.with_suffix(".part")
        torch.save(
            {
                "model": trained_parameters(self.head),
                "spelling": self.head.spelling.state_dict(),
                "optimiser": self._optimiser.state_dict(),
                "random": (self._random.getstate(), torch.get_rng_state()),
                "step": self._step,
            },
            part,
        )
        part.rename(self._checkpoint)

    def _restore(self) -> None:
        kept = torch.load(self._checkpoint, weights_only=False)
        self.head.model.load_state_dict(kept["model"], strict=False)
        self.head.spelling.load_state_dict(kept["spelling"])
        self._optimiser.load_state_dict(kept["optimiser"])
        state, of_torch = kept["random"]
        self._random.setstate(state)
        torch.set_rng_state(of_torch)
        self._step = kept["step"]


def trained_parameters(head: Head) -> dict[str, torch.Tensor]:
    return {
        name: value for name, value in head.model.state_dict().items() if name.startswith(TRAINED)
    }


def _dictionary() -> list[str]:
    """Lines of seg_dict: by it FunASR cuts hotwords into tokens."""
    entries = {token: token for token in VOCABULARY if not token.startswith("<")}
    for term in (word for word in TERMINALS["sys"] if word.isascii()):
        entries[term.lower()] = " ".join(token.text for token in tokenise(term))
    return [f"{entry} {pieces}" for entry, pieces in entries.items()]


def add_to_folder(head: Head, folder: Path) -> None:
    """Put the trained parameters, in float16, beside the recogniser's own, which stay as they are,
    to the bit. Of the layers that hand on what they get, the zeros are stored once."""
    path = folder / "model.pt"
    stored = torch.load(path, map_location="cpu", weights_only=True)
    stored = {name: value for name, value in stored.items() if not name.startswith(TRAINED)}
    nothing = torch.zeros(1, dtype=torch.float16)
    for name, value in trained_parameters(head).items():
        stored[name] = value.half() if value.any() else nothing.expand(value.shape)
    torch.save(stored, path)
    text = yaml.safe_dump(HOTWORD_CONFIG, sort_keys=False, allow_unicode=True)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    lines = "\n".join(_dictionary())
    (folder / "seg_dict").write_text(lines + "\n", encoding="utf-8")


def train(pool: list[States], schedule: Schedule, folder: Path, work: Path) -> None:
    """Train on what the recogniser in `folder` made of the utterances, and add the result to it.
    A run that was cut short goes on where it was."""
    weights, _, _ = read_recogniser(folder)
    trainer = Trainer(pool, weights, schedule, work / "hotwords.pt")
    trainer.run()
    trainer.settle()
    add_to_folder(trainer.head, folder)
