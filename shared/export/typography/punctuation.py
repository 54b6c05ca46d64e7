"""Classes of punctuation marks, and text without them."""

from __future__ import annotations

import re

from shared.export.typography.spacing import HAN
from shared.transcripts.values import join_text

FULL_STOPS = frozenset("。？！.?!…")
"""Marks that end a sentence."""

SEMICOLONS = frozenset("；;：:")
COMMAS = frozenset("，,—")
ENUMERATION_COMMAS = frozenset("、")

OPENING = "（《〈「『【〔［｛“‘"
CLOSING = "）》〉」』】〕］｝”’"

_DROPPED_AT_END = "，。、；："
"""Marks that Chinese subtitles omit at the end of a line; a question mark stays."""

_CHINESE_PAUSES = "，。、；：？！…—"
_PAUSING = re.compile(
    # Written for Chinese: always a pause. A row of dots or dashes is one pause.
    f"[{_CHINESE_PAUSES}]+"
    # ASCII: a pause only where a word ends, unlike 3.5, 1,000, 10:30 and longscribe.org.
    rf"|[,.;:?!]+(?=\s|$|[{HAN}{OPENING}{CLOSING}{_CHINESE_PAUSES}])"
)
_SPACES = re.compile(r"\s+")


def without_punctuation(text: str) -> str:
    """Replace pausing marks (commas, full stops, ...) by spaces, and strip the ends.

    >>> without_punctuation("好，用 3.5 版吧。“行”？")
    '好 用 3.5 版吧 “行”'
    """
    text = _PAUSING.sub(" ", text)
    # “好。”他说: the space that stands for a mark goes outside the quotes.
    text = re.sub(rf"\s+([{CLOSING}])", r"\1", text)
    text = re.sub(rf"([{OPENING}])\s+", r"\1", text)
    return _SPACES.sub(" ", text).strip()


def without_end_mark(line: str) -> str:
    """Remove the Chinese comma or full stop at the end of a subtitle's line.

    >>> without_end_mark("大家好。"), without_end_mark("好吗？"), without_end_mark("Hello.")
    ('大家好', '好吗？', 'Hello.')
    """
    return line.rstrip(_DROPPED_AT_END) or line


def needs_space_between(sentence: str, following: str) -> bool:
    """Return whether a space stands between two sentences on one line.

    Always where the first ends without a mark: in a recording whose punctuation failed only the
    pauses divide sentences, and the space keeps that visible.

    >>> needs_space_between("好。", "走吧。"), needs_space_between("好", "走吧")
    (False, True)
    """
    return sentence[-1].isalnum() or len(join_text((sentence, following))) > len(
        sentence + following
    )
