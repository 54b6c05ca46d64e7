"""Errors of lists of replacements."""

from __future__ import annotations

from shared.errors import InvalidRequest, PermanentError


class PairRefused(InvalidRequest):
    """Base of these errors; `line` is that of a file, from 1."""

    code = "pair_refused"
    default_message = "This is no pair of words."

    def __init__(self, *, line: int | None = None, param: str | None = None) -> None:
        at = "" if line is None else f"Line {line}: "
        super().__init__(at + self.default_message, param=param)
        self.line = line


class UnusablePair(PairRefused):
    code = "unusable_pair"
    default_message = (
        "Each side of a pair has a letter, a digit or a Chinese character in it, at most 100 "
        "characters, and nothing invisible."
    )


class NoPair(PairRefused):
    code = "no_pair"
    default_message = "Write each pair on a line of its own: wrong => right, or with a tab between."


class PairTwice(PairRefused):
    code = "pair_twice"
    default_message = (
        "The same words stand on the left of two lines, with different right sides. Leave one out."
    )


class ListFull(PairRefused):
    code = "list_full"
    default_message = "A list has at most 5,000 pairs. Leave some out."


class ListUnreadable(PairRefused):
    code = "list_unreadable"
    default_message = "A list is a text file in UTF-8 of at most 2 MiB. Save it so and try again."


class PairNotFound(PermanentError):
    code = "pair_not_found"
    http_status = 404
    default_message = "There is no such pair in this list. It may have been removed or changed."
