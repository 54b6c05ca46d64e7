"""Words given to jobs from the lists that groups share."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Id


class JobGroupReplacements(Base):
    """A group's list of replacements that a job was submitted with."""

    __tablename__ = "job_group_replacements"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    group_id: Mapped[str] = mapped_column(Id, primary_key=True, index=True)
    """Id of the group, without a foreign key: a job that is under way keeps the list of a group
    that is deleted, which goes with the last such job."""
    version: Mapped[int] = mapped_column(Integer)
    """Version of the list when the job was submitted."""
    rank: Mapped[int] = mapped_column(Integer)
    """Rank of the list, from 1. Of two lists the pairs of the one with the greater rank count
    more."""


class JobGroupHotwords(Base):
    """The hotwords of all groups' lists that a job was given, beside its row of `JobHotwords`."""

    __tablename__ = "job_group_hotwords"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(
        String(64), ForeignKey("hotword_sets.digest"), index=True, nullable=False
    )
