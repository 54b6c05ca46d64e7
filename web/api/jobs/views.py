"""/api/v1/jobs"""

from __future__ import annotations

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify, request, url_for

from shared import jobs
from shared.annotations.labels import keys_of
from shared.errors import InvalidRequest
from web.api.cursors import cursors
from web.api.jobs.events import job_events
from web.api.jobs.history import present_history
from web.api.jobs.list_events import list_events
from web.api.jobs.matches import matches_of
from web.api.jobs.presenter import job_response, present, present_detail, with_etag
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse, parse_json, takes_query
from web.api.schemas.hotwords import MOST_BYTES as HOTWORD_BYTES
from web.api.schemas.jobs import (
    HistoryOut,
    JobDetailOut,
    JobListOut,
    JobListQuery,
    SegmentTextOut,
    TextOut,
    TextQuery,
)
from web.api.schemas.submission import SubmitOptions, UploadSubmission
from web.api.schemas.transcripts.exports import TranscriptQuery, ZipRequest
from web.api.schemas.transcripts.sentences import SentencesOut, SentencesQuery
from web.api.transcripts.downloads import transcript_response
from web.api.transcripts.sentences import sentences_response
from web.api.transcripts.zip_export import zip_response
from web.authentication.job_access import access_of, owner_of
from web.authentication.owner import current_owner_id
from web.idempotency_key_header import idempotency_key
from web.polling.cache_dependencies import API_MAX_AGE_S, track_dependencies
from web.services import services
from web.uploads.submission import accept, accept_upload

blueprint = APIBlueprint("jobs", __name__, url_prefix="/api/v1/jobs")


def view_of(job_id: str) -> jobs.JobView:
    """A job of whoever asks, or shared with them. Raises JobNotFound."""
    here = services()
    return jobs.get_job(
        here.db,
        owner_id=owner_of(job_id),
        job_id=job_id,
        seen_within_s=here.settings.worker_seen_within_s,
    )


def job_answer(job_id: str, status: int = 200) -> Response:
    """Answer with a job of whoever asks. Raises JobNotFound."""
    return job_response(present_detail(view_of(job_id), services().settings), status)


@blueprint.post("")
@blueprint.output(JobDetailOut, 202, description="Accepted: the job is queued.")
@blueprint.doc(responses=[404, 409, 410, 423, 429, 507])
@completed_by(operations.submission)
def submit_job() -> Response:
    """Submit a recording, as a file or as a finished upload.

    The answer comes once the recording is safe on disk and its job is queued. Repeating a
    request with the same `Idempotency-Key` answers the job that the first one made. So does
    repeating an `upload_id`, with a key or without: an upload becomes one job. A recording at an
    address is asked for by `POST /api/v1/fetches`.

    503 with code `queue_full` means that more audio waits than this server allows: nothing was
    kept, and `Retry-After` says when there is likely to be room.
    """
    key = idempotency_key(request.headers.get("Idempotency-Key"))
    if request.mimetype == "application/json":
        return accepted(_submit_upload(key))
    if request.mimetype != "multipart/form-data":
        raise InvalidRequest(
            "Send the recording as multipart/form-data, for instance: "
            "curl -F file=@meeting.m4a http://…/api/v1/jobs, or the id of a finished upload as "
            'JSON: {"upload_id": "…"}.',
            param="file",
        )
    jobs.require_database(services().db)
    options = parse(SubmitOptions, request.form, "file")
    for name in request.files:
        if name != "file":
            raise InvalidRequest(
                f"There is no file field '{(name or '')[:80]}' here; it is called 'file'.",
                param=(name or "")[:80],
            )
    file = request.files.get("file")
    if file is None:
        raise InvalidRequest(
            "There is no file in this request. Send it as a file in the field 'file', for "
            "instance: curl -F file=@meeting.m4a http://…/api/v1/jobs",
            param="file",
        )
    submission = accept(
        file,
        owner_id=current_owner_id(),
        options=options.stored,
        hotwords=options.hotwords,
        model=options.model,
        priority=options.priority,
        idempotency_key=key,
    )
    return accepted(submission)


