"""The one task: on a doorbell, claim the next job, run it, end its attempt.

This is the boundary that catches everything; elsewhere errors are caught where they can be
handled.
"""

from __future__ import annotations

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.errors import (
    Cancelled,
    FenceLost,
    InsufficientStorage,
    InternalError,
    LongscribeError,
    PermanentError,
)
from shared.models import new_id
from shared.queue import TRANSCRIBE_NEXT, ring
from shared.storage.space import require_space
from worker import child_process
from worker.app import app
from worker.pipeline.attempt import Attempt
from worker.pipeline.tools import Tools
from worker.pipeline.transcribe import transcribe
from worker.supervision.heartbeat import Heartbeat, ShutdownRequested
from worker.supervision.liveness import Liveness
from worker.supervision.retrying_store import (
    FinalWriteDeadline,
    RetryingStore,
    retry_while_unavailable,
)

log = structlog.get_logger(__name__)


@app.task(name=TRANSCRIBE_NEXT)
def transcribe_next(doorbell: str) -> None:
    """Claim the next job and run it to its end, whatever that is.

    `doorbell` names the job that rang, for the log only: the queue is in SQL.
    """
    tools = child_process.tools()
    if not _has_room(tools):
        return
    try:
        claim = _claim(tools)
    except ShutdownRequested:
        log.info("received a stop signal; leaves the job to others", doorbell=doorbell)
        return
    if claim is None:
        log.info("nothing to claim", doorbell=doorbell)
        return
    with structlog.contextvars.bound_contextvars(job_id=claim.job_id, fence=claim.fence):
        log.info("claimed", attempt=claim.attempt_number, filename=claim.filename)
        with child_process.liveness(claim) as liveness:
            outcome = _run_to_its_end(tools, claim, liveness)
        log.info("attempt over", outcome=outcome)


def _has_room(tools: Tools) -> bool:
    """Whether the work folder has room for decoded audio.

    While it has none, jobs wait in the queue, where they lose nothing, and each sweep rings for
    them again.
    """
    try:
        require_space(tools.work_space)
    except InsufficientStorage as error:
        log.error("leaves the queue alone until there is room", reason=error.message)
        return False
    return True


def _claim(tools: Tools) -> jobs.Claim | None:
    # The write has a name, so that a claim whose COMMIT was not answered is found again instead of
    # left to the reaper.
    worker, lease_s, name = child_process.worker_name(), tools.settings.lease_s, new_id()
    child_process.stop_if_requested()
    return retry_while_unavailable(
        lambda: jobs.claim_next(tools.db, worker=worker, lease_s=lease_s, write=name),
        child_process.stop_if_requested,
    )


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
        # The outcome cannot be written either: the lease runs out and the reaper takes over.
        log.error("database failed", error=str(error))
    return "left to the reaper"


def _run(tools: Tools, claim: jobs.Claim, liveness: Liveness, final_store: RetryingStore) -> str:
    """Transcribe, and store the transcript or the error; the outcome.

    Raises Cancelled, FenceLost or SQLAlchemyError, with nothing stored by then.
    """
    settings = tools.settings
    try:
        with Heartbeat(
            tools.db, claim, interval_s=settings.heartbeat_s, shutdown=child_process.shutdown
        ) as heartbeat:
            memory = tools.recogniser.memory
            memory.reset_peak()
            attempt = Attempt.begin(tools, claim, heartbeat.check, liveness)
            transcript = transcribe(attempt)
            attempt.store.write(jobs.finish, transcript, peak_bytes=memory.peak_bytes())
        return "completed"
    except ShutdownRequested:
        final_store.write(jobs.release)
        ring(app, claim.job_id)  # another worker may be idle
        return "released"
    except (Cancelled, FenceLost, SQLAlchemyError):
        raise
    except PermanentError as permanent:
        final_store.write(jobs.fail, permanent)
        return f"failed: {permanent.code}"
    except Exception as unforeseen:  # the boundary
        error = unforeseen if isinstance(unforeseen, LongscribeError) else InternalError()
        log.exception("attempt failed", code=error.code)
        most, delay_s = settings.max_attempts, settings.retry_delay_s
        final_store.write(jobs.retry_later, error, max_attempts=most, delay_s=delay_s)
        return f"to be retried: {error.code}"
