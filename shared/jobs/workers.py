"""The workers that serve the queue, each as it last reported itself."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.dialects import upsert
from shared.models import WorkerSeen

_LONGEST_MODEL = 255
"""Characters of its column."""
_FORGET_WORKERS_S = 24 * 3600.0
"""A worker not seen for so long is dropped from the table."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU of a worker's machine, as its driver tells; None is what it does not tell."""

    index: int
    """The driver's number; it is torch's too where all GPUs are alike."""
    uuid: str
    name: str
    memory_used_bytes: int | None = None
    """Bytes used by all programs."""
    memory_total_bytes: int | None = None
    use: float | None = None
    """The share of the last moment in which something was computed."""
    temperature_c: float | None = None
    power_w: float | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def write(cls, gpus: Sequence[Gpu]) -> str | None:
        """Encode GPUs for a worker's row as JSON; None of none."""
        return json.dumps([gpu.to_json() for gpu in gpus]) if gpus else None

    @classmethod
    def read(cls, written: str | None) -> tuple[Gpu, ...]:
        """Decode what `write` wrote; of another version's or damaged text, what can be
        understood."""
        names = {field.name for field in fields(cls)}
        try:
            return tuple(
                cls(**{name: value for name, value in one.items() if name in names})
                for one in json.loads(written or "[]")
            )
        except (ValueError, TypeError, AttributeError):
            return ()


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker process, as it last reported itself."""

    name: str
    hostname: str
    model: str
    """The model as its settings name it."""
    device: str
    jobs_at_once: int
    started_at: datetime
    seen_at: datetime
    """Time at which the worker last reported itself, by the database's clock."""
    model_name: str | None = None
    """Name of the model in jobs and transcripts; None for a worker of a version that takes any
    job."""
    obstacles: tuple[str, ...] = ()
    """Reasons why it claims nothing now, values of `shared.states.Obstacle`; empty if it does."""
    work_room_bytes: int | None = None
    """Bytes that can be written to its work folder now; None: not told."""
    work_disk_bytes: int | None = None
    """Bytes that could be written to its work folder if nothing else lay on the disk; None: not
    told."""
    takes_hotwords: bool | None = None
    """True if its model takes hotwords; None until a model is loaded."""
    gpus: tuple[Gpu, ...] = ()
    """GPUs of its machine or container."""


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """Report of a worker about itself."""

    name: str
    hostname: str
    model: str
    device: str
    started_at: datetime
    model_name: str | None = None
    jobs_at_once: int = 1
    obstacles: Sequence[str] = ()
    work_room_bytes: int | None = None
    work_disk_bytes: int | None = None
    takes_hotwords: bool | None = None
    gpus: str | None = None
    """GPUs of the worker as `Gpu` writes them; None: not told."""

    def stored(self) -> dict[str, Any]:
        """The values of its row but for its name and the time."""
        values = {name: getattr(self, name) for name in _STORED_AS_SAID}
        values["model"] = _storable(self.model)
        values["model_name"] = None if self.model_name is None else _storable(self.model_name)
        return {**values, "obstacles": ",".join(self.obstacles)}


def _storable(model: str) -> str:
    """A model's name or folder as its column takes it: the folder may lie deep, and be called by
    bytes that are no text."""
    return os.fsencode(model).decode(errors="replace")[-_LONGEST_MODEL:]


_STORED_AS_SAID = tuple(
    field.name for field in fields(WorkerReport) if field.name not in ("name", "obstacles")
)


def note_worker(db: Database, report: WorkerReport) -> datetime:
    """Store that a worker is alive, for /readyz and the doctor; when, by the database's clock."""
    told = {**report.stored(), "seen_at": database_now()}
    # An UPDATE, unlike the other, is compiled once: a third of the processor time.
    known = (
        update(WorkerSeen)
        .where(WorkerSeen.name == report.name)
        .values(told)
        .returning(WorkerSeen.seen_at)
        .execution_options(synchronize_session=False)
    )
    with db.writing_once() as session:
        if (seen_at := session.scalar(known)) is not None:
            return seen_at
    with db.writing_once() as session:
        return session.scalars(
            upsert(session, WorkerSeen)
            .values(name=report.name, **told)
            .on_conflict_do_update(index_elements=[WorkerSeen.name], set_=told)
            .returning(WorkerSeen.seen_at)
        ).one()


def forget_workers(db: Database) -> None:
    """Drop those that were not seen for a day."""
    with db.writing_once() as session:
        session.execute(
            delete(WorkerSeen)
            .where(WorkerSeen.seen_at < database_now(-_FORGET_WORKERS_S))
            .execution_options(synchronize_session=False)
        )


def workers_seen(db: Database, *, within_s: float) -> list[WorkerRecord]:
    """Workers that have reported themselves in the last `within_s` seconds, by name."""
    with db.reading() as session:
        return records_of_workers(session, within_s=within_s)


def records_of_workers(session: Session, *, within_s: float | None = None) -> list[WorkerRecord]:
    """Workers that have reported themselves within so many seconds, by name, read in a transaction
    of the caller's; None: all that are remembered."""
    rows = select(WorkerSeen).order_by(WorkerSeen.name)
    if within_s is not None:
        rows = rows.where(WorkerSeen.seen_at >= database_now(-within_s))
    return [_as_record(row) for row in session.scalars(rows)]


def largest_work_disk_bytes(db: Database, *, within_s: float) -> int | None:
    """The largest of the disks on which the workers seen lately decode; None if none told."""
    with db.reading() as session:
        return session.scalar(
            select(func.max(WorkerSeen.work_disk_bytes)).where(
                WorkerSeen.seen_at >= database_now(-within_s)
            )
        )


def worker_last_seen(db: Database) -> WorkerRecord | None:
    """The worker that reported itself last, as long as that is remembered: a day."""
    with db.reading() as session:
        row = session.scalars(
            select(WorkerSeen).order_by(WorkerSeen.seen_at.desc()).limit(1)
        ).one_or_none()
        return None if row is None else _as_record(row)


def _as_record(row: WorkerSeen) -> WorkerRecord:
    return WorkerRecord(
        name=row.name,
        hostname=row.hostname,
        model=row.model,
        model_name=row.model_name,
        device=row.device,
        jobs_at_once=row.jobs_at_once,
        started_at=row.started_at,
        seen_at=row.seen_at,
        obstacles=tuple(filter(None, row.obstacles.split(","))),
        work_room_bytes=row.work_room_bytes,
        work_disk_bytes=row.work_disk_bytes,
        takes_hotwords=row.takes_hotwords,
        gpus=Gpu.read(row.gpus),
    )
