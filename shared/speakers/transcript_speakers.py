"""Speakers of a finished transcript, as stored and as people change them.

The worker's transcript stays as it is.  An edit is a row of its own and names the revision that it
was made from: the number of edits before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.db import Database
from shared.errors import InvalidRequest, JobNotFound
from shared.models import Job, SpeakerEdit, StoredVoiceMap
from shared.speakers.edits import Edit, EditKind, SpeakerState, replay, told_apart, undone
from shared.speakers.errors import SpeakersEditedMeanwhile
from shared.speakers.kept.voice_keeping import hold_of_job
from shared.speakers.kept.voices import forget_after_edit
from shared.speakers.names import checked_name, default_name, speakers_from_options
from shared.speakers.voice_edits import counted, parted
from shared.transcripts.values import Sentence, Transcript

MOST_SPEAKERS_EDITED = 200
"""Numbers up to which a person may give one to a new speaker."""
MOST_EDITS = 5000
"""Edits of a job at most; each reading applies them all."""
MOST_EDITED_SENTENCES = 500_000
"""Sentences that all edits of a job name together at most; 130 times all sentences of six hours."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Speaker, and the amount of their speech: seconds, and the share of all speech."""

    number: int
    name: str
    is_named: bool
    """True if a person gave the name."""
    sentences: int
    seconds: float
    share: float


@dataclass(frozen=True, slots=True)
class Speakers:
    """Speakers of a transcript."""

    revision: int
    """The number of edits so far; the next is made from it."""
    speakers: tuple[Speaker, ...]
    of_sentences: tuple[int | None, ...]
    wanted: str | None
    """Number of speakers as it was asked for, 'auto' for instance; None where nobody asked for
    voices to be told apart."""
    can_count: bool
    """True if they can be told apart again into another number."""
    edits: tuple[Edit, ...]
    """Edits, the newest first."""
    undone: frozenset[int]


def with_speakers(
    session: Session, job_id: str, transcript: Transcript, recognised: Transcript
) -> Transcript:
    """Name the speaker of each sentence as people left it; `recognised` is as the worker wrote it,
    and `transcript` that or the corrected one."""
    edits = edits_of(session, job_id)
    if not edits:
        return transcript
    state = replayed(recognised, edits)
    sentences = tuple(
        replace(sentence, speaker=_name(state, number, transcript.language))
        for sentence, number in zip(
            transcript.sentences, _of_sentences(state, transcript), strict=True
        )
    )
    return replace(transcript, sentences=sentences)


def read_speakers(
    db: Database, *, job_id: str, transcript: Transcript, recognised: Transcript
) -> Speakers:
    """Read the speakers; `recognised` is the worker's transcript and `transcript` the corrected
    one, whose removed sentences do not count as spoken. Raises JobNotFound."""
    with db.reading() as session:
        return _read(session, job_id, transcript, recognised)


def edit_speakers(
    db: Database,
    *,
    job_id: str,
    editor_id: str,
    recognised: Transcript,
    revision: int,
    kind: EditKind,
    detail: Mapping[str, Any],
    sentences: int | None = None,
) -> None:
    """Make an edit from `revision`; `sentences` is how many there are with those that were split
    off, by default as many as recognised.

    Raises InvalidRequest for what does not fit the transcript, and SpeakersEditedMeanwhile where
    another edit was made since.
    """
    # Takes long for ten hours: nobody who writes waits for it.
    if kind is EditKind.COUNT:
        detail = counted(db, job_id, recognised.sentences, detail)
    elif kind is EditKind.SPLIT:
        detail = _split(db, job_id, recognised, revision, int(detail["speaker"]))
    try:
        with db.writing() as session:
            edits = edits_of(session, job_id)
            if revision != len(edits):
                raise SpeakersEditedMeanwhile
            state = replayed(recognised, edits)
            count = len(recognised.sentences) if sentences is None else sentences
            written = _checked(recognised, state, edits, kind, detail, count)
            if len(edits) >= MOST_EDITS or _sentences_of(edits, written) > MOST_EDITED_SENTENCES:
                raise InvalidRequest("This transcript takes no more changes of its speakers.")
            session.add(
                SpeakerEdit(
                    job_id=job_id,
                    number=revision + 1,
                    kind=kind.value,
                    detail=written,
                    editor_id=editor_id,
                )
            )
            session.flush()
            if hold_of_job(session, job_id):
                now = [*edits, Edit(revision + 1, kind, written)]
                is_anew = told_apart(now) != told_apart(edits)
                forget_after_edit(session, job_id, replayed(recognised, now), is_anew=is_anew)
    except IntegrityError as error:  # another wrote the edit with this number at the same moment
        raise SpeakersEditedMeanwhile from error


