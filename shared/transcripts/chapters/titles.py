"""Titles of chapters: what the speakers announce, or the terms that they say again and again in
one chapter and seldom in the others."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from unicodedata import east_asian_width

from shared.transcripts.chapters.terms import WIDEST, Gram, Term, find_terms, is_term
from shared.transcripts.values import Sentence

_OPENING = 3
"""Sentences in which a matter is announced."""

_OPENING_WIDEST = 24
"""Cells of a title that is only how a chapter begins."""

_ANNOUNCED = 2.5
"""Factor by which a term of the first sentences counts more."""

_ALSO = 0.4
"""Least weight of another term in a title, as a share of that of its first term."""

_CHINESE = re.compile(
    "(?:讨论|[说讲谈聊]一?[下说讲谈聊]|介绍|关于|[们先来再]讲|再说|还有就是|进入|[主议]题是|重点是"
    "|[件个项](?:事情?|议题)(?:，|,|是|就是|呢)+)(?:一下|的?就?是)*"
    "([\u4e00-\u9fffA-Za-z0-9]{2,12})(?=[。！？!?；;，,、]|$)"
)
_ENGLISH = re.compile(
    r"\b(?:talk(?:ing)? about|discuss(?:ing)?|mov(?:e|ing) on to|turn to"
    r"|start with|next (?:thing|item|topic|point)(?: on the agenda)? is)\s+(?:the |our |a |an )?"
    r"([\w'’-]+(?: [\w'’-]+)?)(?=[,.;:!?]|$| (?:for|and|because|in|of|with|that|which|on)\b)",
    re.IGNORECASE,
)
_BEFORE = re.compile("^(?:(?:这个|那个|今年|明年|去年|本季度|本月|一下|我们|大家|整个)的?)+")
_BEHIND = re.compile("的?(?:问题|情况|事情|事|时候|部分|内容|这块|这一块)$")

_CLAUSE = re.compile("[。！？!?；;，,、：:.]\\s*")
_OPENERS = re.compile(
    # 行政, 对账 and 那个 begin words of their own.
    r"^(?:[好对行](?=[\s，,]|$)|好的|嗯+|呃|那么|那(?![些个里边儿样种时天年月位])|然后|接下来|最后|首先|其实"
    r"|所以|我们|我(?![国军方司校院])|okay|ok|so|and|well|right|yeah|um|uh|"
    r"alright|all right|now|i think|i mean)(?:\b|(?=[\u4e00-\u9fff]))[\s，,]*",
    re.IGNORECASE,
)
_LETTER = "(?:(?![\u3040-\u30ff\u4e00-\u9fff])[\\w'’-])"
_WITHIN_WORD, _LAST_WORD = re.compile(_LETTER * 2), re.compile(f"{_LETTER}+$")


def chapter_titles(chapters: Sequence[Sequence[Sentence]], language: str) -> list[str]:
    """A title for each chapter of a transcript in `language`; each has a sentence with text."""
    sentences = [sentence for chapter in chapters for sentence in chapter]
    names = {sentence.speaker for sentence in sentences if sentence.speaker}
    terms = find_terms([sentence.text for sentence in sentences], sorted(names))
    between = "、" if language.startswith(("zh", "yue", "ja")) else ", "
    said = {term: sorted({number for number, _ in term.places}) for term in terms}
    titles = []
    begin = 0
    for chapter in chapters:
        end = begin + len(chapter)
        titles.append(_title(chapter, _weighed(said, begin, end), between))
        begin = end
    return titles


def _title(chapter: Sequence[Sentence], terms: Sequence[tuple[float, str]], between: str) -> str:
    announced = _announced(chapter)
    if announced:
        return announced
    if not terms:
        return _beginning(chapter)
    most, title = terms[0]
    for weight, term in terms[1:]:
        if weight < _ALSO * most:
            break
        longer = title + between + term
        if cells(longer) <= WIDEST and not _overlap(title, term):
            return longer
    return title


def cells(text: str) -> int:
    """The width of a text: a Chinese character takes two cells."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _weighed(
    sentences: Mapping[Term, Sequence[int]], begin: int, end: int
) -> list[tuple[float, str]]:
    """Weights of terms, given with the sorted numbers of their sentences, in the sentences from
    `begin` to `end`, the highest first."""
    here: dict[Gram, tuple[Term, set[int]]] = {}
    for term, numbers in sentences.items():
        said = set(numbers[bisect_left(numbers, begin) : bisect_left(numbers, end)])
        if len(said) >= 2 and not term.is_action:
            here[term.gram] = term, said
    longer: dict[Gram, set[int]] = defaultdict(set)
    for whole, (_, said) in here.items():
        for part in _parts(whole):
            if part in here:
                longer[part] |= said
    found = []
    for gram, (term, said) in here.items():
        # What is said as a part of a longer term speaks for that one.
        alone = said - longer[gram]
        if not alone:
            continue
        share = len(said) / len(sentences[term])
        weight = len(alone) * share * (1 + 0.25 * (len(gram) - 1))
        if min(alone) < begin + _OPENING:
            weight *= _ANNOUNCED
        found.append((weight, min(said), term.text))
    found.sort(key=lambda one: (-one[0], one[1], one[2]))
    return [(weight, text) for weight, _, text in found]


def _parts(whole: Gram) -> Iterator[Gram]:
    """The shorter terms that may be within one."""
    for length in range(1, len(whole)):
        for at in range(len(whole) - length + 1):
            yield whole[at : at + length]


def _overlap(one: str, other: str) -> bool:
    """Return whether two terms have a word in common, or two characters beside each other."""
    if one.isascii() and other.isascii():
        return bool(set(one.lower().split()) & set(other.lower().split()))
    return any(other[at : at + 2] in one for at in range(len(other) - 1))


def _announced(chapter: Sequence[Sentence]) -> str:
    """Subject that the first sentences announce; empty where they announce none."""
    for sentence in chapter[:_OPENING]:
        for found in (*_CHINESE.finditer(sentence.text), *_ENGLISH.finditer(sentence.text)):
            term = _BEHIND.sub("", _BEFORE.sub("", found[1].strip()))
            if 0 < cells(term) <= WIDEST and is_term(term):
                return term
    return ""


def _beginning(chapter: Sequence[Sentence]) -> str:
    """The first words of a chapter that tell anything."""
    clauses = [
        clause
        for sentence in chapter[:_OPENING]
        for piece in _CLAUSE.split(sentence.text)
        if (clause := _without_openers(piece.strip()))
    ]
    fitting = [clause for clause in clauses if 8 <= cells(clause) <= _OPENING_WIDEST]
    whole = next(iter([*fitting, *clauses]), chapter[0].text.strip())
    return _shortened(whole)


def _shortened(text: str) -> str:
    """Beginning of a text that is no wider than a title, up to the end of a word of letters."""
    short = text
    while cells(short) > _OPENING_WIDEST:
        short = short[:-1]
    if _WITHIN_WORD.match(text, max(len(short) - 1, 0)):
        short = _LAST_WORD.sub("", short) or short
    return short.strip()


def _without_openers(clause: str) -> str:
    while (shorter := _OPENERS.sub("", clause)) != clause:
        clause = shorter
    return clause
