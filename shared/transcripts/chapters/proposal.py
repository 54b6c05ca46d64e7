"""Proposal of places where chapters are likely to begin."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.text_folding import fold
from shared.transcripts.chapters.titles import chapter_titles
from shared.transcripts.values import Sentence, Transcript

LEAST_S = 60.0
"""Least seconds of a proposed chapter, which is no shorter than a twentieth of the recording
either; the last may be half as long."""

MOST_PROPOSED = 30

_WINDOW = 400
"""Characters on either side of a gap between sentences whose words are compared."""

_PAUSE_S = 2.0
"""A pause that counts fully; longer ones count no more."""

_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
_LATIN = re.compile(r"[a-z][a-z0-9'-]{2,}")
_STOP = frozenset(
    "的了是我们你他她它在有就不这那个啊呃嗯吧呢吗也都和说要会到去上下来对把给让很再还没又然后什么怎一"
    "为以可能能得着过被从向跟比与及或而但因所如果现里边样些多少大家好嘛哦哎诶"
)
_STOP_WORDS = frozenset(
    """the and that this with for you are was have has not but they what can will our from about
    there just like okay yeah then them its also which would could should been were when your all
    one out get got let now how who why""".split()  # noqa: SIM905 - a list of words, read as such
)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter that is proposed."""

    at_s: float
    sentence: int
    """The first one's index."""
    title: str


def propose_chapters(transcript: Transcript) -> list[Chapter]:
    """Propose places where chapters are likely to begin, in order; none for a recording too short
    for two."""
    sentences = [s for s in transcript.sentences if s.text]
    if not sentences:
        return []
    length_s = sentences[-1].end - sentences[0].start
    least_s = max(LEAST_S, length_s / 20)
    if length_s < 2 * least_s:
        return []
    words = [_words(sentence.text) for sentence in sentences]
    scores = list(_scores(sentences, words))
    inner = [score for score in scores if score > 0]
    mean = sum(inner) / len(inner) if inner else 0.0
    spread = math.sqrt(sum((s - mean) ** 2 for s in inner) / len(inner)) if inner else 0.0
    chosen = [0]
    by_score = sorted(range(1, len(sentences)), key=lambda n: (-scores[n], n))
    for n in by_score:
        if scores[n] < mean + spread or len(chosen) >= MOST_PROPOSED:
            break
        at = sentences[n].start
        far = all(abs(at - sentences[other].start) >= least_s for other in chosen)
        if far and sentences[-1].end - at >= least_s / 2:
            chosen.append(n)
    if len(chosen) < 2:
        return []
    chosen.sort()
    ends = [*chosen[1:], len(sentences)]
    spans = [sentences[begin:end] for begin, end in zip(chosen, ends, strict=True)]
    titles = chapter_titles(spans, transcript.language)
    index = {id(sentence): n for n, sentence in enumerate(transcript.sentences)}
    return [
        Chapter(span[0].start, index[id(span[0])], title)
        for span, title in zip(spans, titles, strict=True)
    ]


def _scores(sentences: Sequence[Sentence], words: Sequence[Sequence[str]]) -> Iterator[float]:
    """Score of each sentence as the first of a new chapter."""
    for n in range(len(sentences)):
        if n == 0:
            yield 0.0
            continue
        before, after = sentences[n - 1], sentences[n]
        pause = min(max(after.start - before.end, 0.0), _PAUSE_S) / _PAUSE_S
        other = before.speaker != after.speaker
        yield (
            1
            - _likeness(_near(words, sentences, n, -1), _near(words, sentences, n, 1))
            + (0.5 * pause + 0.1 * other)
        )


def _near(
    words: Sequence[Sequence[str]], sentences: Sequence[Sentence], n: int, step: int
) -> Counter[str]:
    """The words on one side of the gap before sentence `n`."""
    found: Counter[str] = Counter()
    length = 0
    at = n if step > 0 else n - 1
    while 0 <= at < len(sentences) and length < _WINDOW:
        found.update(words[at])
        length += len(sentences[at].text)
        at += step
    return found


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    """The cosine of two counts of words, 0 to 1."""
    both = sum(count * other[word] for word, count in one.items())
    lengths = math.sqrt(sum(c * c for c in one.values()) * sum(c * c for c in other.values()))
    return both / lengths if lengths else 0.0


def _words(text: str) -> list[str]:
    """Words that carry the subject of a sentence: pairs of Chinese characters, and other words."""
    folded = fold(text)
    pairs = [
        run[at : at + 2]
        for run in _CHINESE.findall(folded)
        for at in range(len(run) - 1)
        if not _STOP.intersection(run[at : at + 2])
    ]
    return pairs + [word for word in _LATIN.findall(folded) if word not in _STOP_WORDS]
