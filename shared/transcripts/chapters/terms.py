"""Terms: what is said again and again and reads like what a matter is called.

Chinese is not segmented into words. A piece of a term is told from a term by what stands beside it:
a piece nearly always has the same neighbour.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from shared.text_folding import composed, fold
from shared.transcripts.chapters.function_words import (
    AFTER_VERBS,
    BEFORE_VERBS,
    CLASSIFIERS,
    COUNTING,
    ENGLISH,
    FILLING,
    FIRST_ALL_THE_SAME,
    LAST_ALL_THE_SAME,
    NOT_FIRST,
    NOT_LAST,
    VAGUE,
)

WIDEST = 16
"""Cells of the longest term: eight Chinese characters, or two English words."""

_HAN = "\u4e00-\u9fff"
_TOKEN = re.compile(
    rf"(?P<han>[{_HAN}])|(?P<word>[^\W\d_{_HAN}\u3040-\u30ff](?:[^\W_{_HAN}\u3040-\u30ff]|['’-](?=[^\W\d_]))*)"
    r"|(?P<space>[ \u3000]+)|(?P<other>.)",
    re.DOTALL,
)
_FILLING = re.compile("|".join(FILLING) + "|周[一二三四五六日天]|[上下]个?[周月]")
_NAME = re.compile(
    "[老小]?(?:[王李张刘陈杨赵吴徐孙朱郭罗郑梁宋唐许邓冯韩曹彭蔡潘袁蒋魏吕沈姚卢崔谭廖汪邱侯邹熊孟秦薛尹郝龚邵]"
    "|周(?![期年报会边转末刊长]))..?|[老小].|.[总工哥姐]"
)
"""Pattern of two or three characters that call a person."""

_NEARLY_ALWAYS = 0.7

Gram = tuple[str, ...]
"""Tokens beside each other, folded: Chinese characters and other words."""


@dataclass(slots=True, eq=False)
class Term:
    """A term of a transcript, and where it is said."""

    gram: Gram
    places: list[tuple[int, int]] = field(default_factory=list)
    """Number of the sentence, and of the token in it, of each place."""
    shown: Counter[str] = field(default_factory=Counter)
    """Forms in which it is written, counted."""
    acts: int = 0
    """Number of times that it stands as what somebody does."""
    counted: int = 0
    """Number of times that it begins with a classifier that belongs to the number before."""

    @property
    def text(self) -> str:
        """Form of the term that is most frequent, or the first of several."""
        return self.shown.most_common(1)[0][0]

    @property
    def is_action(self) -> bool:
        """Return whether the term is rather an action than a name."""
        return 2 * self.acts >= len(self.places)


def find_terms(texts: Sequence[str], names: Iterable[str] = ()) -> list[Term]:
    """The terms that are said at least twice in a transcript of these sentences, by their grams;
    none that is a part of one of `names`."""
    tokens = [list(_tokens(text)) for text in texts]
    counts = Counter(gram for sentence in tokens for _, gram in _grams(sentence, is_called_so))
    called = [_gram_of(name) for name in names]
    repeated = {
        gram
        for gram, count in counts.items()
        if count >= 2 and not any(_is_within(gram, name) for name in called)
    }
    terms: dict[Gram, Term] = {}
    beside: dict[Gram, tuple[Counter[str], Counter[str]]] = defaultdict(
        lambda: (Counter(), Counter())
    )
    for number, sentence in enumerate(tokens):
        for at, gram in _grams(sentence, repeated.__contains__):
            term = terms.setdefault(gram, Term(gram))
            end = at + len(gram)
            term.places.append((number, at))
            term.shown["".join(one.shown for one in sentence[at:end]).strip()] += 1
            before = sentence[at - 1].folded if at else ""
            behind = sentence[end].folded if end < len(sentence) else ""
            beside[gram][0][before] += 1
            beside[gram][1][behind] += 1
            term.counted += before in COUNTING and gram[0] in CLASSIFIERS
            term.acts += before in BEFORE_VERBS or behind in AFTER_VERBS
    return [
        term
        for gram, term in sorted(terms.items())
        if 2 * term.counted < len(term.places) and not _is_piece(term, beside[gram])
    ]


def is_term(text: str) -> bool:
    """Return whether a text that is said once reads like a term; it may have 的 within."""
    tokens = [one for one in _tokens(text) if one.folded]
    return bool(tokens) and all(
        is_called_so(tuple(one.folded for one in part)) for part in _parts_at_de(tokens)
    )


@dataclass(frozen=True, slots=True)
class _Token:
    folded: str
    """Text as it is compared; empty for what ends a run of words: a mark, or a number."""
    shown: str
    """Text of the token, with the space before it if another word precedes."""


def _tokens(text: str) -> Iterator[_Token]:
    shown = composed(text)
    folded = fold(shown)
    space = ""
    after_word = False
    for found in _TOKEN.finditer(folded):
        kind = found.lastgroup
        if kind == "space":
            space = " "
            continue
        written = shown[found.start() : found.end()]
        if kind == "word":
            # A word of letters is parted from another by its space alone.
            yield _Token(_stem(found[0]), (" " if space and after_word else "") + written)
        elif kind == "han":
            yield _Token(found[0], written)
        else:
            yield _Token("", written)
        space, after_word = "", kind == "word"


def _stem(word: str) -> str:
    """A word without the ending of its plural."""
    word = word.replace("’", "'")
    ends = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "'s"))
    return word[:-1] if ends else word


def _gram_of(text: str) -> Gram:
    return tuple(one.folded for one in _tokens(text))


def _is_within(gram: Gram, whole: Gram) -> bool:
    return any(gram == whole[at : at + len(gram)] for at in range(len(whole) - len(gram) + 1))


def _grams(
    tokens: Sequence[_Token], is_wanted: Callable[[Gram], bool]
) -> Iterator[tuple[int, Gram]]:
    """Yield every gram that may be a term, with the number of its first token."""
    for at in range(len(tokens)):
        gram: Gram = ()
        width = 0
        for token in tokens[at:]:
            width += 2 if _is_han(token.folded) else len(token.shown)
            if not token.folded or width > WIDEST:
                break
            gram = (*gram, token.folded)
            if is_wanted(gram):
                yield at, gram


def _is_han(token: str) -> bool:
    return len(token) == 1 and "\u4e00" <= token <= "\u9fff"


@lru_cache(maxsize=65_536)
def is_called_so(gram: Gram) -> bool:
    """Return whether a gram may be a name: no function word is in it or at its edges."""
    text = "".join(gram)
    if text[0] in NOT_FIRST and not text.startswith(_FIRST):
        return False
    if text[-1] in NOT_LAST and not text.endswith(_LAST):
        return False
    words = [token for token in gram if not _is_han(token)]
    if len(words) > 2 or any(word in ENGLISH or _stem(word) in _STEMS for word in words):
        return False
    if len(words) == len(gram):
        return len(gram) == 2 or len(gram[0]) >= 2
    han = "".join(token for token in gram if _is_han(token))
    if len(han) < 2 or han in VAGUE or _FILLING.search(text) or _NAME.fullmatch(text):
        return False
    # Words stand before or behind the characters, not among them.
    if words and not text.startswith("".join(words)) and not text.endswith("".join(words)):
        return False
    return not any(particle in text for particle in "的了吗呢吧啊")


_FIRST = tuple(sorted(FIRST_ALL_THE_SAME))
_LAST = tuple(sorted(LAST_ALL_THE_SAME))
_STEMS = frozenset(map(_stem, ENGLISH))


def _is_piece(term: Term, beside: tuple[Counter[str], Counter[str]]) -> bool:
    """Return whether the term nearly always has the same neighbour, with which it forms a longer
    name."""
    for place, counts in enumerate(beside):
        neighbour, times = counts.most_common(1)[0]
        if not neighbour or times < _NEARLY_ALWAYS * len(term.places):
            continue
        whole = (*term.gram, neighbour) if place else (neighbour, *term.gram)
        if is_called_so(whole):
            return True
    return False


def _parts_at_de(tokens: Sequence[_Token]) -> list[list[_Token]]:
    parts: list[list[_Token]] = [[]]
    for token in tokens:
        if token.folded == "的":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
