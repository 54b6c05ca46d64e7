"""The one task: on a doorbell, claim the next job, run it, end its attempt.

This is the boundary that catches everything; elsewhere errors are caught where they can be
handled.
"""

from __future__ import annotations

import time
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs, traces
from shared.celery_doorbell import TRANSCRIBE_NEXT, ring
from shared.errors import Cancelled, FenceLost
from shared.models import new_id
from shared.states import Obstacle
from shared.transcripts.values import DECODED_BYTES_A_SECOND
from worker import child_process
from worker.app import app
from worker.failed_attempt import end_failed_attempt
from worker.monitoring.counts import label_of, tally
from worker.pipeline.attempt import Attempt
from worker.pipeline.tools import Tools
from worker.pipeline.transcribe import transcribe
from worker.supervision.heartbeat import Heartbeat, ShutdownRequested
from worker.supervision.liveness import Liveness
from worker.supervision.monitor import find_obstacles
from worker.supervision.retrying_store import (
    FinalWriteDeadline,
    RetryingStore,
    retry_while_unavailable,
)

log = structlog.get_logger(__name__)

_NO_FAILURES = ("completed", "cancelled", "released")
"""Outcomes of attempts in which nothing went wrong."""


@app.task(name=TRANSCRIBE_NEXT)
def transcribe_next(doorbell: str) -> None:
    """Claim the next job and run it to its end, whatever that is.

    `doorbell` names the job that rang, for the log only: the queue is in SQL.
    """
    tools = child_process.tools()
    try:
        claim = _claim(tools)
    except ShutdownRequested:
        log.info("received a stop signal; leaves the job to others", doorbell=doorbell)
        return
    except NotReady as not_ready:
        log.error("leaves the queue alone", because=[str(one) for one in not_ready.obstacles])
        return
    if claim is None:
        log.info("nothing to claim", doorbell=doorbell)
        return
    with (
        structlog.contextvars.bound_contextvars(job_id=claim.job_id, fence=claim.fence),
        traces.within(claim.traceparent),
    ):
        log.info("claimed", attempt=claim.attempt_number, filename=claim.filename)
        with child_process.liveness(claim) as liveness:
            began = time.monotonic()
            outcome = _run_traced(tools, claim, liveness)
            tally.note_attempt(outcome, took_s=time.monotonic() - began)
            log.info("attempt over", outcome=outcome)
            # The watchdog watches this call too: a broken device may never answer.
            if not tools.recogniser.device_works():
                # Whatever comes next would fail too, and be blamed for it.
                ring(app, claim.job_id, claim.model)  # this doorbell is used up
                child_process.end_with_its_device()


class NotReady(Exception):
    """Refusal to claim while this machine could work on no job. Jobs wait in the queue without
    loss."""

    def __init__(self, obstacles: tuple[Obstacle, ...]) -> None:
        super().__init__(obstacles)
        self.obstacles = obstacles


def _claim(tools: Tools) -> jobs.Claim | None:
    """The next job that this machine can do. Raises NotReady, or ShutdownRequested."""
    # The write has a name, so that a claim whose COMMIT was not answered is found again instead of
    # left to the sweep.
    worker, lease_s, name = child_process.worker_name(), tools.settings.lease_s, new_id()
    child_process.stop_if_requested()
    obstacles, room = retry_while_unavailable(
        lambda: (find_obstacles(tools.db, tools.blobs, tools.work_space), _room(tools)),
        child_process.stop_if_requested,
    )
    if obstacles:
        raise NotReady(obstacles)
    return retry_while_unavailable(
        lambda: jobs.claim_next(
            tools.db,
            worker=worker,
            lease_s=lease_s,
            write=name,
            room=room,
            model=tools.recogniser.identity.name,
        ),
        child_process.stop_if_requested,
    )


