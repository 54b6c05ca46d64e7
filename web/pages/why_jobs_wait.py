"""Reasons why waiting jobs are not taken, for the notices above the list and on a job's page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from flask_babel import gettext as _

from shared import jobs
from shared.jobs import RecordingRecord, WorkerRecord
from shared.states import Obstacle
from shared.transcripts.values import DECODED_BYTES_A_SECOND
from web.i18n.languages import N_
from web.services import Services

_NO_STORAGE = N_("It does not see the storage of the recordings, which is most likely not mounted.")

_OBSTACLE = {
    Obstacle.STARTING: N_("It is starting: the speech model is being loaded."),
    Obstacle.MODEL_UNAVAILABLE: N_("It cannot load its speech model; its log says why."),
    Obstacle.DEVICE_FAILED: N_("Its device failed; it is tried again after a pause."),
    Obstacle.STORAGE_NEW: _NO_STORAGE,
    Obstacle.STORAGE_MISSING: _NO_STORAGE,
    Obstacle.STORAGE_OTHER: N_("It sees another storage than the one of these recordings."),
    Obstacle.STORAGE_UNPROVEN: _NO_STORAGE,
    Obstacle.STORAGE_UNREACHABLE: N_("The storage of the recordings does not answer it."),
    Obstacle.NO_ROOM: N_("Its disk is full; it goes on once there is room."),
}


def why_jobs_wait(here: Services, workers: Sequence[WorkerRecord]) -> dict[str, Any]:
    """Values for the template `_why_jobs_wait.html`; `workers` are those seen lately."""
    kept_by: list[str] = []
    if workers and all(worker.obstacles for worker in workers):
        kept_by = obstacle_texts({code for worker in workers for code in worker.obstacles})
    return {
        "storage_gone": here.storage_is_gone,
        "storage_full": here.storage_is_full,
        "work_folder_full": here.work_folder_is_full,
        "kept_by": kept_by,
    }


def obstacle_texts(codes: Collection[str]) -> list[str]:
    """Sentences about the obstacles that keep a worker from work, in the reader's language."""
    texts = [_(_OBSTACLE[one]) for one in Obstacle if one.value in codes and one in _OBSTACLE]
    return list(dict.fromkeys(texts))


def workers_seen(here: Services) -> list[WorkerRecord]:
    return jobs.workers_seen(here.db, within_s=here.settings.worker_seen_within_s)


def room_waited_for(
    recording: RecordingRecord, workers: Sequence[WorkerRecord]
) -> tuple[int, int] | None:
    """The bytes that a waiting job takes on a worker's disk and the most that one has free, if that
    is less; None if it has room, or nobody said."""
    rooms = [
        worker.work_room_bytes
        for worker in workers
        if worker.work_room_bytes is not None and not worker.obstacles
    ]
    needed = int((recording.expected_s or 0.0) * DECODED_BYTES_A_SECOND)
    return (needed, max(rooms)) if rooms and needed > max(rooms) else None
