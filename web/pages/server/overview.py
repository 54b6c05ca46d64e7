"""The page on which administrators see workers, models, the queue and the storage.

`web.authentication.sign_in` refuses everybody else; without sign-in there is one person, who runs
it all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata

from flask import Blueprint, render_template
from flask_babel import gettext as _
from flask_babel import ngettext
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError, ResponseError

import migrations
from shared import jobs
from shared.celery_doorbell import waiting_doorbells
from shared.jobs import Gpu, WorkerRecord
from shared.states import RUNNING, TERMINAL, JobStatus
from shared.storage import space_reservations
from web.i18n.quantities import bytes_text, duration_text, share
from web.pages.why_jobs_wait import obstacle_texts, why_jobs_wait, workers_seen
from web.services import Services, services

server = Blueprint("server", __name__, url_prefix="/server")


@dataclass(frozen=True, slots=True)
class Row:
    """Row of the overview: a part of the installation, its facts, and whether it needs
    attention."""

    name: str
    facts: list[str]
    role: str = ""
    is_ill: bool = False
    complaints: list[str] | None = None


@server.get("")
def overview() -> str:
    here = services()
    workers = workers_seen(here)
    return render_template(
        "server/overview.html",
        demo_notice=None,
        version=metadata.version("longscribe"),
        queue=_queue(here),
        workers=[_worker(worker) for worker in workers],
        models=_models(here),
        storage=_storage(here),
        no_worker=not workers,
        **why_jobs_wait(here, workers),
    )


def _queue(here: Services) -> list[Row]:
    counts = jobs.queue_summary(here.db).by_status
    waiting, running = counts[JobStatus.QUEUED], sum(counts[status] for status in RUNNING)
    facts = [_number_of_jobs(waiting)]
    if waiting:
        audio_s, oldest_s = jobs.waiting_audio_s(here.db), jobs.oldest_wait_s(here.db)
        facts += [
            _("%(time)s of audio", time=duration_text(audio_s)),
            _("the oldest for %(time)s", time=duration_text(oldest_s)),
        ]
    names = {
        JobStatus.COMPLETED: _("Completed"),
        JobStatus.FAILED: _("Failed"),
        JobStatus.CANCELLED: _("Cancelled"),
    }
    ended = [
        Row(names[status], [_number_of_jobs(counts[status])])
        for status in JobStatus
        if status in TERMINAL
    ]
    return [Row(_("Waiting"), facts), Row(_("Running"), [_number_of_jobs(running)]), *ended]


def _number_of_jobs(count: int) -> str:
    return ngettext("%(num)s job", "%(num)s jobs", count)


def _worker(worker: WorkerRecord) -> Row:
    silent_s = (datetime.now(UTC) - worker.seen_at).total_seconds()
    facts = [
        worker.model_name or worker.model,
        worker.device,
        ngettext("%(num)s job at once", "%(num)s jobs at once", worker.jobs_at_once),
        _("seen %(time)s ago", time=duration_text(max(silent_s, 0.0))),
    ]
    if worker.work_room_bytes is not None:
        facts.append(_("%(size)s free for decoding", size=bytes_text(worker.work_room_bytes)))
    facts += map(_gpu, worker.gpus)
    return Row(
        worker.name,
        facts,
        role=_("takes no job") if worker.obstacles else _("takes jobs"),
        is_ill=bool(worker.obstacles),
        complaints=obstacle_texts(worker.obstacles),
    )


def _gpu(gpu: Gpu) -> str:
    """A GPU of the worker's machine, with what its driver tells."""
    told = []
    if gpu.use is not None:
        told.append(_("%(share)s busy", share=share(gpu.use)))
    if gpu.memory_used_bytes is not None and gpu.memory_total_bytes is not None:
        used, total = bytes_text(gpu.memory_used_bytes), bytes_text(gpu.memory_total_bytes)
        told.append(_("%(used)s of %(total)s in use", used=used, total=total))
    if gpu.temperature_c is not None:
        told.append(f"{gpu.temperature_c:.0f} °C")
    if gpu.power_w is not None:
        told.append(f"{gpu.power_w:.0f} W")
    return _(
        "GPU %(number)s (%(name)s): %(facts)s",
        number=gpu.index,
        name=gpu.name or "-",
        facts=", ".join(told) or "-",
    )


def _models(here: Services) -> list[Row]:
    within_s = here.settings.worker_seen_within_s
    known = [
        Row(model.name, [ngettext("%(num)s worker", "%(num)s workers", model.workers)])
        for model in jobs.known_models(here.db, within_s=within_s)
    ]
    waited_for = [
        Row(
            model,
            [_("Jobs wait for it, and no worker runs it.")],
            role=_("missing"),
            is_ill=True,
        )
        for model in jobs.models_waited_for(here.db, within_s=within_s)
    ]
    missing = {row.name for row in waited_for}
    return [*waited_for, *(row for row in known if row.name not in missing)]


def _storage(here: Services) -> list[Row]:
    stored = sum(space_reservations.held_by_owner(here.db).values())
    facts = [_("%(size)s stored", size=bytes_text(stored))]
    try:
        free = here.blobs.usable_bytes()
        facts.append(_("%(size)s free beyond the reserve", size=bytes_text(free)))
    except OSError:
        free = 0
        facts.append(_("It cannot be asked how much room there is."))
    schema = migrations.state(here.db).current or "-"
    kind = "SQLite" if here.db.is_sqlite else "PostgreSQL"
    redis_ill = _ill_of_redis(here)
    return [
        Row(_("Recordings"), facts, is_ill=not free, role="" if free else _("full")),
        Row(_("Database"), [kind, _("schema %(revision)s", revision=schema)]),
        Row(
            "Redis",
            [_("Jobs start with a worker's next sweep.") if redis_ill else _("answers")],
            is_ill=bool(redis_ill),
            role=redis_ill,
        ),
    ]


def _ill_of_redis(here: Services) -> str:
    try:
        waiting_doorbells(here.celery)
    except ResponseError:  # its memory or its disk is full, for instance
        return _("takes no messages")
    except (OperationalError, RedisError, OSError):
        return _("does not answer")
    return ""