def _room(tools: Tools) -> jobs.Room | None:
    """Lengths of recordings that fit in the work folder; None if every recording fits that is
    accepted."""
    settings = tools.settings
    try:
        usable, disk = tools.work_space.usable_bytes(), tools.work_space.disk_bytes()
    except OSError:
        return None
    if usable >= settings.max_audio_s * DECODED_BYTES_A_SECOND:
        return None
    largest = jobs.largest_work_disk_bytes(tools.db, within_s=settings.worker_seen_within_s)
    return jobs.Room(
        longest_s=usable / DECODED_BYTES_A_SECOND,
        beyond_all_s=max(disk, largest or 0) / DECODED_BYTES_A_SECOND,
    )


def _run_traced(tools: Tools, claim: jobs.Claim, liveness: Liveness) -> str:
    """Do what `_run_to_its_end` does, noted in the job's trace with the wait before it."""
    job_id, number, fence = claim.job_id, claim.attempt_number, claim.fence
    if claim.traceparent is not None and claim.waits_since is not None:
        traces.record("queue", began=claim.waits_since, job_id=job_id, attempt=number)
    with traces.span(
        "attempt", kind="consumer", job_id=job_id, attempt=number, fence=fence
    ) as attempt:
        outcome = _run_to_its_end(tools, claim, liveness)
        label = label_of(outcome)
        attempt.note(outcome=label)
        if label not in _NO_FAILURES:
            attempt.fail(outcome.partition(": ")[2] or label)
        return outcome


def _run_to_its_end(tools: Tools, claim: jobs.Claim, liveness: Liveness) -> str:
    """The outcome, in words for the log.

    Either the outcome is stored with the attempt, or nothing is stored and its lease expires.
    """
    deadline = FinalWriteDeadline(
        child_process.shutdown, soft_shutdown_s=tools.settings.soft_shutdown_s
    )
    final_store = RetryingStore(tools.db, claim, deadline, liveness)
    try:
        try:
            return _run(tools, claim, liveness, final_store)
        except Cancelled:
            # Raised by the heartbeat or by any write, the one of another end included.
            final_store.write(jobs.cancelled)
            return "cancelled"
    except FenceLost:
        return "lost the lease; another worker has the job"
    except ShutdownRequested:
        log.error("received a stop signal while the database was unavailable")
    except SQLAlchemyError as error:
        # The outcome cannot be written either: the lease runs out and the sweep takes over.
        log.error("database failed", error=str(error))
    return "left to the sweep"


def _run(tools: Tools, claim: jobs.Claim, liveness: Liveness, final_store: RetryingStore) -> str:
    """Transcribe, and store the transcript or the error; the outcome.

    Raises Cancelled, FenceLost or SQLAlchemyError, with nothing stored by then.
    """
    settings = tools.settings
    try:
        with Heartbeat(
            partial(jobs.heartbeat, tools.db, claim),
            interval_s=settings.heartbeat_s,
            shutdown=child_process.shutdown,
        ) as heartbeat:
            memory = tools.recogniser.memory
            memory.reset_peak()
            attempt = Attempt.begin(tools, claim, heartbeat.check, liveness)
            done = transcribe(attempt)
            with traces.span("commit"):
                attempt.store.write(
                    jobs.finish,
                    done.transcript,
                    voice_map=done.voices.map if done.voices else None,
                    group_voices=done.voices.of_groups
                    if done.voices and settings.voice_keeping == "allowed"
                    else None,
                    hotwords_found=done.hotwords_found,
                    peak_bytes=memory.peak_bytes(),
                )
        tally.note_transcribed(done.transcript.duration)
        child_process.device_failures(settings).note_success()
        return "completed"
    except ShutdownRequested:
        final_store.write(jobs.release)
        ring(app, claim.job_id, claim.model)  # another worker may be idle
        return "released"
    except (Cancelled, FenceLost, SQLAlchemyError):
        raise
    except Exception as error:  # noqa: BLE001 - the boundary
        return end_failed_attempt(tools, claim, final_store, error)
