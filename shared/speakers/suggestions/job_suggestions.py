"""The speakers of a recording beside the kept voices: who may be whom, and what people say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.db import Database
from shared.dialects import upsert
from shared.errors import InvalidRequest, JobNotFound
from shared.models import GroupVoices, Job, SpeakerEdit, StoredVoiceMap, VoiceRefusal
from shared.speakers.edits import EditKind
from shared.speakers.errors import SpeakersEditedMeanwhile
from shared.speakers.kept.errors import TooLittleOfAVoice, VoicesNotKept
from shared.speakers.kept.speaker_voices import SpeakerVoice, voices_of_speakers
from shared.speakers.kept.vectors import Vector, rows, unpacked
from shared.speakers.kept.voice_keeping import hold, is_on
from shared.speakers.kept.voices import enrol, enrolled_by, name_of, vectors_of
from shared.speakers.suggestions.suggest import LEAST_SPEECH_S, Suggestion, least_likeness, suggest
from shared.speakers.transcript_speakers import Speaker, Speakers, edit_speakers, read_speakers
from shared.speakers.voice_map import VoiceMap
from shared.transcripts.values import Transcript

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A completed job and both states of its transcript."""

    owner_id: str
    job_id: str
    current: Transcript
    recognised: Transcript


@dataclass(frozen=True, slots=True)
class Compared:
    """A speaker beside the kept voices."""

    speaker: Speaker
    known_s: float
    """Seconds of speech that the voice is known from."""
    kept_as: str | None
    """The id of the voice that this recording gives to."""
    can_be_kept: bool
    suggestion: Suggestion | None


@dataclass(frozen=True, slots=True)
class VoicesOfJob:
    """The speakers of a recording beside the kept voices of its owner."""

    is_on: bool
    """True if the owner lets voices be kept."""
    is_known: bool
    """True if the voices of this recording are stored: the job ended after keeping was switched
    on."""
    revision: int
    """Revision of the speakers."""
    speakers: tuple[Compared, ...]
    names: Mapping[str, str]
    """Names of the voices that are suggested, by their ids."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """The voices of a recording's speakers."""

    encoder: str
    threshold: int
    voices: Mapping[int, SpeakerVoice]

    def enough(self) -> dict[int, SpeakerVoice]:
        """Speakers that are known from enough speech."""
        return {n: one for n, one in self.voices.items() if one.seconds >= LEAST_SPEECH_S}


def read_of_job(db: Database, recorded: Recorded) -> VoicesOfJob:
    """Compare the speakers of a job with the kept voices. Nothing is written."""
    found = _speakers(db, recorded)
    heard = _hear(db, recorded, found)
    with db.reading() as session:
        kept_by_name = enrolled_by(session, recorded.job_id)
        kept = vectors_of(session, recorded.owner_id, heard.encoder) if heard else {}
        refused = _refused(session, recorded.job_id)
    suggestions = _suggest(found, heard, kept, refused) if heard else []
    suggested = {one.speaker: one for one in suggestions}
    enough = heard.enough() if heard else {}
    return VoicesOfJob(
        is_on=is_on(db, recorded.owner_id),
        is_known=heard is not None,
        revision=found.revision,
        speakers=tuple(
            Compared(
                speaker=one,
                known_s=heard.voices[one.number].seconds
                if heard and one.number in heard.voices
                else 0.0,
                kept_as=kept_by_name.get(one.name) if one.is_named else None,
                can_be_kept=one.is_named and one.number in enough,
                suggestion=suggested.get(one.number),
            )
            for one in found.speakers
        ),
        names={one.voice_id: kept[one.voice_id][0] for one in suggestions},
    )


def keep(db: Database, recorded: Recorded, *, speaker: int, revision: int) -> str:
    """Keep the voice of a speaker under the name that it has; the voice's id.

    Raises VoicesNotKept, InvalidRequest for a speaker who is unknown or has no name,
    TooLittleOfAVoice, and SpeakersEditedMeanwhile.
    """
    found = _speakers(db, recorded)
    if found.revision != revision:
        raise SpeakersEditedMeanwhile
    one = _known(found, speaker)
    if not one.is_named:
        raise InvalidRequest("speaker: give this speaker a name first.", param="speaker")
    heard = _hear(db, recorded, found)
    if not is_on(db, recorded.owner_id):
        raise VoicesNotKept
    if heard is None:
        raise TooLittleOfAVoice(
            "Nothing of the voices of this recording is stored: it was transcribed before keeping "
            "voices was switched on, or by a worker that stores none. Submit it again."
        )
    voice = heard.enough().get(speaker)
    if voice is None:
        raise TooLittleOfAVoice(
            f"A voice is kept from {LEAST_SPEECH_S:g} seconds of clear speech on, and of this one "
            "less is known."
        )
    with db.writing() as session:
        _hold(session, recorded, revision)
        return enrol(session, recorded.owner_id, one.name, recorded.job_id, heard.encoder, voice)


