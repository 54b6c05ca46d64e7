"""Chapters: how a transcript falls into them, and where they are likely to begin, told from pauses,
speakers and words alone. The same transcript always gives the same proposal."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shared.text_folding import composed, fold
from shared.transcripts.values import Sentence, Transcript

LEAST_S = 60.0
"""No chapter is proposed that is shorter, nor shorter than a twentieth of the recording; the last
may be half as long."""

MOST_PROPOSED = 30

_SAME_S = 0.0005
"""Times are kept to the millisecond."""

_WINDOW = 400
"""Characters on either side of a gap between sentences whose words are compared."""

_PAUSE_S = 2.0
"""A pause that counts fully; longer ones count no more."""

_LONGEST_PHRASE = 6
_NEARLY_ALWAYS = 0.7

_TITLE = 24
"""Characters of a title that is the beginning of a sentence."""

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
_END = re.compile("[。！？!?；;，,、：:]")


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter that is proposed."""

    at_s: float
    sentence: int
    """The first one's index."""
    title: str


@dataclass(frozen=True, slots=True)
class Section:
    """The sentences from one chapter's beginning to the next one's; the first may have no title."""

    title: str | None
    transcript: Transcript


def sections(transcript: Transcript, chapters: Sequence[tuple[float, str]]) -> list[Section]:
    """Divide a transcript at chapters, each a time in seconds and a title. One that begins within a
    sentence begins with it; one that no sentence belongs to is a section without sentences."""
    starts = sorted(chapters, key=lambda chapter: chapter[0])
    times = [at_s for at_s, _ in starts]
    groups: list[list[Sentence]] = [[] for _ in range(len(starts) + 1)]
    for sentence in transcript.sentences:
        groups[chapter_of(times, sentence.end)].append(sentence)
    titles: list[str | None] = [None, *(title for _, title in starts)]
    found = [
        Section(title, replace(transcript, sentences=tuple(group)))
        for title, group in zip(titles, groups, strict=True)
    ]
    return found if found[0].transcript.sentences or len(found) == 1 else found[1:]


def chapter_of(times: Sequence[float], end_s: float) -> int:
    """How many of the chapters that begin at these times, which are in order, have begun when a
    sentence ends: it belongs to the last of them."""
    return bisect_left(times, end_s - _SAME_S)


def propose_chapters(transcript: Transcript) -> list[Chapter]:
    """Where chapters are likely to begin, in order; none for a recording too short for two."""
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
    spans = [words[begin:end] for begin, end in zip(chosen, ends, strict=True)]
    everywhere = Counter(word for span in spans for word in set().union(*span))
    index = {id(sentence): n for n, sentence in enumerate(transcript.sentences)}
    return [
        Chapter(
            sentences[begin].start,
            index[id(sentences[begin])],
            _title(span, everywhere, len(spans), sentences[begin:end], transcript.language),
        )
        for begin, end, span in zip(chosen, ends, spans, strict=True)
    ]


def _scores(sentences: Sequence[Sentence], words: Sequence[Sequence[str]]) -> Iterator[float]:
    """How much speaks for a new chapter before each sentence."""
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
    """What tells of the matter in a sentence: pairs of Chinese characters, and other words."""
    folded = fold(text)
    pairs = [
        run[at : at + 2]
        for run in _CHINESE.findall(folded)
        for at in range(len(run) - 1)
        if not _STOP.intersection(run[at : at + 2])
    ]
    return pairs + [word for word in _LATIN.findall(folded) if word not in _STOP_WORDS]


def _title(
    span: Sequence[Sequence[str]],
    everywhere: Counter[str],
    chapters: int,
    sentences: Sequence[Sentence],
    language: str,
) -> str:
    """The words that are said again and again here and seldom elsewhere, or else how it begins."""
    counts = Counter(word for words in span for word in words)
    weights = {
        word: count * math.log(1 + chapters / everywhere[word])
        for word, count in counts.items()
        if count >= 3
    }
    shown = composed(" ".join(sentence.text for sentence in sentences))
    text = fold(shown)
    found: list[str] = []
    for word in sorted(weights, key=lambda word: (-weights[word], word)):
        phrase = _grown(word, text)
        if not any(_overlap(phrase, other) for other in found):
            found.append(phrase)
        if len(found) == 3:
            break
    if found:
        places = [(text.find(phrase), len(phrase)) for phrase in found]
        between = "、" if language in ("zh", "yue", "ja") else ", "
        return between.join(shown[at : at + length] for at, length in places)
    first = _END.split(sentences[0].text.strip(), maxsplit=1)[0] or sentences[0].text
    return first[:_TITLE]


def _overlap(one: str, other: str) -> bool:
    """Whether two phrases are pieces of one."""
    pieces = (one[at : at + 3] for at in range(max(1, len(one) - 2)))
    return other in one or any(piece in other for piece in pieces)


def _grown(word: str, text: str) -> str:
    """A pair of characters with those that nearly always stand beside it, up to six."""
    if not _CHINESE.fullmatch(word):
        return word
    while len(word) < _LONGEST_PHRASE:
        places = [found.start() for found in re.finditer(re.escape(word), text)]
        before = Counter(text[at - 1] for at in places if at)
        behind = Counter(text[end] for at in places if (end := at + len(word)) < len(text))
        grown = [
            (times, phrase)
            for beside, left in ((before, True), (behind, False))
            for character, times in beside.most_common(1)
            if times >= _NEARLY_ALWAYS * len(places)
            and _CHINESE.fullmatch(character)
            and character not in _STOP
            for phrase in [character + word if left else word + character]
        ]
        if not grown:
            break
        word = max(grown)[1]
    return word
