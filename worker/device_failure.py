"""End of an attempt in which the device failed: its process ends with it, and the job is given back
or, where the recording is to blame, fails."""

from __future__ import annotations

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.errors import DeviceFailed
from worker import child_process
from worker.pipeline.tools import Tools
from worker.supervision.retrying_store import RetryingStore

log = structlog.get_logger(__name__)

LONGEST_DELAY_S = 300.0
"""Longest time between two attempts at a job that its worker's machine could not do."""

_PATIENCE_WITH_THE_DEVICE = 5
"""Factor: as many more failures of the device end a job where they are not the job's own."""


def give_back_with_the_device(
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
        longest_delay_s=LONGEST_DELAY_S,
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
