"""The waveform of a job's recording: written by the attempt that decodes it, read by the player."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from shared.db import Database
from shared.errors import JobNotFound
from shared.jobs.claim import Claim
from shared.jobs.lease import renew
from shared.models import Job, StoredWaveform


@dataclass(frozen=True, slots=True)
class Waveform:
    """A byte for each of up to some 4,000 equal parts of a recording, 255 for the loudest."""

    duration_s: float
    peaks: bytes


def store_waveform(db: Database, claim: Claim, waveform: Waveform) -> None:
    """Store the waveform in the place of an earlier attempt's, which would be the same."""
    with db.writing() as session:
        renew(session, claim)
        session.execute(delete(StoredWaveform).where(StoredWaveform.job_id == claim.job_id))
        session.execute(
            insert(StoredWaveform).values(
                job_id=claim.job_id, duration_s=waveform.duration_s, peaks=waveform.peaks
            )
        )


def get_waveform(db: Database, *, owner_id: str, job_id: str) -> Waveform | None:
    """The waveform of a job's recording; None where nothing was measured: the
    recording is not yet decoded to its end, or was before waveforms were kept.

    Raises JobNotFound, for another owner's too.
    """
    with db.reading() as session:
        row = session.execute(
            select(StoredWaveform.duration_s, StoredWaveform.peaks)
            .select_from(Job)
            .outerjoin(StoredWaveform, StoredWaveform.job_id == Job.id)
            .where(Job.id == job_id, Job.owner_id == owner_id)
        ).one_or_none()
    if row is None:
        raise JobNotFound
    return None if row.peaks is None else Waveform(row.duration_s, bytes(row.peaks))
