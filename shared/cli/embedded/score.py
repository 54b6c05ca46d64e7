"""Character error rate of a transcript against the text that was spoken."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein


@dataclass(frozen=True, slots=True)
class CharacterErrors:
    """Insertions, deletions and substitutions, of so many characters that were said."""

    errors: int
    characters: int

    @property
    def rate(self) -> float:
        return self.errors / self.characters


def only_spoken(text: str) -> str:
    """A text without what cannot be heard: punctuation, spaces, case and width."""
    folded = unicodedata.normalize("NFKC", text).upper()
    return "".join(character for character in folded if character.isalnum())


def character_errors(said: str, recognised: str) -> CharacterErrors:
    """Compare a transcript with what was said, by character. ValueError if nothing was said."""
    reference = only_spoken(said)
    if not reference:
        raise ValueError("the reference holds no spoken character")
    return CharacterErrors(Levenshtein.distance(reference, only_spoken(recognised)), len(reference))
