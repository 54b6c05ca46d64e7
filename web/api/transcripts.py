"""Downloads and previews of a transcript, with the options of the request."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from flask import Response, make_response, request
from pydantic import BaseModel, ConfigDict, Field

from shared import jobs
from shared.errors import InvalidRequest
from shared.export import FORMATS, Format
from shared.export.options import LIMITS, ExportOptions, Provenance
from shared.transcripts.values import Transcript, Version
from shared.words.numbers.choice import Numbers
from web.api.parsing import parse
from web.authentication.owner import current_owner_id
from web.http.filenames import attachment, download_name
from web.services import services

PREVIEW_LINES = 40
_PREVIEW_SENTENCES = 200
"""Enough sentences for these lines, so that previews take the same time for any length."""
_PREVIEW_COLUMNS = 600
"""Characters of a line, since JSON has the whole text on one."""


def _limited(name: str, description: str) -> Any:
    limits = LIMITS[name]
    return Field(None, ge=limits.minimum, le=limits.maximum, description=description)


class TranscriptQuery(BaseModel):
    """The options of a transcript; docs/exports.md lists the defaults of each format."""

    model_config = ConfigDict(extra="forbid")

    format: str = Field("txt", description=f"{', '.join(FORMATS)}.")
    version: Version = Field(
        Version.CURRENT,
        description="`current` has the corrections, `recognised` is what the model wrote.",
    )
    timestamps: bool | None = Field(
        None, description="txt, docx: when each line or paragraph begins."
    )
    paragraphs: bool | None = Field(
        None, description="txt, docx, json: sentences grouped at pauses; json lists the groups."
    )
    punctuation: bool | None = Field(
        None, description="All: off puts a space in the place of commas, full stops and their like."
    )
    speakers: bool | None = Field(
        None, description="All: who speaks, where that is known; off leaves the names out."
    )
    spacing: bool | None = Field(
        None, description="All: a space between Chinese and Latin letters or digits."
    )
    numbers: Numbers | None = Field(
        None, description="All: `written` has spoken numbers in digits, 85万元 for 八十五万元."
    )
    end_marks: bool | None = Field(
        None,
        description="srt, vtt: keep the Chinese comma or full stop at the end of a line.",
    )
    line_width: int | None = _limited(
        "line_width", "srt, vtt: display cells a line; a Chinese character takes two."
    )
    max_lines: int | None = _limited("max_lines", "srt, vtt: lines shown at once.")
    min_seconds: float | None = _limited("min_seconds", "srt, vtt: how long a cue stays at least.")
    max_seconds: float | None = _limited("max_seconds", "srt, vtt: and at most.")
    preview: bool = Field(
        False,
        description=f"The first {PREVIEW_LINES} lines only, as plain text to be shown; of a "
        "document, its text. A last line of … says that there is more.",
    )


def transcript_response(job_id: str) -> Response:
    """Respond with the transcript as a file or a preview, by the query of this request.

    Raises InvalidRequest, JobNotFound and TranscriptNotReady.
    """
    query = parse(TranscriptQuery, request.args)
    format_ = _format(query.format)
    options = _options(query, format_)
    owner_id = current_owner_id()
    transcript = jobs.get_transcript(
        services().db,
        owner_id=owner_id,
        job_id=job_id,
        version=query.version,
        words=format_.needs_words,
    ).without_removed()
    job = jobs.get_job(services().db, owner_id=owner_id, job_id=job_id).job
    title = job.recording.title
    provenance = Provenance(job_id, title, job.completed_at)
    if query.preview:
        response = make_response(_beginning(format_, transcript, provenance, options))
        response.content_type = "text/plain; charset=utf-8"
    else:
        response = make_response(format_.render(transcript, provenance, options))
        is_text = format_.write_bytes is None
        response.content_type = format_.media_type + ("; charset=utf-8" if is_text else "")
        response.headers["Content-Disposition"] = attachment(download_name(title, format_.name))
    # Of the bytes themselves: another option or a correction is another file.
    response.add_etag()
    response.make_conditional(request)
    return response


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise InvalidRequest(
            f"There is no format '{name[:20]}'. Choose one of {', '.join(FORMATS)}.",
            param="format",
        )
    return FORMATS[name]


def _options(query: TranscriptQuery, format_: Format) -> ExportOptions:
    given = query.model_dump(exclude={"format", "version", "preview"}, exclude_none=True)
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
