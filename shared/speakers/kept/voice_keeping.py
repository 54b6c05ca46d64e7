"""Switching voice keeping on and off for an owner, and deleting the voices when it ends."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from shared.db import Database
from shared.dialects import upsert
from shared.models import GroupVoices, Job, KeptVoice, VoiceEnrolment, VoiceKeeping


def is_on(db: Database, owner_id: str) -> bool:
    """Return whether the owner lets voices be kept."""
    with db.reading() as session:
        return session.get(VoiceKeeping, owner_id) is not None


def switch_on(db: Database, owner_id: str) -> None:
    """Let voices be kept, from the recordings that end from now on."""
    with db.writing() as session:
        session.execute(
            upsert(session, VoiceKeeping).values(owner_id=owner_id).on_conflict_do_nothing()
        )


def switch_off(db: Database, owner_id: str) -> None:
    """Keep no voices any more, and delete all that is kept of any: the voices, what each recording
    gave to them, what was refused, and by what the speakers of recordings are compared."""
    with db.writing() as session:
        forget_voices(session, owner_id)


def forget_voices(session: Session, owner_id: str) -> None:
    """Delete all that is kept of voices for an owner, who then lets none be kept."""
    session.execute(
        delete(VoiceKeeping)
        .where(VoiceKeeping.owner_id == owner_id)
        .execution_options(synchronize_session=False)
    )


def hold(session: Session, owner_id: str) -> bool:
    """Keep others from changing the owner's voices until this transaction ends; whether any may be
    kept. The row of a job, where one is held, is held before."""
    held = select(VoiceKeeping.owner_id).where(VoiceKeeping.owner_id == owner_id)
    return session.scalar(held.with_for_update()) is not None


def hold_of_job(session: Session, job_id: str) -> bool:
    """Hold the voices of a job's owner, as `hold` does; whether any may be kept."""
    held = select(VoiceKeeping.owner_id).join(Job, Job.owner_id == VoiceKeeping.owner_id)
    held = held.where(Job.id == job_id).with_for_update(of=VoiceKeeping)
    return session.scalar(held) is not None


def store_group_voices(session: Session, job_id: str, encoder: str, vectors: bytes) -> None:
    """Store the voices of a finished job's groups, if its owner lets voices be kept.

    The owner is read with the row that says so, held until the end of the transaction: whoever
    switches off meanwhile deletes this too.
    """
    owner_id = session.scalar(
        select(VoiceKeeping.owner_id)
        .join(Job, Job.owner_id == VoiceKeeping.owner_id)
        .where(Job.id == job_id)
        .with_for_update(read=True, key_share=True, of=VoiceKeeping)
    )
    if owner_id is not None:
        session.add(GroupVoices(job_id=job_id, owner_id=owner_id, encoder=encoder, vectors=vectors))


def keepers_of(session: Session, job_ids: Collection[str]) -> list[str]:
    """The owners of jobs who let voices be kept, to be asked for once the jobs are held and before
    they are deleted. Their voices are held from here on: who switches off deletes the same rows."""
    return list(
        session.scalars(
            select(VoiceKeeping.owner_id)
            .where(VoiceKeeping.owner_id.in_(select(Job.owner_id).where(Job.id.in_(job_ids))))
            .order_by(VoiceKeeping.owner_id)
            .with_for_update()
        )
    )


def drop_bare_names(session: Session, owner_ids: Collection[str]) -> None:
    """Delete the kept voices that no recording stands for any more."""
    for owner_id in owner_ids:
        if hold(session, owner_id):
            session.execute(
                delete(KeptVoice)
                .where(
                    KeptVoice.owner_id == owner_id,
                    ~exists().where(VoiceEnrolment.voice_id == KeptVoice.id),
                )
                .execution_options(synchronize_session=False)
            )
