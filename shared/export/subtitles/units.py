"""A transcript as the pieces that no line may cut: characters, words, numbers with their units."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.export.options import ExportOptions
from shared.export.punctuation import (
    CLOSING,
    OPENING,
    goes_on_after_space,
    without_end_mark,
)
from shared.export.sanitise import subtitle
from shared.export.spacing import HAN, spaced
from shared.export.subtitles.timing import spans
from shared.export.width import cells
from shared.transcripts.values import Transcript

_FULL_WIDTH = "\u3000-\u303f\uff01-\uff60\uffe0-\uffe6"

_PIECE = re.compile(
    # A word of any script with spaces, with the ASCII marks that touch it; don’t is one.
    rf"(?P<word>[^\s{HAN}{_FULL_WIDTH}{OPENING}{CLOSING}…—]+"
    rf"(?:’(?=[a-zA-Z])[^\s{HAN}{_FULL_WIDTH}{OPENING}{CLOSING}…—]+)*)"
    rf"|(?P<open>[{re.escape(OPENING)}])"
    rf"|(?P<han>[{HAN}])"
    r"|(?P<mark>\S)"
)

_NUMERALS = frozenset("零〇一二两三四五六七八九十百千万亿点")
_COUNTED = frozenset(
    "年月日号时点分秒个元块角万亿千百米度倍次人台页条件位名天周岁级层楼期章节项种套份家辆集季版届"
)
_DIGITS_END = re.compile(r"\d[\d.,:/]*$")
_LATIN_UNIT = re.compile(
    r"(?:[kKMGTP]?i?[bB](?:ps)?|[kMG]?Hz|[cmk]?m|[mk]?g|[mnµ]?s|h|min|[mkM]?W|kWh|[mk]?V|[mkM]?Ω"
    r"|°[CF]|[℃%‰]|px|fps|dB)[.,;:?!]*"
)
_LONGEST_NUMBER = 16
"""Cells that are held together as one number: the narrowest line that may be asked for."""


@dataclass(slots=True)
class Unit:
    """A piece with its time in milliseconds; `text` has the marks that belong to it."""

    text: str
    gap: bool
    """A space stands before it, unless it begins a line."""
    start: int
    end: int
    sentence: int
    """Index of its sentence in the transcript."""
    width: int
    """Cells of `text`."""
    hanging: int
    """Those of its marks that are left out where it ends a line."""


def units(transcript: Transcript, options: ExportOptions) -> list[Unit]:
    """Every piece of the transcript in order, times strictly growing within the recording."""
    found: list[Unit] = []
    for number, sentence in enumerate(transcript.sentences):
        pieces = list(_glued(_cut(subtitle(sentence.text), spacing=options.spacing)))
        times = spans(sentence, [text for text, _ in pieces])
        for (text, gap), (start, end) in zip(pieces, times, strict=True):
            if gap is None:  # the sentence's first
                gap = bool(found) and goes_on_after_space(found[-1].text, text)
            milliseconds = round(start * 1000), round(end * 1000)
            width = cells(text)
            hanging = 0 if options.end_marks else width - cells(without_end_mark(text))
            found.append(Unit(text, gap, *milliseconds, number, width, hanging))
    _put_in_order(found, int(transcript.duration * 1000))
    return found


_Piece = tuple[str, bool | None]
"""Text, and whether a space stands before it; None for the first."""


def _cut(text: str, *, spacing: bool) -> Iterator[_Piece]:
    """Characters and words, each with the marks before and after it."""
    if spacing:
        text = spaced(text)
    held = ""
    gap: bool | None = None
    complete = False  # `held` has its word and takes closing marks only
    end = 0
    for piece in _PIECE.finditer(text):
        after_space = piece.start() > end
        closes = piece.lastgroup == "mark" or (
            piece.lastgroup == "word" and not _has_letter(piece[0]) and not after_space
        )
        if held and complete and not (closes and not after_space):
            yield held, gap
            held, gap, complete = "", after_space, False
        elif held and after_space:
            held += " "
        held += piece[0]
        complete = complete or piece.lastgroup != "open"
        end = piece.end()
    if held:
        yield held, gap


def _has_letter(text: str) -> bool:
    return any(map(str.isalnum, text))


def _glued(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """The same, numbers in one with their units."""
    held, gap = next(pieces, ("", None))
    for text, space in pieces:
        joined = held + " " * bool(space) + text
        fits = cells(joined) <= _LONGEST_NUMBER
        if fits and _is_one_number(held, text, spaced_apart=bool(space)):
            held = joined
        else:
            yield held, gap
            held, gap = text, space
    if held:
        yield held, gap


def _is_one_number(held: str, text: str, *, spaced_apart: bool) -> bool:
    if _DIGITS_END.search(held):
        return text[0] in _COUNTED or _LATIN_UNIT.fullmatch(text) is not None
    if held == "第":
        return text[0] in _NUMERALS or text[0].isdigit()
    if spaced_apart:
        return False
    return held[-1] in _NUMERALS and (text[0] in _NUMERALS or text[0] in _COUNTED)


def _put_in_order(found: list[Unit], duration: int) -> None:
    """Give each unit at least a millisecond of its own, within the recording.

    Recognised times are in order already. Sentences that a person wrote need not be, nor those of
    words that a model gave no length.
    """
    limit = max(duration, len(found))
    earliest = 0
    for unit in found:
        unit.start = earliest = max(unit.start, earliest)
        earliest += 1
    latest = limit
    for unit in reversed(found):
        unit.start = min(unit.start, latest - 1)
        unit.end = min(max(unit.end, unit.start + 1), latest)
        latest = unit.start