def _submit_upload(key: str | None) -> jobs.Submission:
    try:
        wanted = parse_json(UploadSubmission, most_bytes=HOTWORD_BYTES)
    except InvalidRequest as error:
        if error.param != "url":
            raise
        raise InvalidRequest(
            "Ask POST /api/v1/fetches for a recording at an address: it takes the same fields, and "
            "the job will have the fetch's id.",
            param="url",
        ) from None
    return accept_upload(
        str(wanted.upload_id),
        owner_id=current_owner_id(),
        options=wanted.stored,
        hotwords=wanted.hotwords,
        model=wanted.model,
        priority=wanted.priority,
        idempotency_key=key,
    )


def accepted(submission: jobs.Submission) -> Response:
    """Answer with the job of a submission, and where it is."""
    response = job_answer(submission.job_id, 202)
    response.headers["Location"] = url_for(".get_job", job_id=submission.job_id)
    return response


@blueprint.get("")
@blueprint.output(JobListOut)
@takes_query(JobListQuery)
@completed_by(operations.polled)
def list_jobs() -> Response:
    """List jobs, newest first.

    With `q`, those that have each of its words in their name, title, people, tags or transcript,
    and `matches` says where it is said. A page may end before it is full, even without any job,
    once very many were looked at for it: `next_cursor` goes on, and only null is the end.
    """
    query = parse(JobListQuery, request.args)
    statuses = (query.status,) if query.status else ()
    own = cursors()
    cursor = own.find(query.cursor)
    # What was said, by which a search finds jobs, stands in no row of theirs.
    listed = None
    labels = keys_of(tag=query.tag, person=query.person)
    if not query.q and not labels:
        listed = jobs.JobSelection(statuses=statuses, cursor=cursor, limit=query.limit + 1)
    with track_dependencies(listed, max_age_s=API_MAX_AGE_S) as noted:
        page = jobs.list_jobs(
            services().db,
            owner_id=current_owner_id(),
            statuses=statuses,
            query=query.q,
            labels=labels,
            limit=query.limit,
            cursor=cursor,
            seen_within_s=services().settings.worker_seen_within_s,
            counted=False,
        )
        noted.shows(
            [(view.job.id, view.queue_position) for view in page.jobs],
            workers_alive=page.workers_alive,
        )
    shown = JobListOut(
        jobs=[present(view, services().settings) for view in page.jobs],
        next_cursor=own.hide(page.next_cursor),
        searched_to=page.searched_to,
        workers_alive=page.workers_alive,
        matches=matches_of(page) if query.q else None,
    )
    return with_etag(jsonify(shown.model_dump(mode="json", by_alias=True)), shown)


@blueprint.get("/events")
@completed_by(operations.endless_event_stream)
def get_list_events() -> Response:
    """Receive an event for each of your jobs that changes, instead of asking for the list.

    Server-sent events: `open` comes first, after which the list is to be read once; `job` has what
    the list has of a job, when it is submitted, taken, moved to another stage, tried again or at
    its end, a second later or so. A client that comes back with `Last-Event-ID` misses nothing, and
    may be told of some jobs again; `reset` says that too much has happened since, so that the list
    is to be read anew. Progress within a stage and deletions are not told. The stream ends after
    LONGSCRIBE_ANSWER_WITHIN_S.
    """
    return list_events()


@blueprint.get("/<uuid:job_id>")
@blueprint.output(JobDetailOut)
@completed_by(operations.polled)
def get_job(job_id: UUID) -> Response:
    """Ask how a job stands.

    Send the `ETag` back as `If-None-Match` to get 304 while nothing has changed, which costs the
    server a tenth, and wait `Retry-After` seconds before asking again. Then `queue_position` and
    `workers_alive` may be told a second late.
    """
    # The dependencies of an answer are compared over its owner's jobs only.
    own = None if access_of(job_id).is_shared else jobs.JobSelection(str(job_id))
    with track_dependencies(own, max_age_s=API_MAX_AGE_S) as noted:
        view = view_of(str(job_id))
        noted.shows([(view.job.id, view.queue_position)], workers_alive=view.workers_alive)
    return job_response(present_detail(view, services().settings))


