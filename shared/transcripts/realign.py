"""Word times for a sentence whose text a person has corrected.

Nobody listens again when a sentence is corrected, so the times come from the recognised words: a
word that is still there keeps its own, and new ones share the time of those that they replace.
Seconds of the recording throughout.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from shared.transcripts.values import Sentence, Word

_HAN_OR_KANA = (
    "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)

WORD = re.compile(
    rf"[{_HAN_OR_KANA}]"
    rf"|[^\W_{_HAN_OR_KANA}]+(?:(?:['’&_-]|(?<=\d)[.,](?=\d))[^\W_{_HAN_OR_KANA}]+)*"
)
"""Pattern of a word: one Chinese character or one word of another script, as the recogniser writes
them. A mark belongs to a word only between two parts of it: it's, state-of-the-art, r&d, 3.5."""

_IS_HAN_OR_KANA = re.compile(f"[{_HAN_OR_KANA}]")

_LONGEST_COMPARISON = 1_000_000
"""Pairs of words, old times new, that are compared: a tenth of a second at the worst. A sentence
is 30 by 30; only a text made for it passes this, and is then compared at its two ends only."""

_LETTERS_A_SYLLABLE = 3
"""Letters of an English word that are spoken in about the time of one Chinese character."""


def is_han_or_kana(character: str) -> bool:
    """Return whether a character is a word of its own."""
    return _IS_HAN_OR_KANA.match(character) is not None


def corrected(sentence: Sentence, text: str) -> Sentence:
    """The recognised sentence with another text; its span stays.

    Words that both have keep their times, whatever their case. Those in between share the time
    of the words they replace, or the pause that they were put into, which may be none at all.
    An empty text leaves no words.
    """
    new = WORD.findall(text)
    return replace(sentence, text=text, words=tuple(_timed(sentence, new)))


def _timed(sentence: Sentence, new: Sequence[str]) -> Iterator[Word]:
    old = sentence.words
    before = sentence.start
    for same, old_from, old_to, new_from, new_to in _blocks(
        [word.word.casefold() for word in old], [word.casefold() for word in new]
    ):
        replaced, pieces = old[old_from:old_to], new[new_from:new_to]
        if same or len(replaced) == len(pieces):
            yield from (
                _rewritten(word, piece) for word, piece in zip(replaced, pieces, strict=True)
            )
        else:
            after = old[old_to].start if old_to < len(old) else sentence.end
            start, end = (replaced[0].start, replaced[-1].end) if replaced else (before, after)
            yield from _spread(pieces, start, max(start, end))
        if replaced:
            before = replaced[-1].end


def _rewritten(word: Word, piece: str) -> Word:
    """A word with another text, in the time of the old one and without its confidence: that was in
    the word, not in what a person wrote."""
    same = word.word.casefold() == piece.casefold()
    return replace(word, word=piece, confidence=word.confidence if same else None)


def _blocks(old: list[str], new: list[str]) -> Iterator[tuple[bool, int, int, int, int]]:
    """Parts that are the same or differ, in order: same, old from and to, new from and to."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    old_end, new_end = len(old) - tail, len(new) - tail
    yield True, 0, head, 0, head
    if (old_end - head) * (new_end - head) > _LONGEST_COMPARISON:
        yield False, head, old_end, head, new_end
    else:
        # autojunk would pass over what a long sentence says often.
        matcher = SequenceMatcher(None, old[head:old_end], new[head:new_end], autojunk=False)
        for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
            yield tag == "equal", old_from + head, old_to + head, new_from + head, new_to + head
    yield True, old_end, len(old), new_end, len(new)


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    """Count the words that both begin with."""
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def _spread(words: Sequence[str], start: float, end: float) -> Iterator[Word]:
    """Place words one after another from `start` to `end`, longer words for longer."""
    weights = [max(1.0, len(word) / _LETTERS_A_SYLLABLE) for word in words]
    passed, whole, at = 0.0, sum(weights), start
    for number, (word, weight) in enumerate(zip(words, weights, strict=True), start=1):
        passed += weight
        until = round(start + (end - start) * passed / whole, 3)
        until = end if number == len(words) else min(end, max(at, until))
        yield Word(word, at, until)
        at = until
