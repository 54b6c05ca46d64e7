"""Meetings made for a test, and how far a transcript is from what was said in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import jiwer
import numpy as np

from worker.demo_model.recipe.speech.meeting import make_meeting
from worker.recogniser import Pcm

_NOT_SPOKEN = re.compile(r"[^\u4e00-\u9fffA-Z]")


def spoken(text: str) -> str:
    """Text that counts for the error rate: characters and letters, in one case, without marks."""
    return _NOT_SPOKEN.sub("", text.upper())


def character_error_rate(reference: str, text: str) -> float:
    return float(jiwer.cer(spoken(reference), spoken(text)))


@dataclass(frozen=True)
class Meeting:
    """16 kHz mono samples, and what is said in them."""

    samples: Pcm
    text: str

    @property
    def seconds(self) -> float:
        return len(self.samples) / 16_000


@cache
def meeting(seconds: float, seed: int = 41) -> Meeting:
    """The same one for the same arguments."""
    audio, reference = make_meeting(seconds, seed)
    samples = np.clip(np.round(audio * 32_767), -32_768, 32_767).astype(np.int16)
    return Meeting(samples, "".join(sentence["text"] for sentence in reference["sentences"]))