@blueprint.get("/<uuid:job_id>/events")
@completed_by(operations.event_stream)
def get_job_events(job_id: UUID) -> Response:
    """Receive a job's state each time that it changes, instead of asking for it.

    Server-sent events: `job` has what `GET /api/v1/jobs/{job_id}` answers, and the first is sent
    at once; `gone` says that it was deleted. The stream ends with the job, and after
    LONGSCRIBE_ANSWER_WITHIN_S. A client that comes back with `Last-Event-ID` is told nothing that
    it has; 204 says that there will be nothing more. `queue_position` may be told 15 s late.
    """
    return job_events(str(job_id))


@blueprint.get("/<uuid:job_id>/transcript")
@blueprint.doc(responses=[409])
@takes_query(TranscriptQuery)
@completed_by(operations.transcript_file)
def get_job_transcript(job_id: UUID) -> Response:
    """Download the transcript of a completed job, with its corrections.

    What is not chosen holds as the format has it. An option that means nothing for the format is
    refused rather than ignored.
    """
    return transcript_response(str(job_id))


@blueprint.get("/<uuid:job_id>/sentences")
@blueprint.output(SentencesOut)
@blueprint.doc(responses=[409])
@takes_query(SentencesQuery)
@completed_by(operations.conditional)
def list_sentences(job_id: UUID) -> Response:
    """Read the transcript of a completed job in parts, by time or so many sentences at once.

    Corrections are in it, what was removed is not, and words have no times of their own here.
    """
    return sentences_response(str(job_id))


@blueprint.post("/transcripts")
@completed_by(operations.zip_file)
def export_transcripts() -> Response:
    """Download the transcripts of several jobs as one zip file, in one format.

    It is sent while it is made. Files are named after the titles; a job that has no transcript, or
    is not there, is told in a text file inside.
    """
    wanted = parse_json(ZipRequest)
    return zip_response([str(job_id) for job_id in wanted.jobs], wanted)


@blueprint.get("/<uuid:job_id>/text")
@blueprint.output(TextOut)
@takes_query(TextQuery)
def get_job_text(job_id: UUID) -> Response:
    """Read along while a job runs: what its finished batches brought, without punctuation.

    Send `plan` and `next_batch` of the answer before to be told only what is new since. Segments
    may come between others, since a batch holds those of like length.
    """
    query = parse(TextQuery, request.args)
    so_far = jobs.partial_text(
        services().db,
        owner_id=owner_of(job_id),
        job_id=str(job_id),
        plan=query.plan,
        from_batch=query.from_batch,
    )
    shown = TextOut(
        job_id=str(job_id),
        plan=so_far.plan,
        next_batch=so_far.next_batch,
        segments=[
            SegmentTextOut(start=piece.start, end=piece.end, text=piece.text)
            for piece in so_far.segments
        ],
    )
    return jsonify(shown.model_dump(mode="json"))


@blueprint.get("/<uuid:job_id>/history")
@blueprint.output(HistoryOut)
@completed_by(operations.conditional)
def get_job_history(job_id: UUID) -> Response:
    """Ask what happened to a job and when, for instance why it took three attempts.

    Branch on `kind` and `code`; `message` is for people and may be worded otherwise in another
    version. Of a job that was tried very often, the submission and the newest events are kept.
    """
    history = jobs.get_history(services().db, owner_id=owner_of(job_id), job_id=str(job_id))
    shown = present_history(str(job_id), history)
    return with_etag(jsonify(shown.model_dump(mode="json")), shown)
