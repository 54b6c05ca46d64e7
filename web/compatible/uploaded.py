"""Transcripts of what was uploaded, as clients of other services ask for them: an upload may be
named more than once there, and each time with other options."""

from __future__ import annotations

import json
from hashlib import sha256

from shared import jobs
from shared.words.hotwords import OPTION as HOTWORDS
from shared.words.hotwords import digest_of
from web.api.schemas.submission import UploadSubmission
from web.authentication.owner import current_owner_id
from web.services import services
from web.uploads.submission import accept_upload, announce


def job_of(wanted: UploadSubmission) -> str:
    """The id of the job for an upload with these options; the same one where this is repeated.

    Raises as `accept_upload` and, where it is to be heard once more with other options,
    `jobs.submit_again` do.
    """
    owner_id, upload_id = current_owner_id(), str(wanted.upload_id)
    submission = accept_upload(
        upload_id,
        owner_id=owner_id,
        options=wanted.stored,
        hotwords=wanted.hotwords,
        model=wanted.model,
    )
    if submission.created:
        return submission.job_id
    here = services()
    job = jobs.get_job(here.db, owner_id=owner_id, job_id=submission.job_id).job
    words = {HOTWORDS: digest_of(wanted.hotwords)} if wanted.hotwords else {}
    asked = wanted.stored | words
    if (job.options, job.model) == (asked, wanted.model):
        return job.id
    told = json.dumps([asked, wanted.model], sort_keys=True).encode()
    again = jobs.submit_again(
        here.db,
        owner_id=owner_id,
        of_job=job.id,
        options=wanted.stored,
        hotwords=wanted.hotwords,
        model=wanted.model,
        idempotency_key=f"{upload_id} {sha256(told).hexdigest()}",
        limit=here.queue_limit,
    )
    return announce(again, wanted.model).job_id