def _checked(
    recognised: Transcript,
    state: SpeakerState,
    edits: Sequence[Edit],
    kind: EditKind,
    detail: Mapping[str, Any],
    count: int,
) -> dict[str, Any]:
    """The detail as it is stored, of a transcript of `count` sentences. Raises InvalidRequest."""

    def speaker(key: str) -> int:
        return _known(state, key, int(detail[key]))

    match kind:
        case EditKind.RENAME:
            return {"name": checked_name(str(detail["name"])), "speaker": speaker("speaker")}
        case EditKind.MERGE:
            one, into = speaker("speaker"), speaker("into")
            if one == into:
                raise InvalidRequest("into: name another speaker to merge with.", param="into")
            return {"speaker": one, "into": into}
        case EditKind.ASSIGN:
            return _checked_assignment(recognised, state, edits, detail, count)
        case EditKind.COUNT | EditKind.SPLIT:
            return dict(detail)
        case EditKind.UNDO:
            number = int(detail["edit"])
            if not 1 <= number <= len(edits) or number in undone(edits):
                raise InvalidRequest(
                    f"edit: there is no change {number} that could be undone.", param="edit"
                )
            return {"edit": number}


def _known(state: SpeakerState, key: str, number: int) -> int:
    if number not in state.numbers:
        raise InvalidRequest(
            f"{key}: nobody here has the number {number}, only "
            f"{', '.join(map(str, state.numbers)) or 'nobody'}.",
            param=key,
        )
    return number


def _split(
    db: Database, job_id: str, recognised: Transcript, revision: int, speaker: int
) -> dict[str, Any]:
    """The detail of a split, made from `revision`, which the writer makes sure is still the newest.
    Raises InvalidRequest and SpeakersEditedMeanwhile."""
    with db.reading() as session:
        edits = edits_of(session, job_id)
    if revision != len(edits):
        raise SpeakersEditedMeanwhile
    state = replayed(recognised, edits)
    _known(state, "speaker", speaker)
    sentences = parted(db, job_id, recognised.sentences, state.speakers, speaker)
    into = _new_number(recognised, state, edits)
    return {"speaker": speaker, "into": into, "sentences": sentences}


def _sentences_of(edits: Sequence[Edit], written: Mapping[str, Any]) -> int:
    """Number of sentences that all edits name, the one to be written included."""
    details = [*(edit.detail for edit in edits), written]
    return sum(len(one.get("sentences", ())) + len(one.get("speakers", ())) for one in details)


def _new_number(recognised: Transcript, state: SpeakerState, edits: Sequence[Edit]) -> int:
    """A number that nobody ever had: who was merged away comes back if that is undone."""
    used = {*state.numbers, *replayed(recognised, ()).numbers}
    for edit in edits:
        detail = edit.detail
        named = [detail.get("speaker"), detail.get("into"), *detail.get("speakers", ())]
        used.update(number for number in named if number is not None)
    return max(used, default=0) + 1


