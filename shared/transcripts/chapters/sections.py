"""Division of a transcript at its chapters."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.transcripts.values import Sentence, Transcript

_SAME_S = 0.0005
"""Times are kept to the millisecond."""


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
    """Number of chapters, which begin at these sorted times, that have begun when a sentence ends:
    it belongs to the last of them."""
    return bisect_left(times, end_s - _SAME_S)
