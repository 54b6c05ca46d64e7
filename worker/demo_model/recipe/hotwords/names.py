"""Made-up names: characters that the recogniser knows, in pairs that it never reads.

Two of the characters that stand together are a pair.  A sixteenth of all pairs, picked by a
checksum, is kept for the names of the evaluation.
"""

import functools
import random
import zlib
from collections import defaultdict
from itertools import pairwise

from worker.demo_model.recipe.language import grammar
from worker.demo_model.recipe.language.held_out import SAMPLE_SCRIPT, UNTEMPLATED
from worker.demo_model.recipe.language.lexicon import TERMINALS
from worker.demo_model.recipe.speech.synthesis import phonemes

EVALUATED = 40  # names
_SEED = 4_040
_TEXTS = 20_000  # of the grammar, searched for the pairs that it makes
_LENGTHS, _SHARES = (2, 3, 4), (40, 40, 20)


def pairs_of(text: str) -> set[str]:
    return {first + second for first, second in pairwise(grammar.bare(text))}


@functools.cache
def _known_pairs() -> frozenset[str]:
    rng = random.Random(_SEED)
    sources = (
        grammar.template_sentence,
        grammar.free_sentence,
        grammar.splice,
        grammar.word_sequence,
    )
    texts = [rng.choice(sources)(rng) for _ in range(_TEXTS)]
    texts += [text for _, text in SAMPLE_SCRIPT]
    texts += [*UNTEMPLATED, *grammar.LEXICON]
    return frozenset().union(*map(pairs_of, texts))


def _is_reserved(pair: str) -> bool:
    return zlib.crc32(pair.encode()) % 16 == 0


def made_up_name(rng: random.Random, *, reserved: bool = False) -> str:
    """Make a name of two to four characters. No pair of them stands together in the grammar's
    texts, and each is one of those kept for the evaluation, or none is."""
    length = rng.choices(_LENGTHS, _SHARES)[0]
    while True:
        name = "".join(rng.sample(grammar.CHARACTERS, length))
        pairs = pairs_of(name)
        if pairs & _known_pairs():
            continue
        if all(_is_reserved(pair) is reserved for pair in pairs):
            return name


@functools.cache
def evaluated_names() -> tuple[str, ...]:
    """The names of the evaluation; no training text has a pair of theirs."""
    rng = random.Random(_SEED)
    names: dict[str, None] = {}
    while len(names) < EVALUATED:
        names[made_up_name(rng, reserved=True)] = None
    return tuple(names)


@functools.cache
def _kept_pairs() -> frozenset[str]:
    return frozenset().union(*map(pairs_of, evaluated_names()))


def gives_away(text: str) -> bool:
    """Return whether a training text has a pair of characters of a name that is evaluated."""
    return not pairs_of(text).isdisjoint(_kept_pairs())


@functools.cache
def homophones() -> dict[str, tuple[str, ...]]:
    """Characters that espeak-ng says alike, each by itself and with its tone: the others for each
    that has any."""
    alike: dict[str, list[str]] = defaultdict(list)
    for character in grammar.CHARACTERS:
        alike[phonemes(character)].append(character)
    return {
        character: tuple(other for other in group if other != character)
        for group in alike.values()
        if len(group) > 1
        for character in group
    }


_PLACES = tuple(
    word
    for kind in ("name", "team", "sys", "doc", "thing", "city", "topic", "noun")
    for word in TERMINALS[kind]
    if not word.isascii() and len(word) > 1
)


def with_name(text: str, name: str, rng: random.Random) -> str | None:
    """The text with the name in place of one of its words; None where it has none to give."""
    places = [word for word in _PLACES if word in text]
    return text.replace(rng.choice(places), name, 1) if places else None
