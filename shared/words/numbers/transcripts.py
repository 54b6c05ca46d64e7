"""Transcripts with their numbers in digits."""

from __future__ import annotations

from dataclasses import replace

from shared.transcripts.realign import corrected
from shared.transcripts.values import Sentence, Transcript
from shared.words.numbers.writing import written_numbers


def with_written_numbers(transcript: Transcript) -> Transcript:
    """The transcript with numbers in digits; words that make one share its time."""
    return replace(transcript, sentences=tuple(map(_written, transcript.sentences)))


def _written(sentence: Sentence) -> Sentence:
    text = written_numbers(sentence.text)
    if text == sentence.text:
        return sentence
    return corrected(sentence, text) if sentence.words else replace(sentence, text=text)
