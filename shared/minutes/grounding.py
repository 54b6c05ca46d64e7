"""Holding what a model wrote against the sentences that it names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import replace

from shared.minutes.contents import Minutes, Point
from shared.transcripts.values import Transcript
from shared.words.numbers.writing import written_numbers

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_QUOTED = re.compile(
    r"“([^”]{1,200})”|「([^」]{1,200})」|『([^』]{1,200})』|\"([^\"]{1,200})\"|《([^》]{1,200})》"
)
_LATIN_NAME = re.compile(r"\b[A-Z][A-Za-z]*[A-Z0-9][A-Za-z0-9]*\b")
"""Abbreviations and product names, which no translation changes: GPU, DevOps, H200."""

_SPACE = re.compile(r"(?<!\d)\s+|\s+(?!\d)")
_COMMA = re.compile(r"(?<=\d),(?=\d{3})")

_MOST_UNVERIFIED = 10
_LONGEST_SHOWN = 80


def with_sources(minutes: Minutes, allowed: Collection[int]) -> Minutes:
    """Keep in minutes only references to sentences that the model was shown: a point that names
    none of them is without source, and a chapter without source, which would begin nowhere, is
    dropped."""

    def checked(section: str, point: Point) -> Point | None:
        there = tuple(sorted({n for n in point.sentences if n in allowed}))
        if section != "chapters":
            return replace(point, sentences=there)
        return replace(point, sentences=there[:1]) if there else None

    return minutes.mapped(checked)


def cited(several: Collection[Minutes]) -> set[int]:
    """Sentences that any of these minutes refer to."""
    return {
        n for one in several for _, points in one.sections() for p in points for n in p.sentences
    }


def verified(minutes: Minutes, transcript: Transcript) -> Minutes:
    """Mark the names and numbers in minutes that do not occur in their sentences."""

    def marked(section: str, point: Point) -> Point | None:
        if not point.sentences or section == "chapters":
            return replace(point, unverified=())
        said = _said(point, transcript)
        missing = dict.fromkeys(
            claim[:_LONGEST_SHOWN] for claim in _claims(point) if not _stands(claim, said)
        )
        return replace(point, unverified=tuple(missing)[:_MOST_UNVERIFIED])

    return minutes.mapped(marked)


def _said(point: Point, transcript: Transcript) -> str:
    """Text of a point's sentences and their speakers; numbers as they were said and as they are
    written."""
    sentences = [transcript.sentences[n] for n in point.sentences]
    text = " ".join(s.text for s in sentences)
    speakers = " ".join(s.speaker for s in sentences if s.speaker)
    return _folded(f"{text} {written_numbers(text)} {speakers}")


def _claims(point: Point) -> Iterator[str]:
    yield from _NUMBER.findall(unicodedata.normalize("NFKC", point.text))
    for quoted in _QUOTED.findall(point.text):
        yield "".join(quoted)
    yield from _LATIN_NAME.findall(point.text)
    if point.owner:
        yield point.owner
    if point.due:
        yield point.due


def _stands(claim: str, said: str) -> bool:
    wanted = _folded(claim)
    if _NUMBER.fullmatch(wanted):
        return re.search(rf"(?<![\d.]){re.escape(wanted)}(?![\d]|\.\d)", said) is not None
    return wanted in said or _folded(written_numbers(claim)) in said


def _folded(text: str) -> str:
    """A text as it is compared: no case, no width, no space but between digits, and no comma
    within a number."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _COMMA.sub("", _SPACE.sub("", folded))
