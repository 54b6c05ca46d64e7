"""The endpoints for supervisors, load balancers and Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError, ResponseError
from sqlalchemy.exc import SQLAlchemyError

import migrations
from shared import jobs
from shared.celery_doorbell import waiting_doorbells
from shared.states import WaitReason
from shared.storage.identity import StorageState
from web.monitoring import metrics
from web.services import Services, services

health = Blueprint("health", __name__)

_LONGEST_REASON = 200


@health.get("/healthz")
def healthz() -> Response:
    """Answer as long as this process runs; nothing else is checked."""
    return jsonify(status="ok")


@health.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Tell whether submissions can be accepted: the database and the storage work.

    Redis, workers, disk space and models that jobs wait for are reported without affecting the
    status: when they fail, jobs wait, none is lost, and finished transcripts can still be read.
    """
    here = services()
    database = _database(here)
    checks = {"database": database, "recordings": _recordings(here, database == "ok")}
    ready = all(state == "ok" for state in checks.values())
    body: dict[str, Any] = {
        "status": "ready" if ready else "not_ready",
        "checks": checks,
        "disk": _disk(here) if _may_be_asked(checks) else {"status": "unreachable"},
        "redis": _redis(here),
        "workers": _workers(here) if checks["database"] == "ok" else [],
        "worker_last_seen_at": _last_seen(here) if checks["database"] == "ok" else None,
        "warnings": _warnings(here) if checks["database"] == "ok" else [],
    }
    return jsonify(body), 200 if ready else 503


@health.get("/metrics")
def metrics_text() -> Response:
    here = services()
    text = metrics.exposition(
        here.db,
        seen_within_s=here.settings.worker_seen_within_s,
        usable_bytes=here.usable_bytes,
    )
    return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _database(here: Services) -> str:
    try:
        if not here.migrated.is_set():
            if not migrations.is_current(here.db):
                return "not_migrated"
            here.migrated.set()
        jobs.require_database(here.db)
    except SQLAlchemyError:
        return "unreachable"
    return "ok"


def _recordings(here: Services, can_compare: bool) -> str:
    """'ok', 'not_writable', or what the storage is instead of ours (a StorageState)."""
    try:
        if can_compare:
            state = here.check_storage()
            if state is not StorageState.SOUND:
                return state.value
        here.blobs.check_writable()
    except FileNotFoundError:
        # Not compared, and so not yet made perhaps: the database is what is told.
        return "not_writable" if can_compare else "ok"
    except OSError:
        return "not_writable"
    except SQLAlchemyError:
        return "not_compared"
    return "ok"


def _may_be_asked(checks: Mapping[str, str]) -> bool:
    """Return whether the disk answers at once: one that is full or read-only does, and one that is
    gone may not."""
    return checks["recordings"] in ("ok", "not_writable")


def _disk(here: Services) -> dict[str, Any]:
    try:
        usable = here.usable_bytes()
    except OSError:
        return {"status": "unreachable"}
    return {"status": "ok" if usable else "full", "usable_bytes": usable}


def _redis(here: Services) -> dict[str, Any]:
    try:
        return {"status": "ok", "waiting": waiting_doorbells(here.celery)}
    except ResponseError as error:
        return {"status": "refusing", "reason": str(error)[:_LONGEST_REASON]}
    except (OperationalError, RedisError, OSError):
        return {"status": "unreachable"}


def _workers(here: Services) -> list[dict[str, Any]]:
    return [
        {
            "name": worker.name,
            "model": worker.model,
            "model_name": worker.model_name,
            "device": worker.device,
            "seen_at": _iso(worker.seen_at),
            "ready": not worker.obstacles,
            "obstacles": list(worker.obstacles),
        }
        for worker in jobs.workers_seen(here.db, within_s=here.settings.worker_seen_within_s)
    ]


def _warnings(here: Services) -> list[dict[str, str]]:
    """Reasons for which jobs wait although workers live."""
    return [
        {"code": WaitReason.NO_WORKER_OF_MODEL.value, "model": model}
        for model in jobs.models_waited_for(here.db, within_s=here.settings.worker_seen_within_s)
    ]


def _last_seen(here: Services) -> str | None:
    """Time at which any worker was last seen, including those that are gone."""
    last = jobs.worker_last_seen(here.db)
    return None if last is None else _iso(last.seen_at)


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
