"""End of an attempt that raised an error: the job fails, is tried again or is given back."""

from __future__ import annotations

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.errors import (
    DeviceFailed,
    InsufficientStorage,
    InternalError,
    LongscribeError,
    PermanentError,
    storage_error,
)
from shared.storage.errors import NoRoomToDecode, StorageUnavailable
from shared.storage.identity import StorageState, check_storage
from worker import child_process
from worker.pipeline.tools import Tools
from worker.supervision.retrying_store import RetryingStore

log = structlog.get_logger(__name__)

_LONGEST_DELAY_S = 300.0
"""Longest time between two attempts at a job that its worker's machine could not do."""

_PATIENCE_WITH_THE_DEVICE = 5
"""Factor: as many more failures of the device end a job where they are not the job's own."""


def end_failed_attempt(
    tools: Tools, claim: jobs.Claim, final_store: RetryingStore, raised: Exception
) -> str:
    """Store how an attempt ended that raised an error; the outcome.

    What the machine is to blame for costs the job no attempt.
    """
    settings, error = tools.settings, _as_ours(raised)
    if not isinstance(error, StorageUnavailable) and _has_lost_its_storage(tools):
        error = StorageUnavailable()
    if isinstance(error, StorageUnavailable | InsufficientStorage):
        log.error("gives the job back", code=error.code, reason=repr(raised))
        final_store.write(
            jobs.give_back,
            error,
            delay_s=settings.retry_delay_s,
            longest_delay_s=_LONGEST_DELAY_S,
            length_s=error.length_s if isinstance(error, NoRoomToDecode) else None,
        )
        return f"given back: {error.code}"
    if not tools.recogniser.device_works():
        return _end_with_the_device(tools, claim, final_store, raised)
    if isinstance(error, PermanentError) and not isinstance(error, InternalError):
        final_store.write(jobs.fail, error)
        return f"failed: {error.code}"
    log.error("attempt failed", code=error.code, exc_info=raised)
    most, delay_s = settings.max_attempts, settings.retry_delay_s
    final_store.write(jobs.retry_later, error, max_attempts=most, delay_s=delay_s)
    return f"to be retried: {error.code}"


def _end_with_the_device(
    tools: Tools, claim: jobs.Claim, final_store: RetryingStore, raised: Exception
) -> str:
    """Give the job back, or fail it once the device failed with it too often.

    Sooner where its recording is to blame: no other failed lately, and either the device worked
    with another in between or there is none to try.
    """
    settings = tools.settings
    failures = child_process.device_failures(settings)
    since_success = failures.note_failure(claim.job_id)
    log.critical("the device failed; its process ends", reason=repr(raised), exc_info=raised)
    is_to_blame = since_success.of_one_job and (
        since_success.count == 1 or not _may_take_another(tools)
    )
    most = max(2, settings.max_attempts) * (1 if is_to_blame else _PATIENCE_WITH_THE_DEVICE)
    # By then the next child has mostly taken another job, if one waits: what comes of that tells
    # the recording's fault from the device's.
    next_child_in_s = failures.pause_s() + 2 * child_process.start_took_s
    final_store.write(
        jobs.give_back,
        DeviceFailed(),
        delay_s=settings.retry_delay_s + next_child_in_s,
        longest_delay_s=_LONGEST_DELAY_S,
        most=most,
    )
    return "the device failed"


def _may_take_another(tools: Tools) -> bool:
    """Return whether another job waits for this worker, or may: only another job can show whether
    the device or the recording is the cause."""
    try:
        waiting = jobs.claimable_jobs(tools.db, most=1, model=tools.recogniser.identity.name)
    except SQLAlchemyError:
        return True
    return waiting.for_any + waiting.of_model > 0


def _as_ours(raised: Exception) -> LongscribeError:
    if isinstance(raised, OSError):
        raised = storage_error(raised)
    return raised if isinstance(raised, LongscribeError) else InternalError()


def _has_lost_its_storage(tools: Tools) -> bool:
    try:
        return check_storage(tools.db, tools.blobs) is not StorageState.SOUND
    except SQLAlchemyError:
        return False
