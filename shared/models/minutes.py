"""Requests for minutes, what came of them so far, and the prompts that owners changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, BigId, Id, allowed, new_id
from shared.states import MinutesStatus


def _of_some(name: str, *columns: Any, where: str) -> Index:
    condition = text(where)
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


class MinutesRequest(Base):
    """A request for the minutes of a transcript, and while it runs the lease on it.

    A job has at most one; who asks anew gets another row, so that an attempt at the one before
    finds nothing to write into.
    """

    __tablename__ = "minutes_requests"
    __table_args__ = (
        CheckConstraint(allowed("status", MinutesStatus), name="minutes_status_known"),
        _of_some("minutes_waiting", "queued_at", where="status = 'queued'"),
        _of_some("minutes_running", "lease_expires_at", where="status = 'running'"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), unique=True)
    status: Mapped[str] = mapped_column(String(16), default=MinutesStatus.QUEUED.value)
    language: Mapped[str] = mapped_column(String(8))
    """Language in which they are written."""
    prompts: Mapped[dict[str, Any]]
    """The texts that the model is asked with, as they stood when it was asked for."""
    model: Mapped[str | None] = mapped_column(String(255))
    """The name of the one that wrote them, or does."""
    host: Mapped[str | None] = mapped_column(String(255))
    """Host of the model server that was asked; null until one was."""

    created_at: Mapped[datetime] = mapped_column(default=database_now())
    queued_at: Mapped[datetime] = mapped_column(default=database_now())
    available_at: Mapped[datetime] = mapped_column(default=database_now())
    started_at: Mapped[datetime | None]
    """Time at which the newest attempt began; null before the first."""
    completed_at: Mapped[datetime | None]

    fence: Mapped[int] = mapped_column(Integer, default=0)
    """Counts claims. Whoever holds an older number writes nothing."""
    lease_expires_at: Mapped[datetime | None]
    failed_attempts: Mapped[int] = mapped_column(Integer, default=0)
    """Attempts lost or ended by a passing error since it was last asked for, or since the newest
    answer."""
    answers_done: Mapped[int] = mapped_column(Integer, default=0)
    answers_planned: Mapped[int | None] = mapped_column(Integer)
    error_code: Mapped[str | None] = mapped_column(String(40))
    error_message: Mapped[str | None] = mapped_column(Text)

    transcript_digest: Mapped[str | None] = mapped_column(String(64))
    """Digest of the text that they were written from."""
    proposal: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Minutes as the model wrote them, checked. Written once."""
    edited: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Minutes as their owner left them; null while that is the proposal."""
    revision: Mapped[int] = mapped_column(Integer, default=0)
    """Counts their owner's changes."""
    accepted_at: Mapped[datetime | None]


class MinutesAnswer(Base):
    """An answer of the model that was committed, so that no later attempt asks for it again."""

    __tablename__ = "minutes_answers"

    request_id: Mapped[str] = mapped_column(
        ForeignKey("minutes_requests.id", ondelete="CASCADE"), primary_key=True
    )
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Digest of the question, the model's name included."""
    content: Mapped[dict[str, Any]]


class MinutesEvent(Base):
    """Event of a request for minutes, written in the transaction in which it happened."""

    __tablename__ = "minutes_events"
    __table_args__ = (Index("minutes_events_of_request", "request_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    request_id: Mapped[str] = mapped_column(ForeignKey("minutes_requests.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(default=database_now())
    kind: Mapped[str] = mapped_column(String(16))
    """An EventKind."""
    attempt: Mapped[int | None] = mapped_column(Integer)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


class MinutesPrompt(Base):
    """A prompt that an owner changed; without a row the one that comes with Longscribe holds."""

    __tablename__ = "minutes_prompts"

    owner_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    language: Mapped[str] = mapped_column(String(8), primary_key=True)
    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
