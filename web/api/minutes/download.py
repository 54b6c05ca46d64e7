"""Finished minutes as a file."""

from __future__ import annotations

from uuid import UUID

from flask import Response, make_response, request

from shared import jobs
from shared.errors import JobNotFound
from shared.minutes import requests
from shared.minutes.errors import MinutesNotReady
from shared.minutes.export import FORMATS, MinutesFile
from web.api.minutes.views import blueprint
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse, takes_query
from web.api.schemas.minutes import MinutesFileQuery
from web.authentication.job_access import owner_of
from web.http.filenames import attachment, download_name
from web.services import services


@blueprint.get("/<uuid:job_id>/minutes/file")
@blueprint.doc(responses=[409])
@takes_query(MinutesFileQuery)
@completed_by(operations.minutes_file)
def get_minutes_file(job_id: UUID) -> Response:
    """Download the minutes of a job as their owner left them.

    Until they are accepted the file says that a model wrote them, and marks what was not found.
    """
    query = parse(MinutesFileQuery, request.args)
    here, owner_id = services(), owner_of(job_id)
    found = requests.get(here.db, owner_id=owner_id, job_id=str(job_id))
    if found.current is None:
        raise MinutesNotReady
    transcript = jobs.get_transcript(here.db, owner_id=owner_id, job_id=str(job_id), words=False)
    records = jobs.get_records(here.db, owner_id=owner_id, job_ids=[str(job_id)])
    if str(job_id) not in records:  # deleted between the two
        raise JobNotFound
    format_ = FORMATS[query.format]
    file = MinutesFile(
        title=records[str(job_id)].recording.title,
        job_id=str(job_id),
        language=found.language,
        model=found.model or "",
        minutes=found.current,
        sentences=transcript.sentences,
        accepted=found.accepted_at is not None,
        completed_at=found.completed_at,
    )
    response = make_response(format_.write(file))
    is_text = format_.media_type.startswith("text/")
    response.content_type = format_.media_type + ("; charset=utf-8" if is_text else "")
    name = download_name(file.heading, format_.name)
    response.headers["Content-Disposition"] = attachment(name)
    response.add_etag()
    response.make_conditional(request)
    return response
