"""Verification trials of a speaker encoder: whether two windows of speech are one person's."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from worker.demo_model.recipe.voices.corpus import Utterances

WINDOW = 148  # frames of 10 ms, 1.5 s: what the engine makes a vector of
SEED = 20_261

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Comparisons:
    """Cosines of pairs, no two windows of one utterance."""

    same: Numbers
    """Cosines of pairs of one person."""
    different: Numbers
    """Cosines of pairs of two people."""

    def equal_error_rate(self) -> tuple[float, float]:
        """Percent of either kind of error where both are as frequent, and the cosine there."""
        cosines = np.sort(np.concatenate([self.same, self.different]))
        missed = np.searchsorted(np.sort(self.same), cosines) / len(self.same)
        confused = 1 - np.searchsorted(np.sort(self.different), cosines) / len(self.different)
        best = int(np.abs(missed - confused).argmin())
        return round(50 * float(missed[best] + confused[best]), 2), round(float(cosines[best]), 3)


def windows(
    group: Utterances, rng: random.Random, *, spoken: int = WINDOW, apart: int = 1, count: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    """`count` windows of each utterance that is long enough, one every `apart` frames, as
    [utterances * count, WINDOW, bins] and the speakers as int64 [utterances].

    Of fewer `spoken` frames than a window has they are repeated until it is full.
    """
    needed = spoken + apart * (count - 1)
    found, speakers = [], []
    for frames, speaker in zip(group.frames, group.speakers, strict=True):
        if len(frames) < needed:
            continue
        first = rng.randint(0, len(frames) - needed)
        starts = range(first, first + apart * (count - 1) + 1, apart)
        found += [repeated(frames[start : start + spoken].float(), WINDOW) for start in starts]
        speakers.append(speaker)
    return torch.stack(found), torch.tensor(speakers)


def repeated(frames: torch.Tensor, count: int) -> torch.Tensor:
    """[count, bins]: the frames over and over."""
    return frames.repeat(-(-count // len(frames)), 1)[:count]


@torch.inference_mode()
def vectors(network: nn.Module, frames: torch.Tensor, count: int = 1) -> torch.Tensor:
    """[utterances, 192] of length 1: the mean direction of each utterance's `count` windows."""
    centred = frames - frames.mean(dim=1, keepdim=True)
    each = functional.normalize(torch.cat([network(part) for part in centred.split(64)]))
    return functional.normalize(each.reshape(-1, count, each.shape[1]).mean(dim=1))


def compare(
    found: torch.Tensor, speakers: torch.Tensor, kinds: Sequence[int] | None = None
) -> Comparisons:
    """Compare every pair; of two people only those of one kind, where each person's kind is
    given."""
    cosines = (found @ found.T).double().numpy()
    pairs = np.triu_indices(len(speakers), 1)
    who = speakers.numpy()
    is_same = (who[:, None] == who)[pairs]
    is_asked = ~is_same
    if kinds is not None:
        kind = np.array(kinds)[who]
        is_asked &= (kind[:, None] == kind)[pairs]
    return Comparisons(cosines[pairs][is_same], cosines[pairs][is_asked])


def compare_speech(
    network: nn.Module,
    group: Utterances,
    *,
    spoken: int = WINDOW,
    count: int = 1,
    same_sex: bool = False,
) -> Comparisons:
    """Pairs of utterances, `count` windows of each, half a window apart, with `spoken` frames."""
    frames, speakers = windows(
        group, random.Random(SEED), spoken=spoken, apart=WINDOW // 2 + 1, count=count
    )
    kinds = [int(voice.startswith("cmn+f")) for voice in group.voices] if same_sex else None
    return compare(vectors(network, frames, count), speakers, kinds)


def measure(network: nn.Module, group: Utterances) -> dict[str, float]:
    """The equal error rates of the model card, in percent."""
    network.eval()
    compared = {
        "window_1_5_s": compare_speech(network, group),
        "window_1_5_s_same_sex": compare_speech(network, group, same_sex=True),
        "speech_0_6_s": compare_speech(network, group, spoken=58),
        "speech_3_s": compare_speech(network, group, count=3),
    }
    return {name: pairs.equal_error_rate()[0] for name, pairs in compared.items()}
