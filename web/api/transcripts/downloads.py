"""Downloads and previews of a transcript, with the options of the request."""

from __future__ import annotations

from dataclasses import asdict, replace

from flask import Response, make_response, request

from shared import jobs
from shared.errors import InvalidRequest, JobNotFound
from shared.export.formats import FORMATS, Format
from shared.export.options import ExportOptions, Provenance
from shared.owner_data import provenance
from shared.transcripts.values import Transcript, Version
from web.api.parsing import parse
from web.api.schemas.transcripts.exports import PREVIEW_LINES, ExportChoices, TranscriptQuery
from web.authentication.job_access import owner_of
from web.http.filenames import attachment, download_name
from web.monitoring.traces import exporting
from web.services import services

_PREVIEW_SENTENCES = 200
"""Enough sentences for these lines, so that previews take the same time for any length."""
_PREVIEW_COLUMNS = 600
"""Characters of a line, since JSON has the whole text on one."""


def transcript_response(job_id: str) -> Response:
    """Respond with the transcript as a file or a preview, by the query of this request.

    Raises InvalidRequest, JobNotFound and TranscriptNotReady.
    """
    query = parse(TranscriptQuery, request.args)
    format_, options = format_and_options(query)
    owner_id = owner_of(job_id)
    transcript = read_transcript(owner_id, job_id, query.version, format_)
    found = jobs.get_records(services().db, owner_id=owner_id, job_ids=[job_id])
    if job_id not in found:  # deleted between the two
        raise JobNotFound
    job = found[job_id]
    title, told = job.recording.title, provenance_of(owner_id, job, format_)
    if query.preview:
        with exporting(job_id, format_.name):
            beginning = _beginning(format_, transcript, told, options)
        response = make_response(beginning)
        response.content_type = "text/plain; charset=utf-8"
    else:
        with exporting(job_id, format_.name):
            content = format_.render(transcript, told, options)
        response = make_response(content)
        is_text = format_.write_bytes is None
        response.content_type = format_.media_type + ("; charset=utf-8" if is_text else "")
        response.headers["Content-Disposition"] = attachment(
            download_name(title, format_.filename_suffix())
        )
    # Of the bytes themselves: another option or a correction is another file.
    response.add_etag()
    response.make_conditional(request)
    return response


def read_transcript(owner_id: str, job_id: str, version: Version, format_: Format) -> Transcript:
    """Read the transcript that a file of this format is made from. Raises as
    `jobs.get_transcript`."""
    return jobs.get_transcript(
        services().db,
        owner_id=owner_id,
        job_id=job_id,
        version=version,
        words=format_.needs_words,
    ).without_removed()


def provenance_of(owner_id: str, job: jobs.JobRecord, format_: Format | None = None) -> Provenance:
    """Facts about a job that a file of this format states. Raises JobNotFound."""
    return provenance.provenance_of(services().db, owner_id, job, format_)


def format_and_options(choices: ExportChoices) -> tuple[Format, ExportOptions]:
    """The format that was chosen and all of its options. Raises InvalidRequest."""
    format_ = _format(choices.format)
    return format_, _options(choices, format_)


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise InvalidRequest(
            f"There is no format '{name[:20]}'. Choose one of {', '.join(FORMATS)}.",
            param="format",
        )
    return FORMATS[name]


def _options(query: ExportChoices, format_: Format) -> ExportOptions:
    given = query.model_dump(include=set(ExportOptions.__dataclass_fields__), exclude_none=True)
    for name in given:
        if name not in format_.supported_options:
            raise InvalidRequest(
                f"{name} means nothing for {format_.name}, which takes "
                f"{', '.join(format_.supported_options)}. Leave it out, or choose another format.",
                param=name,
            )
    return ExportOptions(**{**asdict(format_.defaults), **given})


def _beginning(
    format_: Format, transcript: Transcript, provenance: Provenance, options: ExportOptions
) -> str:
    start = replace(transcript, sentences=transcript.sentences[:_PREVIEW_SENTENCES])
    lines = format_.text(start, provenance, options).splitlines()
    shown = [
        line if len(line) <= _PREVIEW_COLUMNS else f"{line[:_PREVIEW_COLUMNS]}…"
        for line in lines[:PREVIEW_LINES]
    ]
    if len(lines) > PREVIEW_LINES or len(transcript.sentences) > _PREVIEW_SENTENCES:
        shown.append("…")
    return "".join(f"{line}\n" for line in shown)
