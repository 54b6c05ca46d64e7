"""Finding the pairs of a list in a text, and writing what is meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.text_folding import fold
from shared.transcripts.realign import WORD
from shared.words.replacements.pairs import Pair
from shared.words.text_joining import rewritten


class Replacements:
    """A list as it is applied: from left to right, the longest match first, each place once."""

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        """Prepare the pairs for matching; of pairs with the same left side the last one counts."""
        self._right = {pair.key: pair.right for pair in pairs}
        lengths: dict[str, set[int]] = {}
        for key in self._right:
            lengths.setdefault(key[0], set()).add(len(key))
        self._lengths = {first: sorted(some, reverse=True) for first, some in lengths.items()}
        """Lengths by the first character, so that a text costs as much with thousands of pairs."""

    def __bool__(self) -> bool:
        return bool(self._right)

    @property
    def meant(self) -> set[str]:
        """Right sides of all pairs."""
        return set(self._right.values())

    def apply(self, text: str) -> str:
        """The text with every match written as it is meant.

        No match begins or ends within a word as `realign` reads words, so API is not found in
        APIs.  Case and width do not count.  What was written is not looked at again.
        """
        folded = fold(text)
        if len(folded) != len(text):  # not composed: places in both would differ
            folded = text
        if not any(character in self._lengths for character in folded):
            return text
        return rewritten(text, self._matches(folded, _inside_words(text)))

    def _matches(self, folded: str, inside: bytearray) -> Iterator[tuple[int, int, str]]:
        at = 0
        while at < len(folded):
            end = self._match(folded, at, inside)
            if end is None:
                at += 1
                continue
            yield at, end, self._right[folded[at:end]]
            at = end

    def _match(self, folded: str, at: int, inside: bytearray) -> int | None:
        """End of the longest match that begins at `at`; None if none does."""
        if inside[at]:
            return None
        for length in self._lengths.get(folded[at], ()):
            end = at + length
            if end <= len(folded) and not inside[end] and folded[at:end] in self._right:
                return end
        return None


NO_REPLACEMENTS = Replacements()


def _inside_words(text: str) -> bytearray:
    """Tell for each place between two characters whether it lies within a word."""
    inside = bytearray(len(text) + 1)
    for word in WORD.finditer(text):
        for place in range(word.start() + 1, word.end()):
            inside[place] = 1
    return inside
