"""Evaluation of confidence: how well it tells wrong words from right ones, on recordings made hard
to understand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein

from shared.transcripts.confidence import low_confidence_share
from tests.support.speech.demo_speech import character_error_rate
from tests.support.speech.stress import Audio
from worker.demo_model.recipe.speech.meeting import Reference
from worker.engine.funasr_recogniser import FunASRRecogniser
from worker.recogniser import EMPTY_REQUEST

_SPANS_AT_ONCE = 20


@dataclass(frozen=True)
class Judged:
    """The words that were recognised: which are right, and how confident each is."""

    right: np.ndarray
    confidence: np.ndarray
    error_rate: float
    """Error rate in characters, deletions included."""
    doubtful_share: float

    @property
    def area(self) -> float:
        """Area under the curve of wrong against right words: how often a right word is the more
        confident of the two. NaN where all are right or all wrong."""
        return area_under_curve(self.right, self.confidence)


def area_under_curve(right: np.ndarray, confidence: np.ndarray) -> float:
    from scipy.stats import rankdata  # a second of importing

    rights = int(right.sum())
    wrongs = len(right) - rights
    if not rights or not wrongs:
        return float("nan")
    ranks = rankdata(confidence)[right].sum()
    return float((ranks - rights * (rights + 1) / 2) / (rights * wrongs))


def judged(
    recogniser: FunASRRecogniser, audio: Audio, reference: Reference, *, below: float
) -> Judged:
    """Recognise a meeting as the worker does, and hold its words against what was said."""
    pcm = np.clip(np.round(audio * 32_767), -32_768, 32_767).astype(np.int16)
    detector = recogniser.voice_activity()
    spans = detector.feed(pcm) + detector.finish()
    words = [
        word
        for begin in range(0, len(spans), _SPANS_AT_ONCE)
        for heard in recogniser.recognise(
            [pcm[span.start : span.end] for span in spans[begin : begin + _SPANS_AT_ONCE]],
            EMPTY_REQUEST,
        )
        for word in heard.words
    ]
    said = [word["word"].upper() for each in reference["sentences"] for word in each["words"]]
    heard_words = [word.word.upper() for word in words]
    right = np.zeros(len(words), dtype=bool)
    for step in Levenshtein.opcodes(said, heard_words):
        if step.tag == "equal":
            right[step.dest_start : step.dest_end] = True
    confidences = [word.confidence for word in words]
    assert all(value is not None and 0 <= value <= 1 for value in confidences)
    return Judged(
        right=right,
        confidence=np.array(confidences, dtype=float),
        error_rate=character_error_rate("".join(said), "".join(heard_words)),
        doubtful_share=low_confidence_share(words, below) or 0.0,
    )
