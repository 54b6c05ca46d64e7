"""The owners' turns, tallies of the jobs, and the workers that serve the queue."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Identity, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, BigId


class OwnerTurn(Base):
    """Turn at which a job of an owner was last claimed, as a number that grows with every claim."""

    __tablename__ = "turns"
    __table_args__ = (Index("turns_by_number", "number"),)

    owner_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)


class Tally(Base):
    """Number of an owner's jobs in a state, and their audio; or a change of these.

    Triggers add a row for each change (PostgreSQL) or correct the one that is there (SQLite), so
    only the sum of an owner's rows of a state means something. Nothing but `shared.jobs` folds
    them into one again.
    """

    __tablename__ = "tallies"
    __table_args__ = (
        Index("tallies_of_owner", "owner_id", "status"),
        Index("tallies_by_status", "status"),
        Index(
            "tallies_changes",
            "id",
            sqlite_where=text("NOT is_sum"),
            postgresql_where=text("NOT is_sum"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, Identity(), primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    jobs: Mapped[int] = mapped_column(BigInteger)
    audio_ms: Mapped[int] = mapped_column(BigInteger)
    """Milliseconds of audio, decoded or estimated, at most 1e9 seconds of each recording. Whole
    numbers, so that what is added and taken away again leaves nothing."""
    is_sum: Mapped[bool] = mapped_column(Boolean)
    """True for a row into which changes were folded already."""


class SweepTurn(Base):
    """Worker that does a duty for all workers, and the time until which it does."""

    __tablename__ = "sweep_turns"

    duty: Mapped[str] = mapped_column(String(32), primary_key=True)
    worker: Mapped[str] = mapped_column(String(255))
    until: Mapped[datetime]


class WorkerSeen(Base):
    """A worker process that serves the queue, as it last reported itself."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    hostname: Mapped[str] = mapped_column(String(255))
    model: Mapped[str] = mapped_column(String(255))
    """Model as its settings name it."""
    model_name: Mapped[str | None] = mapped_column(String(255))
    """Name of the model in jobs and transcripts; null for a worker of a version that takes any
    job."""
    device: Mapped[str] = mapped_column(String(40))
    jobs_at_once: Mapped[int] = mapped_column(Integer, default=1)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    obstacles: Mapped[str] = mapped_column(String(255), default="", server_default="")
    """Reasons why it claims nothing now: values of `shared.states.Obstacle` with commas between
    them; empty if it does."""
    work_room_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """Bytes that can be written to its work folder now, beyond the reserve."""
    work_disk_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """Bytes that could be written to its work folder if nothing else lay on the disk."""
    takes_hotwords: Mapped[bool | None] = mapped_column(Boolean)
    """True if its model takes hotwords; null until a model is loaded."""
    gpus: Mapped[str | None] = mapped_column(Text)
    """GPUs as `shared.jobs.Gpu` writes them, in JSON; null where the driver tells of none."""
