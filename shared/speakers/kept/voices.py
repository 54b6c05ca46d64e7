"""The kept voices of an owner, and what each recording gives to them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from shared.db import Database
from shared.dialects import upsert
from shared.errors import InvalidRequest
from shared.models import Job, KeptVoice, Recording, VoiceEnrolment, VoiceRefusal
from shared.speakers.edits import SpeakerState
from shared.speakers.kept.errors import VoiceNotFound
from shared.speakers.kept.speaker_voices import SpeakerVoice
from shared.speakers.kept.vectors import Vector, unpacked, weighted_sum
from shared.speakers.kept.voice_keeping import drop_bare_names, hold

MOST_VOICES = 200
"""Kept voices of an owner at most."""

MOST_ENROLMENTS = 20
"""Recordings that give to a voice; further ones would hardly change it."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Contribution of one recording to a voice."""

    job_id: str
    filename: str
    seconds: float
    encoder: str


@dataclass(frozen=True, slots=True)
class Voice:
    """A kept voice without its vectors."""

    id: str
    name: str
    enrolments: tuple[Enrolment, ...]

    @property
    def seconds(self) -> float:
        """Speech that it stands on."""
        return round(sum(one.seconds for one in self.enrolments), 1)


def read_voices(db: Database, owner_id: str) -> list[Voice]:
    """Read all kept voices by name, each with its enrolments, oldest first."""
    with db.reading() as session:
        rows = session.execute(
            select(
                *(KeptVoice.id, KeptVoice.name, VoiceEnrolment.job_id, Recording.filename),
                *(VoiceEnrolment.seconds, VoiceEnrolment.encoder),
            )
            .join(VoiceEnrolment, VoiceEnrolment.voice_id == KeptVoice.id)
            .join(Job, Job.id == VoiceEnrolment.job_id)
            .join(Recording, Recording.id == Job.recording_id)
            .where(KeptVoice.owner_id == owner_id)
            .order_by(KeptVoice.name, KeptVoice.id, VoiceEnrolment.job_id)
        ).all()
    enrolments: dict[tuple[str, str], list[Enrolment]] = defaultdict(list)
    for voice_id, name, job_id, filename, seconds, encoder in rows:
        enrolments[voice_id, name].append(Enrolment(job_id, filename, seconds, encoder))
    return [Voice(*key, tuple(found)) for key, found in enrolments.items()]


def delete_voice(db: Database, owner_id: str, voice_id: str) -> None:
    """Delete a voice with all that recordings gave to it and all that was refused of it.

    Raises VoiceNotFound.
    """
    with db.writing() as session:
        hold(session, owner_id)
        deleted = session.scalar(
            delete(KeptVoice)
            .where(KeptVoice.id == voice_id, KeptVoice.owner_id == owner_id)
            .returning(KeptVoice.id)
            .execution_options(synchronize_session=False)
        )
    if deleted is None:
        raise VoiceNotFound


def delete_voices(db: Database, owner_id: str) -> None:
    """Delete all voices of an owner, as `delete_voice` does."""
    with db.writing() as session:
        hold(session, owner_id)
        session.execute(
            delete(KeptVoice)
            .where(KeptVoice.owner_id == owner_id)
            .execution_options(synchronize_session=False)
        )


def name_of(session: Session, owner_id: str, voice_id: str) -> str:
    """Name under which a voice is kept. Raises VoiceNotFound."""
    name = session.scalar(
        select(KeptVoice.name).where(KeptVoice.id == voice_id, KeptVoice.owner_id == owner_id)
    )
    if name is None:
        raise VoiceNotFound
    return name


def enrol(
    session: Session, owner_id: str, name: str, job_id: str, encoder: str, voice: SpeakerVoice
) -> str:
    """Let a recording give to the voice of this name, which is made where there is none; its id.

    What the recording gave to it before is replaced. A voice that stands on MOST_ENROLMENTS others
    stays as it is.  The owner's voices are held.  Raises InvalidRequest where they are too many.
    """
    of_owner = select(KeptVoice).where(KeptVoice.owner_id == owner_id)
    kept = session.scalars(of_owner.where(KeptVoice.name == name)).one_or_none()
    if kept is None:
        count = session.scalar(select(func.count()).select_from(of_owner.subquery())) or 0
        if count >= MOST_VOICES:
            raise InvalidRequest(
                f"At most {MOST_VOICES} voices are kept. Delete one that is no longer needed first."
            )
        kept = KeptVoice(owner_id=owner_id, name=name)
        session.add(kept)
        session.flush()
    others = select(func.count()).where(
        VoiceEnrolment.voice_id == kept.id, VoiceEnrolment.job_id != job_id
    )
    if (session.scalar(others) or 0) < MOST_ENROLMENTS:
        gives = {"encoder": encoder, "vector": voice.vector, "seconds": voice.seconds}
        session.execute(
            upsert(session, VoiceEnrolment)
            .values(voice_id=kept.id, job_id=job_id, **gives)
            .on_conflict_do_update(index_elements=["voice_id", "job_id"], set_=gives)
        )
    return kept.id


def enrolled_by(session: Session, job_id: str) -> dict[str, str]:
    """The ids of the voices that a recording gives to, by their names."""
    rows = session.execute(
        select(KeptVoice.name, KeptVoice.id)
        .join(VoiceEnrolment, VoiceEnrolment.voice_id == KeptVoice.id)
        .where(VoiceEnrolment.job_id == job_id)
    )
    return {row.name: row.id for row in rows}


def vectors_of(session: Session, owner_id: str, encoder: str) -> dict[str, tuple[str, Vector]]:
    """Name and vector of each voice that this encoder heard, by its id: the mean of what recordings
    gave to it, by their seconds."""
    rows = session.execute(
        select(KeptVoice.id, KeptVoice.name, VoiceEnrolment.seconds, VoiceEnrolment.vector)
        .join(VoiceEnrolment, VoiceEnrolment.voice_id == KeptVoice.id)
        .where(KeptVoice.owner_id == owner_id, VoiceEnrolment.encoder == encoder)
        .order_by(KeptVoice.id, VoiceEnrolment.job_id)
    )
    names: dict[str, str] = {}
    parts: dict[str, list[tuple[int, Vector]]] = defaultdict(list)
    for voice_id, name, seconds, vector in rows:
        names[voice_id] = name
        parts[voice_id].append((max(1, round(100 * seconds)), unpacked(vector)))
    return {voice_id: (names[voice_id], weighted_sum(of_it)) for voice_id, of_it in parts.items()}


def forget_after_edit(session: Session, job_id: str, state: SpeakerState, *, is_anew: bool) -> None:
    """Take back what no longer holds once the speakers of a job are in `state`.

    It gives to a voice as long as one of its speakers has the name; and what was refused of a
    number is refused until the voices are told apart anew, as `is_anew` says. The owner's voices
    are held.
    """
    names = {name for number, name in state.names.items() if number in state.numbers}
    enrolled = enrolled_by(session, job_id)
    gone = [voice_id for name, voice_id in enrolled.items() if name not in names]
    if gone:
        session.execute(
            delete(VoiceEnrolment)
            .where(VoiceEnrolment.job_id == job_id, VoiceEnrolment.voice_id.in_(gone))
            .execution_options(synchronize_session=False)
        )
        owners = session.scalars(select(KeptVoice.owner_id).where(KeptVoice.id.in_(gone)))
        drop_bare_names(session, sorted(set(owners)))
    if is_anew:
        session.execute(
            delete(VoiceRefusal)
            .where(VoiceRefusal.job_id == job_id)
            .execution_options(synchronize_session=False)
        )
