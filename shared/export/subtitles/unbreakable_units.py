"""The pieces of a transcript within which no line is broken: characters, words, quantities."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.export.options import ExportOptions
from shared.export.subtitles.alignment import piece_times
from shared.export.typography.display_width import display_width
from shared.export.typography.punctuation import (
    CLOSING,
    OPENING,
    needs_space_between,
    without_end_mark,
)
from shared.export.typography.sanitise import subtitle_text
from shared.export.typography.spacing import HAN, spaced
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
_LONG_UNITS = (
    *(
        "平方公里",
        "平方千米",
        "个百分点",
        "个半小时",
        "平方米",
        "立方米",
        "摄氏度",
        "个小时",
        "个半月",
        "个星期",
        "公里",
        "公斤",
    ),
    *(
        "千米",
        "厘米",
        "毫米",
        "微米",
        "纳米",
        "毫秒",
        "微秒",
        "千克",
        "毫克",
        "毫升",
        "分钟",
        "小时",
        "星期",
    ),
    *("季度", "个月", "美元", "欧元", "日元", "英镑", "港币", "港元", "美金", "人次", "赫兹"),
)
"""Units of several characters, the longest first."""
_BEFORE_UNIT = re.compile(rf"(?:\d|[{''.join(sorted(_NUMERALS))}多几半])$")
_LONGEST_UNIT = max(map(len, _LONG_UNITS))
_LONGEST_NUMBER = 16
"""Cells of the longest number that is kept together: the narrowest line that can be requested."""


@dataclass(slots=True)
class Unit:
    """A piece with its times in milliseconds; `text` includes the adjoining marks."""

    text: str
    space_before: bool
    """True if a space precedes the unit, unless it begins a line."""
    start: int
    end: int
    sentence: int
    """Index of its sentence in the transcript."""
    width: int
    """Display cells of `text`."""
    hanging_width: int
    """Cells of its marks that are omitted where it ends a line (hanging punctuation)."""


def units(transcript: Transcript, options: ExportOptions) -> list[Unit]:
    """List the units of a transcript in order; their times strictly increase."""
    found: list[Unit] = []
    for number, sentence in enumerate(transcript.sentences):
        pieces = list(
            _long_units_joined(
                list(_numbers_joined(_split(subtitle_text(sentence.text), spacing=options.spacing)))
            )
        )
        times = piece_times(sentence, [text for text, _ in pieces])
        for (text, gap), (start, end) in zip(pieces, times, strict=True):
            if gap is None:  # the sentence's first
                gap = bool(found) and needs_space_between(found[-1].text, text)
            milliseconds = round(start * 1000), round(end * 1000)
            width = display_width(text)
            hanging = 0 if options.end_marks else width - display_width(without_end_mark(text))
            found.append(Unit(text, gap, *milliseconds, number, width, hanging))
    _make_times_increase(found, int(transcript.duration * 1000))
    return found


_Piece = tuple[str, bool | None]
"""Text, and whether a space precedes it; None for the first piece of a sentence."""


def _split(text: str, *, spacing: bool) -> Iterator[_Piece]:
    """Split text into characters and words, each with the marks before and after it."""
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


def _numbers_joined(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """Join numbers with their units of measure or counters."""
    held, gap = next(pieces, ("", None))
    for text, space in pieces:
        joined = held + " " * bool(space) + text
        fits = display_width(joined) <= _LONGEST_NUMBER
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
    if len(held) > 1 and held[-1] == "分":  # 百分之十七, 三分之一
        return text[0] == "之"
    if held.endswith("分之"):
        return text[0] in _NUMERALS
    return held[-1] in _NUMERALS and (text[0] in _NUMERALS or text[0] in _COUNTED)


def _long_units_joined(pieces: Sequence[_Piece]) -> Iterator[_Piece]:
    """Join numbers with units of measure of several characters."""
    at = 0
    while at < len(pieces):
        held, gap = pieces[at]
        at += 1
        for text, space in pieces[at : at + _long_unit(held, pieces[at : at + _LONGEST_UNIT])]:
            held += " " * bool(space) + text
            at += 1
        yield held, gap


def _long_unit(held: str, following: Sequence[_Piece]) -> int:
    """Number of pieces behind a number that are the rest of its unit."""
    for unit in _LONG_UNITS:
        for begun in range(len(unit)):  # of 三个月 the number has 个 already
            if not (
                held.endswith(unit[:begun])
                and _BEFORE_UNIT.search(held[: len(held) - begun].rstrip())
            ):
                continue
            rest = following[: len(unit) - begun]
            said = "".join(" " * bool(space and at) + text for at, (text, space) in enumerate(rest))
            apart = bool(rest and rest[0][1]) and not (begun == 0 and held[-1].isdigit())
            width = display_width(held + " " * bool(rest and rest[0][1]) + said)
            if not apart and width <= _LONGEST_NUMBER and _is_said(unit[begun:], said):
                return len(rest)
    return 0


def _is_said(unit: str, said: str) -> bool:
    """Return whether a text is a unit, with or without marks behind it."""
    return said.startswith(unit) and not any(map(str.isalnum, said[len(unit) :]))


def _make_times_increase(found: list[Unit], duration: int) -> None:
    """Give each unit at least a millisecond of its own, within the recording.

    Recognised times are in order already. Those of corrected sentences, or of words that a model
    gave no duration, need not be.
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
