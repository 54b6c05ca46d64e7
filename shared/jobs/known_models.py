"""Models that workers run, by the names that jobs and transcripts give them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import TextClause, case, func, select, text
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.errors import InvalidRequest, TransientError
from shared.jobs.scheduling.index_of_waiting import FOR_MODEL
from shared.jobs.workers import records_of_workers
from shared.models import WorkerSeen

_MOST_NAMED = 20
"""Models that an error names."""


class UnknownModel(InvalidRequest):
    code = "unknown_model"
    default_message = (
        "No worker runs this model. Choose one that is offered, or none: any worker takes it then."
    )


class ModelChoiceUnavailable(TransientError):
    code = "model_choice_unavailable"
    http_status = 503
    default_message = (
        "A worker of an earlier version still runs here, which takes jobs of any model. Submit "
        "without a model, or again once the operator has replaced it."
    )


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that a worker runs, or ran within a day."""

    name: str
    workers: int
    """Workers that reported themselves lately."""
    jobs_at_once: int
    """Jobs that these run at once, less those of workers that something keeps from work."""
    seen_at: datetime
    """Time at which a worker of the model last reported itself, by the database's clock."""
    takes_hotwords: bool | None
    """True if the model takes hotwords; None until a worker has loaded it."""


def known_models(db: Database, *, within_s: float) -> list[KnownModel]:
    """The models that a job may name, by name; a worker lives if it was seen within `within_s`."""
    with db.reading() as session:
        return _known(session, within_s)


def _known(session: Session, within_s: float) -> list[KnownModel]:
    alive = WorkerSeen.seen_at >= database_now(-within_s)
    works = case((alive & (WorkerSeen.obstacles == ""), WorkerSeen.jobs_at_once), else_=0)
    takes = case(
        (WorkerSeen.takes_hotwords.is_(True), 1), (WorkerSeen.takes_hotwords.is_(False), 0)
    )
    rows = session.execute(
        select(
            WorkerSeen.model_name,
            func.sum(case((alive, 1), else_=0)),
            func.sum(works),
            func.max(WorkerSeen.seen_at, type_=WorkerSeen.seen_at.type),
            func.max(takes),
        )
        .where(WorkerSeen.model_name.is_not(None))
        .group_by(WorkerSeen.model_name)
    )
    found = [
        KnownModel(name, alive, slots, seen_at, None if takes is None else bool(takes))
        for name, alive, slots, seen_at, takes in rows
    ]
    return sorted(found, key=lambda model: model.name)


def require_known_model(session: Session, model: str, *, within_s: float) -> None:
    """Check that a job may name `model`.

    Raises UnknownModel, or ModelChoiceUnavailable while a worker lives that takes any job.
    """
    for worker in records_of_workers(session, within_s=within_s):
        if worker.model_name is None:
            raise ModelChoiceUnavailable(
                f"The worker {worker.name} is of an earlier version, which takes jobs of any "
                "model. Submit without a model, or again once the operator has replaced it.",
                param="model",
            )
    known = [one.name for one in _known(session, within_s)]
    if model in known:
        return
    choices = ", ".join(known[:_MOST_NAMED]) or "none yet; start a worker"
    raise UnknownModel(
        f"No worker runs the model '{model[:80]}'. Known: {choices}. Without a model any takes it.",
        param="model",
    )


def models_waited_for(db: Database, *, within_s: float) -> list[str]:
    """The models that waiting jobs name and no living worker runs, by name."""
    with db.reading() as session:
        named = session.scalars(_named(db.is_sqlite)).all()
        if not named:
            return []
        run = {worker.model_name for worker in records_of_workers(session, within_s=within_s)}
        return [model for model in named if model not in run]


@cache
def _named(is_sqlite: bool) -> TextClause:
    """SQL for the models that waiting jobs name, at one step in the index each."""
    table, holds = FOR_MODEL.table(is_sqlite), FOR_MODEL.holds()
    first = f"ORDER BY {FOR_MODEL.first_owner} LIMIT 1"
    return text(f"""
        WITH RECURSIVE named(name) AS (
            SELECT (SELECT model FROM {table} WHERE {holds} {first})
            UNION ALL
            SELECT (SELECT model FROM {table} WHERE {holds} AND model > named.name {first})
            FROM named WHERE name IS NOT NULL
        )
        SELECT name FROM named WHERE name IS NOT NULL
    """)
