"""Views that change a job below /api/v1/jobs: cancel, try again, delete."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from shared import jobs
from shared.celery_doorbell import ring
from web.api.jobs.presenter import job_response, present_detail
from web.api.jobs.views import blueprint, job_answer, view_of
from web.api.schemas.jobs import JobDetailOut
from web.authentication.job_access import owner_of
from web.services import services


@blueprint.post("/<uuid:job_id>/cancel")
@blueprint.output(JobDetailOut)
@blueprint.doc(responses=[409])
def cancel_job(job_id: UUID) -> Response:
    """Cancel a job. A running one stops within a batch; cancelling twice is no error."""
    jobs.cancel(services().db, owner_id=owner_of(job_id), job_id=str(job_id))
    return job_answer(str(job_id))


@blueprint.post("/<uuid:job_id>/retry")
@blueprint.output(JobDetailOut, 202)
@blueprint.doc(responses=[409, 429])
def retry_job(job_id: UUID) -> Response:
    """Queue a failed or cancelled job again, unless another of its recording waits or runs.

    What it had recognised is reused.
    """
    here = services()
    jobs.retry(here.db, owner_id=owner_of(job_id), job_id=str(job_id), limit=here.queue_limit)
    view = view_of(str(job_id))
    ring(here.celery, str(job_id), view.job.model)
    return job_response(present_detail(view, here.settings), 202)


@blueprint.delete("/<uuid:job_id>")
@blueprint.output({}, 204)
@blueprint.doc(responses=[409])
def delete_job(job_id: UUID) -> Response:
    """Delete a job, its transcript and its recording, which stays while another job of it is there.
    Cancel it first if it is running."""
    here = services()
    here.require_storage()
    jobs.delete(here.db, here.blobs, owner_id=owner_of(job_id), job_id=str(job_id))
    return Response(status=204)
