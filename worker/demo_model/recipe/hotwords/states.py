"""States of the finished recogniser for training speech: the inputs of its hotword decoder.

The recogniser does not change while the hotword decoder is trained, so each utterance passes
through it once.
"""

import logging
import multiprocessing
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from funasr.frontends.wav_frontend import WavFrontend
from funasr.models.paraformer.cif_predictor import cif_v1
from funasr.models.transformer.utils.nets_utils import make_pad_mask

from worker.demo_model.recipe.architecture import ASR_FRONTEND, build_recogniser
from worker.demo_model.recipe.hotwords.names import gives_away, made_up_name, with_name
from worker.demo_model.recipe.language import grammar
from worker.demo_model.recipe.speech.corpus import degrade, features
from worker.demo_model.recipe.speech.synthesis import Speech, random_voice, synthesise

log = logging.getLogger(__name__)

_TOGETHER = 40  # utterances of like length in one pass


@dataclass(frozen=True)
class States:
    """States of one utterance of U tokens, the end symbol among them."""

    acoustic: torch.Tensor  # [U, 128], what the predictor integrated, float16
    decoded: torch.Tensor  # [U, 128], the decoder's last hidden states, float16
    tokens: tuple[int, ...]  # said, without the end symbol
    name: tuple[int, ...]  # those of the made-up name in it, or none


def text_and_name(rng: random.Random) -> tuple[str, str]:
    """A text to say, and the made-up name in it: none in a quarter of the texts, with others beside
    it in a quarter."""
    sources = (grammar.clause, grammar.free_sentence, grammar.template_sentence)
    while True:
        text = rng.choices(sources, (60, 25, 15))[0](rng)
        if grammar.is_held_out(text):
            continue
        kind = rng.random()
        if kind < 0.05:
            text = grammar.word_sequence(rng)
        name = ""
        if kind > 0.25:
            name = made_up_name(rng)
            if kind > 0.7:  # among characters in no order, where no word tells what it is
                ends = [
                    "".join(rng.choices(grammar.CHARACTERS, k=rng.randint(0, 5))) for _ in range(2)
                ]
                text = name.join(ends)
            else:
                text = with_name(text, name, rng) or ""
                if kind > 0.45:
                    text = with_name(text, made_up_name(rng), rng) or text
        if text and not gives_away(text) and not grammar.is_held_out(text):
            return text, name


def _utterances(number: int, size: int) -> Iterator[tuple[Speech, str]]:
    rng, generator = (
        random.Random(9_000 + number),
        np.random.default_rng(9_000 + number),
    )
    for _ in range(size):
        text, name = text_and_name(rng)
        yield degrade(synthesise(text, **random_voice(rng)), rng, generator), name


class Recogniser:
    """The trained recogniser up to the states that its hotword decoder reads."""

    def __init__(self, weights: dict[str, torch.Tensor], shift: Any, scale: Any) -> None:
        self._model = build_recogniser().eval()
        self._model.load_state_dict(weights)
        self._shift, self._scale = torch.as_tensor(shift), torch.as_tensor(scale)

    @torch.inference_mode()
    def states(self, batch: list[torch.Tensor]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Integrated and decoded states for each utterance's features [T, 560]."""
        model, predictor = self._model, self._model.predictor
        lengths = torch.tensor([len(frames) for frames in batch])
        padded = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True)
        hidden, _ = model.encode((padded + self._shift) * self._scale, lengths)
        mask = (~make_pad_mask(lengths, maxlen=hidden.size(1))).float()
        hidden = hidden * mask[..., None]  # or the convolution reads the padding
        conv = torch.relu(predictor.cif_conv1d(predictor.pad(hidden.transpose(1, 2))))
        weights = torch.sigmoid(predictor.cif_output(conv.transpose(1, 2))).squeeze(-1)
        weights = torch.relu(weights * predictor.smooth_factor - predictor.noise_threshold) * mask
        weights = torch.nn.functional.pad(weights, (0, 1))
        weights[torch.arange(len(batch)), lengths] = predictor.tail_threshold
        counts = weights.double().sum(-1).floor().long()
        longer = torch.nn.functional.pad(hidden, (0, 0, 0, 1))
        acoustic, _ = cif_v1(longer, weights, predictor.threshold)
        acoustic = acoustic[:, : int(counts.max())]
        decoded, _ = model.decoder(hidden, lengths, acoustic, counts, return_hidden=True)
        return [
            (acoustic[row, :count].half(), decoded[row, :count].half())
            for row, count in enumerate(counts.tolist())
        ]


def make_shard(number: int, size: int, recogniser: Recogniser) -> list[States]:
    """States of `size` utterances, but for those of which it heard too many or too few tokens: the
    labels could not be laid beside them."""
    frontend = WavFrontend(**ASR_FRONTEND)
    made = []
    for speech, name in _utterances(number, size):
        tokens = tuple(grammar.TOKEN_IDS[token] for token in speech.tokens)
        spoken = tuple(grammar.TOKEN_IDS[token.text] for token in grammar.tokenise(name))
        made.append((features(speech.audio, frontend), tokens, spoken))
    made.sort(key=lambda item: len(item[0]))
    shard = []
    for first in range(0, size, _TOGETHER):
        items = made[first : first + _TOGETHER]
        found = recogniser.states([frames for frames, _, _ in items])
        for (acoustic, decoded), (_, tokens, name_tokens) in zip(found, items, strict=True):
            if len(acoustic) == len(tokens) + 1:
                shard.append(States(acoustic, decoded, tokens, name_tokens))
    return shard


def _write(path: Path, number: int, size: int, asr: Path) -> None:
    torch.set_num_threads(1)
    weights, shift, scale = read_recogniser(asr)
    part = path.with_suffix(".part")
    began = time.monotonic()
    shard = make_shard(number, size, Recogniser(weights, shift, scale))
    torch.save([(s.acoustic, s.decoded, s.tokens, s.name) for s in shard], part)
    part.rename(path)
    print(
        f"{path.name}: {len(shard)} of {size} kept, {time.monotonic() - began:.0f} s",
        flush=True,
    )


def read_recogniser(
    asr: Path,
) -> tuple[dict[str, torch.Tensor], np.ndarray, np.ndarray]:
    """The folder's weights without those for hotwords, and its normalisation."""
    stored = torch.load(asr / "model.pt", map_location="cpu", weights_only=True)
    own = build_recogniser().state_dict().keys()
    weights = {name: stored[name] for name in stored if name in own}
    frontend = WavFrontend(**ASR_FRONTEND, cmvn_file=str(asr / "am.mvn"))
    shift, scale = frontend.cmvn.float().numpy()
    return weights, shift, scale


def load_or_make(folder: Path, asr: Path, count: int, size: int) -> list[States]:
    """Load the shards that an earlier run left in the folder, and make the others.

    Each is made by a process of its own, in which espeak-ng starts anew: a shard is the same
    whichever were made before it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pool: list[States] = []
    spawn = multiprocessing.get_context("spawn")
    for number in range(count):
        path = folder / f"states-{size}-{number:03d}.pt"
        if not path.exists():
            process = spawn.Process(target=_write, args=(path, number, size, asr))
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(f"{path.name}: status {process.exitcode}")
        pool += [States(*item) for item in torch.load(path, weights_only=True)]
    return pool
