"""End of an attempt that raised an error: the job fails, is tried again or is given back."""

from __future__ import annotations

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.errors import (
    InsufficientStorage,
    InternalError,
    LongscribeError,
    PermanentError,
    storage_error,
)
from shared.storage.errors import NoRoomToDecode, StorageUnavailable
from shared.storage.identity import StorageState, check_storage
from worker.device_failure import LONGEST_DELAY_S, give_back_with_the_device
from worker.pipeline.tools import Tools
from worker.supervision.retrying_store import RetryingStore

log = structlog.get_logger(__name__)


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
            longest_delay_s=LONGEST_DELAY_S,
            length_s=error.length_s if isinstance(error, NoRoomToDecode) else None,
        )
        return f"given back: {error.code}"
    if not tools.recogniser.device_works():
        return give_back_with_the_device(tools, claim, final_store, raised)
    if isinstance(error, PermanentError) and not isinstance(error, InternalError):
        final_store.write(jobs.fail, error)
        return f"failed: {error.code}"
    log.error("attempt failed", code=error.code, exc_info=raised)
    most, delay_s = settings.max_attempts, settings.retry_delay_s
    final_store.write(jobs.retry_later, error, max_attempts=most, delay_s=delay_s)
    return f"to be retried: {error.code}"


def _as_ours(raised: Exception) -> LongscribeError:
    if isinstance(raised, OSError):
        raised = storage_error(raised)
    return raised if isinstance(raised, LongscribeError) else InternalError()


def _has_lost_its_storage(tools: Tools) -> bool:
    try:
        return check_storage(tools.db, tools.blobs) is not StorageState.SOUND
    except SQLAlchemyError:
        return False
