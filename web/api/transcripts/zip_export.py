"""Export of several transcripts as one zip file, sent while it is made: one of them is held at a
time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from flask import Response, stream_with_context
from flask_babel import gettext as _

from shared import audit, jobs
from shared.audit import Act
from shared.errors import JobNotFound, LongscribeError, TranscriptNotReady
from shared.export.archive import zip_pieces
from web.api.schemas.transcripts.exports import ExportChoices
from web.api.transcripts.downloads import format_and_options, provenance_of, read_transcript
from web.authentication.owner import current_owner_id
from web.errors import localised_error
from web.http.filenames import attachment, download_name
from web.monitoring.traces import exporting
from web.services import services

_Member = tuple[str, bytes, datetime | None]


def zip_response(job_ids: Sequence[str], choices: ExportChoices) -> Response:
    """Answer with the transcripts of these jobs in the order given, as files of one zip file. Those
    without one are named in a text file at its end. Raises InvalidRequest for the choices."""
    format_and_options(choices)  # refused before the answer begins
    owner_id, wanted = current_owner_id(), list(dict.fromkeys(job_ids))
    with services().db.writing() as session:
        audit.record(
            session,
            Act.TRANSCRIPTS_EXPORTED,
            subject_id=owner_id,
            recordings=len(wanted),
            format=choices.format,
        )
    pieces = zip_pieces(_members(wanted, choices, owner_id))
    response = Response(stream_with_context(pieces), mimetype="application/zip")
    response.headers["Content-Disposition"] = attachment(download_name(_("Transcripts"), "zip"))
    response.headers["Cache-Control"] = "no-store"
    return response


def _members(job_ids: Sequence[str], choices: ExportChoices, owner_id: str) -> Iterator[_Member]:
    format_, options = format_and_options(choices)
    found = jobs.get_records(services().db, owner_id=owner_id, job_ids=job_ids)
    missing: list[str] = []
    for job_id in job_ids:
        job = found.get(job_id)
        try:
            if job is None:
                raise JobNotFound
            transcript = read_transcript(owner_id, job_id, choices.version, format_)
            provenance = provenance_of(owner_id, job, format_)
            with exporting(job_id, format_.name):
                content = format_.render(transcript, provenance, options)
        except LongscribeError as error:
            name = job.recording.title if job else job_id
            why = _not_ready() if isinstance(error, TranscriptNotReady) else localised_error(error)
            missing.append(f"{name}: {why}\n")
        else:
            yield (
                download_name(job.recording.title, format_.filename_suffix()),
                content,
                job.completed_at,
            )
    if missing:
        heading = _("There is no transcript of these recordings here:")
        text = f"{heading}\n\n{''.join(missing)}"
        # The mark lets editors on Windows know that it is UTF-8.
        yield download_name(_("Not exported"), "txt"), text.encode("utf-8-sig"), None


def _not_ready() -> str:
    return _("its job is not completed.")
