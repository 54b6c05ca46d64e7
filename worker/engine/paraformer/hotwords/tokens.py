"""Conversion of hotwords to the numbers of their tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from worker.engine.loading.text_files import lines_of, text_of
from worker.engine.networks.special_tokens import is_special

DICTIONARY = "seg_dict"
"""File of a model folder: a word and its tokens on each line ('gateway ga@@ te@@ way')."""

_RUNS = re.compile(r"[a-z]+(?:['-][a-z]+)*|[^\s]", re.IGNORECASE)
"""Latin words, and any other character by itself."""

TokenIds = tuple[int, ...]


class WordTokens:
    """Cuts words as FunASR does, by the model's dictionary.

    A whole word in it has its tokens; one of Chinese characters and digits has those of each
    character.  Three things are added, where FunASR takes the word for unknown: both kinds may
    stand in one word ('API网关'), capitals that the dictionary lacks are spelt out, and without a
    dictionary each token is its own entry.
    """

    def __init__(self, tokens: Sequence[str], dictionary: Path | None = None) -> None:
        self._ids = {token: number for number, token in enumerate(tokens)}
        self._pieces: Mapping[str, Sequence[str]] = {
            token: (token,) for token in tokens if not is_special(token)
        }
        if dictionary is not None and dictionary.is_file():
            lines = map(str.split, lines_of(text_of(dictionary, "replace")))
            self._pieces = {line[0]: line[1:] for line in lines if len(line) > 1}

    def ids(self, word: str) -> TokenIds | None:
        """The numbers of a word's tokens; None where one of them is not known."""
        pieces: list[str] = []
        for part in word.split():
            found = self._pieces_of(part)
            if found is None:
                return None
            pieces += found
        if not pieces or not all(piece in self._ids for piece in pieces):
            return None
        return tuple(self._ids[piece] for piece in pieces)

    def _pieces_of(self, part: str) -> list[str] | None:
        if part.lower() in self._pieces:
            return list(self._pieces[part.lower()])
        pieces: list[str] = []
        for run in _RUNS.findall(part):
            units = [run.lower()]
            if units[0] not in self._pieces and len(run) > 1 and run.isupper():
                units = list(run.lower())
            for unit in units:
                if unit not in self._pieces:
                    return None
                pieces += self._pieces[unit]
        return pieces
