"""Edits of speakers by people: each edit is a value, and all of them together give the present
state.

Edits are added and never changed; an undone one stays in the history.  Speakers are numbers from 1,
and sentences are named by their place in the recognised transcript, which no edit changes; those
that people split off follow, and have the speaker of the one that they come from until somebody
says who speaks them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any


class EditKind(StrEnum):
    """Kind of an edit."""

    RENAME = "rename"
    """{"speaker": n, "name": text}; an empty name gives the number back."""
    MERGE = "merge"
    """{"speaker": n, "into": m}: they are one person, called as m is."""
    SPLIT = "split"
    """{"speaker": n, "into": m, "sentences": [n, ...]}: two voices were one speaker, and these
    sentences are those of m, who is new."""
    ASSIGN = "assign"
    """{"sentences": [n, ...], "speaker": m}; null: nobody in particular."""
    COUNT = "count"
    """{"wanted": text, "speakers": [m, ...]}: told apart again into another number of speakers;
    one number, or null, for each sentence."""
    UNDO = "undo"
    """{"edit": n}: as if that edit had not been made."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Change of speakers. `number` counts the edits of a job from 1."""

    number: int
    kind: EditKind
    detail: Mapping[str, Any]
    editor_id: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SpeakerState:
    """Speaker of each recognised sentence, and the names that somebody gave."""

    speakers: tuple[int | None, ...]
    names: Mapping[int, str] = field(default_factory=dict)
    assigned: Mapping[int, int | None] = field(default_factory=dict)
    """The sentences whose speaker a person chose, also of those that were split off."""

    @property
    def numbers(self) -> list[int]:
        """The speakers who say something, in the order of their numbers."""
        speakers = {*self.speakers, *self.assigned.values()}
        return sorted(speaker for speaker in speakers if speaker is not None)

    def speaker_of(self, n: int, origin: int | None) -> int | None:
        """Speaker of a sentence; `origin` is the recognised one that it was split off from."""
        return self.speakers[n] if origin is None else self.assigned.get(n, self.speakers[origin])


def undone(edits: Sequence[Edit]) -> frozenset[int]:
    """The numbers of edits that do not count: undone by another that itself is not."""
    gone: set[int] = set()
    for edit in reversed(edits):
        if edit.kind is EditKind.UNDO and edit.number not in gone:
            gone.add(int(edit.detail["edit"]))
    return frozenset(gone)


def told_apart(edits: Sequence[Edit]) -> list[Edit]:
    """Edits that tell the voices apart anew, and count."""
    gone = undone(edits)
    return [edit for edit in edits if edit.kind is EditKind.COUNT and edit.number not in gone]


def replay(state: SpeakerState, edits: Sequence[Edit], seconds: Sequence[float]) -> SpeakerState:
    """The state after all edits that count; `seconds` is how long each sentence takes."""
    gone = undone(edits)
    for edit in edits:
        if edit.number not in gone:
            state = _apply(state, edit, seconds)
    return state


def _apply(state: SpeakerState, edit: Edit, seconds: Sequence[float]) -> SpeakerState:
    detail = edit.detail
    match edit.kind:
        case EditKind.RENAME:
            return _rename(state, detail["speaker"], detail["name"])
        case EditKind.MERGE:
            return _merge(state, detail["speaker"], detail["into"])
        case EditKind.SPLIT:
            return _assign(state, dict.fromkeys(detail["sentences"], detail["into"]))
        case EditKind.ASSIGN:
            return _assign(state, dict.fromkeys(detail["sentences"], detail["speaker"]))
        case EditKind.COUNT:
            return _count(state, detail["speakers"], seconds)
        case EditKind.UNDO:
            return state


def _rename(state: SpeakerState, speaker: int, name: str) -> SpeakerState:
    names = {number: known for number, known in state.names.items() if number != speaker}
    return replace(state, names=names | ({speaker: name} if name else {}))


def _merge(state: SpeakerState, speaker: int, into: int) -> SpeakerState:
    moved = {speaker: into}
    return SpeakerState(
        tuple(moved.get(one, one) if one is not None else None for one in state.speakers),
        {number: name for number, name in state.names.items() if number != speaker},
        {n: moved.get(one, one) if one is not None else None for n, one in state.assigned.items()},
    )


def _assign(state: SpeakerState, chosen: Mapping[int, int | None]) -> SpeakerState:
    speakers = list(state.speakers)
    for sentence, speaker in chosen.items():
        if sentence < len(speakers):
            speakers[sentence] = speaker
    return replace(state, speakers=tuple(speakers), assigned=dict(state.assigned) | dict(chosen))


def _count(
    state: SpeakerState, speakers: Sequence[int | None], seconds: Sequence[float]
) -> SpeakerState:
    """Names stay with whoever has most of the sentences of the person who had them, and sentences
    that a person assigned stay that person's."""
    shared = _shared_seconds(state, speakers, seconds)
    successors = _successors(shared)
    following = max([*(one for one in speakers if one is not None), 0]) + 1
    merged: dict[int, int] = {}
    for number in sorted({one for one in state.assigned.values() if one is not None}):
        if number in successors:
            continue
        said = {new: length for (old, new), length in shared.items() if old == number}
        if said:  # told apart from nobody any more: one with whoever has most of what they said
            merged[number] = max(said, key=lambda new: (said[new], -new))
        else:  # made by hand alone, and still there
            successors[number], following = following, following + 1
    became = merged | successors
    return _assign(
        SpeakerState(
            tuple(speakers),
            {successors[old]: name for old, name in state.names.items() if old in successors},
        ),
        {n: None if one is None else became[one] for n, one in state.assigned.items()},
    )


def _shared_seconds(
    state: SpeakerState, after: Sequence[int | None], seconds: Sequence[float]
) -> dict[tuple[int, int], float]:
    """Seconds that each old and each new speaker have in common. Sentences assigned by a person are
    left out, since they say nothing about a voice."""
    shared: dict[tuple[int, int], float] = defaultdict(float)
    for n, (old, new, length) in enumerate(zip(state.speakers, after, seconds, strict=True)):
        if old is not None and new is not None and n not in state.assigned:
            shared[old, new] += length
    return shared


def _successors(shared: Mapping[tuple[int, int], float]) -> dict[int, int]:
    """Map old speakers to new ones, one to one, pairs with the most common speech first."""
    found: dict[int, int] = {}
    for old, new in sorted(shared, key=lambda pair: (-shared[pair], pair)):
        if old not in found and new not in found.values():
            found[old] = new
    return found