def confirm(
    db: Database, recorded: Recorded, *, speaker: int, voice_id: str, revision: int
) -> None:
    """Say that a speaker is the person of a kept voice: an edit of the speakers gives the name, and
    the recording gives to the voice where enough of it is known.

    Raises VoicesNotKept, VoiceNotFound, InvalidRequest and SpeakersEditedMeanwhile.
    """
    if not is_on(db, recorded.owner_id):
        raise VoicesNotKept
    with db.reading() as session:
        name = name_of(session, recorded.owner_id, voice_id)
    edit_speakers(
        db,
        job_id=recorded.job_id,
        editor_id=recorded.owner_id,
        recognised=recorded.recognised,
        revision=revision,
        kind=EditKind.RENAME,
        detail={"speaker": speaker, "name": name},
    )
    heard = _hear(db, recorded, _speakers(db, recorded))
    voice = heard.enough().get(speaker) if heard else None
    if heard is None or voice is None:
        return
    try:
        with db.writing() as session:
            _hold(session, recorded, revision + 1)
            if name_of(session, recorded.owner_id, voice_id) == name:  # not renamed meanwhile
                enrol(session, recorded.owner_id, name, recorded.job_id, heard.encoder, voice)
    except SpeakersEditedMeanwhile:  # the name is given; what came after it says more of the voice
        log.info("a voice was not improved, for its speakers were changed", job_id=recorded.job_id)


def refuse(db: Database, recorded: Recorded, *, speaker: int, voice_id: str) -> None:
    """Say that a speaker is not the person of a kept voice, which is remembered for this job.

    Raises VoicesNotKept, VoiceNotFound and InvalidRequest.
    """
    _known(_speakers(db, recorded), speaker)
    with db.writing() as session:
        _hold(session, recorded, None)
        name_of(session, recorded.owner_id, voice_id)
        session.execute(
            upsert(session, VoiceRefusal)
            .values(job_id=recorded.job_id, speaker=speaker, voice_id=voice_id)
            .on_conflict_do_nothing()
        )


def _speakers(db: Database, recorded: Recorded) -> Speakers:
    return read_speakers(
        db,
        job_id=recorded.job_id,
        transcript=recorded.current,
        recognised=recorded.recognised,
    )


def _known(found: Speakers, number: int) -> Speaker:
    for one in found.speakers:
        if one.number == number:
            return one
    raise InvalidRequest(f"speaker: nobody here has the number {number}.", param="speaker")


def _hear(db: Database, recorded: Recorded, found: Speakers) -> _Heard | None:
    """The voices of the speakers as they are now; None where none are stored."""
    with db.reading() as session:
        row = session.execute(
            select(StoredVoiceMap.content, GroupVoices.encoder, GroupVoices.vectors)
            .join(GroupVoices, GroupVoices.job_id == StoredVoiceMap.job_id)
            .where(GroupVoices.job_id == recorded.job_id, GroupVoices.owner_id == recorded.owner_id)
        ).one_or_none()
    if row is None:
        return None
    content, encoder, vectors = row
    try:
        voice_map = VoiceMap.from_json(content)
        groups = rows(vectors, voice_map.groups)
    except ValueError as error:
        log.error("a job's voices cannot be read", job_id=recorded.job_id, error=str(error))
        return None
    spoken = sorted(
        (
            pair
            for pair in zip(recorded.current.sentences, found.of_sentences, strict=True)
            if pair[0].text
        ),
        key=lambda pair: pair[0].start,
    )
    voices = voices_of_speakers(
        voice_map, groups, [one for one, _ in spoken], [speaker for _, speaker in spoken]
    )
    return _Heard(encoder, voice_map.threshold, voices)


def _refused(session: Session, job_id: str) -> set[tuple[int, str]]:
    rows = session.execute(
        select(VoiceRefusal.speaker, VoiceRefusal.voice_id).where(VoiceRefusal.job_id == job_id)
    )
    return {(speaker, voice_id) for speaker, voice_id in rows}


def _suggest(
    found: Speakers,
    heard: _Heard,
    kept: Mapping[str, tuple[str, Vector]],
    refused: Collection[tuple[int, str]],
) -> list[Suggestion]:
    """Suggest kept voices for the unnamed speakers. A named speaker gets no other name, and no
    other speaker gets theirs."""
    called = {one.name for one in found.speakers if one.is_named}
    unnamed = {one.number for one in found.speakers if not one.is_named}
    enough = heard.enough()
    return suggest(
        {number: unpacked(enough[number].vector) for number in unnamed & enough.keys()},
        {voice_id: vector for voice_id, (name, vector) in kept.items() if name not in called},
        refused,
        least_likeness(heard.threshold),
    )


def _hold(session: Session, recorded: Recorded, revision: int | None) -> None:
    """Keep the job, and the owner's voices, as they are until this transaction ends.

    Raises JobNotFound, VoicesNotKept, and SpeakersEditedMeanwhile where `revision` is not the
    newest of the speakers any more.
    """
    job = select(Job.id).where(Job.id == recorded.job_id, Job.owner_id == recorded.owner_id)
    if session.scalar(job.with_for_update(read=True, key_share=True)) is None:
        raise JobNotFound
    if not hold(session, recorded.owner_id):
        raise VoicesNotKept
    edits = select(func.count()).where(SpeakerEdit.job_id == recorded.job_id)
    if revision is not None and session.scalar(edits) != revision:
        raise SpeakersEditedMeanwhile
