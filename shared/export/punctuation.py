"""Marks: which end what, and text without them."""

from __future__ import annotations

import re

from shared.export.spacing import HAN
from shared.transcripts.values import join_text

FULL_STOPS = frozenset("。？！.?!…")
"""End a sentence."""

SEMICOLONS = frozenset("；;：:")
COMMAS = frozenset("，,—")
LISTING = frozenset("、")

OPENING = "（《〈「『【〔［｛“‘"
CLOSING = "）》〉」』】〕］｝”’"

_DROPPED_AT_END = "，。、；："
"""What Chinese subtitles leave out at the end of a line; a question stays one."""

_PAUSING = re.compile(
    # Written for Chinese: always a pause. A row of dots or dashes is one pause.
    "[，。、；：？！…—]+"
    # ASCII: a pause only where a word ends, unlike 3.5, 1,000, 10:30 and longscribe.org.
    rf"|[,.;:?!]+(?=\s|$|[{HAN}{OPENING}{CLOSING}])"
)
_SPACES = re.compile(r"\s+")


def without_marks(text: str) -> str:
    """A space in the place of each comma, full stop and their like; none at either end.

    >>> without_marks("好，用 3.5 版吧。“行”？")
    '好 用 3.5 版吧 “行”'
    """
    text = _PAUSING.sub(" ", text)
    # “好。”他说: the space that stands for a mark goes outside the quotes.
    text = re.sub(rf"\s+([{CLOSING}])", r"\1", text)
    text = re.sub(rf"([{OPENING}])\s+", r"\1", text)
    return _SPACES.sub(" ", text).strip()


def without_end_mark(line: str) -> str:
    """A line of Chinese subtitles without the comma or full stop at its end.

    >>> without_end_mark("大家好。"), without_end_mark("好吗？"), without_end_mark("Hello.")
    ('大家好', '好吗？', 'Hello.')
    """
    return line.rstrip(_DROPPED_AT_END) or line


def goes_on_after_space(sentence: str, following: str) -> bool:
    """Whether a space stands between two sentences on one line.

    Always where the first ends without a mark, for a recording whose punctuation failed: the pause
    that divided them is all that does.

    >>> goes_on_after_space("好。", "走吧。"), goes_on_after_space("好", "走吧")
    (False, True)
    """
    return sentence[-1].isalnum() or len(join_text((sentence, following))) > len(
        sentence + following
    )
