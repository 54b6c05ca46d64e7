"""Text of the demonstration language: sentences, looser word sequences, and their tokens.

Sentences come from templates, and a recogniser trained on templates alone learns them by heart: a
homophone (是/十, 就/九, 把/八, 不/部) is then settled by the template and not by its neighbours. So
most of the training text is looser: phrase rules, splices of two sentences, runs of words.
"""

import random
import re
import zlib
from dataclasses import dataclass

from worker.demo_model.recipe.language.held_out import SAMPLE_SCRIPT, UNTEMPLATED
from worker.demo_model.recipe.language.lexicon import SPOKEN_WORDS, TERMINALS
from worker.demo_model.recipe.language.numerals import NUMBER_CHARACTERS, NUMBERS
from worker.demo_model.recipe.language.templates import PHRASES, TEMPLATES

PUNCTUATION = "，。？"
_SLOT = re.compile(r"\{(\w+)(\?)?\}")
_UNIT = re.compile(r"[A-Z]+|[\u4e00-\u9fff]")


def expand(pattern: str, rng: random.Random) -> str:
    """Replace every slot of a pattern, recursively."""

    def fill(match: re.Match[str]) -> str:
        slot, optional = match.groups()
        if optional and rng.random() < 0.6:
            return ""
        if slot in NUMBERS:
            return NUMBERS[slot](rng)
        if slot in TERMINALS:
            return rng.choice(TERMINALS[slot])
        return expand(rng.choice(PHRASES[slot]), rng)

    return _SLOT.sub(fill, pattern)


def template_sentence(rng: random.Random) -> str:
    """Draw one sentence of the templates, punctuated."""
    return expand(rng.choice(TEMPLATES), rng)


def free_sentence(rng: random.Random) -> str:
    """Draw one sentence of the phrase rules, punctuated. Grammatical more often than sensible."""
    return separate_latin(expand("{free}", rng))


def clause(rng: random.Random) -> str:
    """Draw one clause of a template: endpoint detection also hands over half sentences."""
    parts = re.split(f"[{PUNCTUATION}]", template_sentence(rng))
    return rng.choice([part for part in parts if part])


def splice(rng: random.Random) -> str:
    """Draw two sentences joined at a character that both have: every pair of neighbours stays
    plausible while the sentence as a whole does not."""
    sources = (template_sentence, free_sentence)
    while True:
        head, tail = (rng.choice(sources)(rng) for _ in range(2))
        shared = sorted(set(head) & set(tail) - set(PUNCTUATION))
        shared = [character for character in shared if not character.isascii()]
        if shared:
            character = rng.choice(shared)
            return separate_latin(head[: head.index(character)] + tail[tail.index(character) :])


# Words and the fixed parts of templates.
LEXICON: tuple[str, ...] = tuple(
    sorted(
        {word for words in TERMINALS.values() for word in words}
        | {part for text in TEMPLATES for part in re.split(r"\{[^{}]*\}|[，。？]", text) if part}
    )
)


def word_sequence(rng: random.Random) -> str:
    """Draw one to six words in no order, numbers among them."""
    words = []
    for _ in range(rng.randint(1, 6)):
        kind = rng.random()
        if kind < 0.15:
            words.append(NUMBERS[rng.choice(list(NUMBERS))](rng))
        elif kind < 0.55:  # a class first, so that the few function words come up often
            words.append(rng.choice(TERMINALS[rng.choice(list(TERMINALS))]))
        else:
            words.append(rng.choice(LEXICON))
    return separate_latin("".join(words))


def character_sequence(rng: random.Random) -> str:
    """Draw three to ten Hanzi in no order: each is heard even where no word explains it."""
    return "".join(rng.choice(CHARACTERS) for _ in range(rng.randint(3, 10)))


def separate_latin(text: str) -> str:
    """Put 和 between English terms that touch: run together they would be read as one word."""
    terms = sorted((w for w in TERMINALS["sys"] if w.isascii()), key=len, reverse=True)
    return re.sub("({0})(?={0})".format("|".join(terms)), r"\1和", text)


@dataclass(frozen=True)
class Token:
    """Output unit of the recogniser and its position in its sentence."""

    text: str  # as in the vocabulary: a Hanzi, a lower-case letter, or a lower-case word
    position: int  # first character of its word
    index: int  # place inside its word: 1 for the p of API


def tokenise(text: str) -> list[Token]:
    """Hanzi one by one, acronyms letter by letter, the words of SPOKEN_WORDS whole.

    Lower case, because that is how Paraformer's vocabulary has Latin script; FunASR joins single
    letters and raises them again.
    """
    tokens = []
    for match in _UNIT.finditer(text):
        word = match.group()
        units = [SPOKEN_WORDS[word]] if word in SPOKEN_WORDS else list(word.lower())
        tokens += [Token(unit, match.start(), index) for index, unit in enumerate(units)]
    return tokens


def words_of(text: str) -> list[str]:
    """The words that carry a time in a transcript: each Hanzi, each English term."""
    return _UNIT.findall(text)


def _characters() -> list[str]:
    pieces = [word for words in TERMINALS.values() for word in words]
    pieces += [_SLOT.sub("", text) for text in TEMPLATES]
    pieces += [_SLOT.sub("", text) for texts in PHRASES.values() for text in texts]
    return sorted({c for c in "".join(pieces) + NUMBER_CHARACTERS if "\u4e00" <= c <= "\u9fff"})


CHARACTERS = _characters()
_LETTERS = sorted(
    {c.lower() for w in TERMINALS["sys"] if w.isascii() and w not in SPOKEN_WORDS for c in w}
)
# FunASR takes 0, 1 and 2 for blank, start and end, and fails without an <unk>.
VOCABULARY: tuple[str, ...] = (
    "<blank>",
    "<s>",
    "</s>",
    *_LETTERS,
    *sorted(SPOKEN_WORDS.values()),
    *CHARACTERS,
    "<unk>",
)
TOKEN_IDS = {token: index for index, token in enumerate(VOCABULARY)}


def bare(text: str) -> str:
    """Text without punctuation, as texts are compared."""
    return "".join(words_of(text))


_FIXED = {bare(text) for text in TEMPLATES}  # those without slots cannot be held out
_RESERVED = ({bare(text) for _, text in SAMPLE_SCRIPT} | set(UNTEMPLATED)) - _FIXED


def is_held_out(sentence: str) -> bool:
    """Return whether this sentence is kept out of training: the reserved ones, and one in sixteen
    of all others by a checksum, from which evaluation draws."""
    text = bare(sentence)
    if text in _RESERVED:
        return True
    return text not in _FIXED and zlib.crc32(text.encode()) % 16 == 0