def _checked_assignment(
    recognised: Transcript,
    state: SpeakerState,
    edits: Sequence[Edit],
    detail: Mapping[str, Any],
    count: int,
) -> dict[str, Any]:
    sentences = sorted({int(n) for n in detail["sentences"]})
    if not sentences or not 0 <= sentences[0] <= sentences[-1] < count:
        raise InvalidRequest(f"sentences: numbers from 0 to {count - 1}.", param="sentences")
    speaker = detail["speaker"]
    if speaker == "new":
        speaker = _new_number(recognised, state, edits)
    elif speaker is not None:
        speaker = int(speaker)
        if not 1 <= speaker <= MOST_SPEAKERS_EDITED:
            raise InvalidRequest(
                f"speaker: a number from 1 to {MOST_SPEAKERS_EDITED}, 'new' or null.",
                param="speaker",
            )
    return {"sentences": sentences, "speaker": speaker}


def _read(
    session: Session, job_id: str, transcript: Transcript, recognised: Transcript
) -> Speakers:
    edits = edits_of(session, job_id)
    state = replayed(recognised, edits)
    counts = told_apart(edits)
    row = session.execute(
        select(Job.options, StoredVoiceMap.job_id.is_not(None))
        .outerjoin(StoredVoiceMap, StoredVoiceMap.job_id == Job.id)
        .where(Job.id == job_id)
    ).one_or_none()
    if row is None:
        raise JobNotFound
    options, has_map = row
    return Speakers(
        revision=len(edits),
        speakers=tuple(_speakers(state, transcript)),
        of_sentences=_of_sentences(state, transcript),
        wanted=counts[-1].detail["wanted"] if counts else _asked_for(options),
        can_count=bool(has_map),
        edits=tuple(reversed(edits)),
        undone=undone(edits),
    )


def _asked_for(options: object) -> str | None:
    """Number of speakers that a job's options ask for, as text; None also where they cannot be
    read."""
    if not isinstance(options, dict):
        return None
    try:
        wanted = speakers_from_options(options)
    except ValueError:
        return None
    return None if wanted is None else str(wanted)


def _of_sentences(state: SpeakerState, transcript: Transcript) -> tuple[int | None, ...]:
    """The speaker of each sentence, where each stands at its number."""
    return tuple(
        state.speaker_of(n, sentence.origin) for n, sentence in enumerate(transcript.sentences)
    )


def _speakers(state: SpeakerState, transcript: Transcript) -> list[Speaker]:
    spoken: dict[int, list[float]] = {number: [] for number in state.numbers}
    numbers = _of_sentences(state, transcript)
    for sentence, number in zip(transcript.sentences, numbers, strict=True):
        if number is not None and sentence.text:
            spoken[number].append(_seconds(sentence))
    total = sum(map(sum, spoken.values())) or 1.0
    return [
        Speaker(
            number=number,
            name=_name(state, number, transcript.language) or "",
            is_named=number in state.names,
            sentences=len(lengths),
            seconds=round(sum(lengths), 1),
            share=round(sum(lengths) / total, 4),
        )
        for number, lengths in spoken.items()
    ]


def replayed(transcript: Transcript, edits: Sequence[Edit]) -> SpeakerState:
    """The state after `edits`, from who the worker says speaks each sentence."""
    numbers: dict[str, int] = {}
    speakers = tuple(
        None if sentence.speaker is None else numbers.setdefault(sentence.speaker, len(numbers) + 1)
        for sentence in transcript.sentences
    )
    # Names that are no default ones come with the recording: those of its tracks.
    names = {
        number: name
        for name, number in numbers.items()
        if name != default_name(number, transcript.language)
    }
    return replay(SpeakerState(speakers, names), edits, [*map(_seconds, transcript.sentences)])


def _name(state: SpeakerState, number: int | None, language: str) -> str | None:
    if number is None:
        return None
    return state.names.get(number) or default_name(number, language)


def _seconds(sentence: Sentence) -> float:
    return max(0.0, sentence.end - sentence.start)


def edits_of(session: Session, job_id: str) -> list[Edit]:
    """The edits of a job in the order in which they were made."""
    rows = session.scalars(
        select(SpeakerEdit).where(SpeakerEdit.job_id == job_id).order_by(SpeakerEdit.number)
    )
    return [Edit(row.number, EditKind(row.kind), row.detail, row.editor_id, row.at) for row in rows]
