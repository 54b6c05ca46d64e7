"""The placeholders of templates, of text and of Word alike.

A placeholder is a name in double braces, out of a list.  Nothing is executed, and what takes its
place is not looked at again, so a template cannot run for long or reach anything.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches

from shared.export.reports.refusals import (
    MixedFields,
    PlaceholderNotAlone,
    TooManyPlaceholders,
    UnknownPlaceholder,
)

INLINE = ("title", "date", "people", "duration")
"""Placeholders that may stand anywhere in a line."""

FIELDS = {
    "agenda": ("time", "text"),
    "decisions": ("time", "text"),
    "todos": ("who", "text", "due", "time"),
    "notes": ("time", "text"),
    "transcript": ("time", "speaker", "text"),
    "summary": ("text",),
}
"""Placeholders with several items, and their fields. The name alone in a line becomes a line each;
a line, a paragraph or a table's row with fields of it, as `todos.who`, is repeated for each."""

BLOCKS = tuple(FIELDS)

WITH_FIELDS = tuple(f"{block}.{field}" for block, fields in FIELDS.items() for field in fields)

_KNOWN = (*INLINE, *BLOCKS, *WITH_FIELDS)

MOST_PLACEHOLDERS = 300
MOST_REPEATS = 3
"""Number of times that a template may list all items of one kind, so that a report stays about as
large as its transcript."""
MOST_IN_A_REPEAT = 12
"""Placeholders in what is repeated."""

# The spaces around a name are taken off afterwards: a pattern with them would try very many in
# all ways to divide them.
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")


def names_in(text: str) -> list[str]:
    """The names in double braces, also those that there are not."""
    return [name.strip() for name in _PLACEHOLDER.findall(text)]


def alone_in(text: str) -> str:
    """The placeholder that stands alone in a text and becomes several; empty if there is none."""
    found = _PLACEHOLDER.fullmatch(text.strip())
    name = found[1].strip() if found else ""
    return name if name in FIELDS else ""


def repeated_by(names: list[str]) -> str:
    """Name of the list for whose items a text with these placeholders is repeated; empty: it is not
    repeated."""
    return next((name.partition(".")[0] for name in names if name in WITH_FIELDS), "")


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with each placeholder's value, or nothing for one that has none here."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1].strip(), ""), text)


def pieces_of(text: str, values: Mapping[str, str]) -> list[tuple[int, int, str]]:
    """Begin, end and value of each placeholder in a text."""
    return [
        (match.start(), match.end(), values.get(match[1].strip(), ""))
        for match in _PLACEHOLDER.finditer(text)
    ]


class Checked:
    """The placeholders of a template so far, text by text."""

    def __init__(self) -> None:
        self._count = 0
        self._repeats: Counter[str] = Counter()

    def text(self, text: str, *, line: int | None = None) -> tuple[str, list[str]]:
        """Name of the list for whose items a line or paragraph is repeated, or empty, and its
        placeholders.

        Raises UnknownPlaceholder, PlaceholderNotAlone, MixedFields and TooManyPlaceholders.
        """
        names = names_in(text)
        for name in names:
            if name not in _KNOWN:
                raise UnknownPlaceholder(
                    line=line, excerpt=text, name=name[:40], nearest=_nearest(name)
                )
            if name in FIELDS and alone_in(text) != name:
                raise PlaceholderNotAlone(line=line, excerpt=text, name=name)
        self.count(len(names))
        repeated = require_one_kind(names, line=line, excerpt=text)
        return alone_in(text) or repeated, names

    def count(self, placeholders: int, *, several_of: str = "") -> None:
        """Count what a template has. Raises TooManyPlaceholders."""
        self._count += placeholders
        if several_of:
            self._repeats[several_of] += 1
        if self._count > MOST_PLACEHOLDERS or self._repeats[several_of] > MOST_REPEATS:
            raise TooManyPlaceholders(
                most=MOST_PLACEHOLDERS, repeats=MOST_REPEATS, name=several_of or BLOCKS[0]
            )


def require_one_kind(names: list[str], *, line: int | None = None, excerpt: str = "") -> str:
    """Name of the one list for whose items a text or row with these placeholders is repeated, or
    empty. Raises MixedFields."""
    kinds = list(dict.fromkeys(name.partition(".")[0] for name in names if name not in INLINE))
    if len(kinds) > 1:
        raise MixedFields(line=line, excerpt=excerpt, first=kinds[0], second=kinds[1])
    return kinds[0] if kinds else ""


def _nearest(name: str) -> str:
    return get_close_matches(name[:40].casefold(), _KNOWN, n=1, cutoff=0.0)[0]
