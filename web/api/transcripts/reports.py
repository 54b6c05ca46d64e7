"""/api/v1/jobs/{id}/report: what is handed over of a meeting, from a template of its owner's."""

from __future__ import annotations

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify, make_response, request

from shared import jobs
from shared.errors import JobNotFound
from shared.export import FORMATS
from shared.export.options import ExportOptions
from shared.export.reports.owner_templates import drop_template, put_template, read_template
from shared.export.reports.report import built_in, write_docx, write_markdown
from shared.transcripts.values import CHINESE, Version
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse, parse_json, takes_query
from web.api.schemas.transcripts.reports import ReportQuery, TemplateIn, TemplateOut
from web.api.transcripts.downloads import provenance_of, read_transcript
from web.authentication.job_access import owner_of
from web.authentication.owner import current_owner_id
from web.http.filenames import attachment, download_name
from web.i18n.languages import current_language
from web.monitoring.traces import exporting
from web.services import services

blueprint = APIBlueprint("reports", __name__, url_prefix="/api/v1")


@blueprint.get("/jobs/<uuid:job_id>/report")
@blueprint.doc(responses=[409])
@takes_query(ReportQuery)
@completed_by(operations.report_file)
def get_report(job_id: UUID) -> Response:
    """Download a report, as your template has it.

    It has title, date, people, agenda (the chapters), decisions, to-dos, notes and the transcript.
    """
    query = parse(ReportQuery, request.args)
    owner_id = owner_of(job_id)
    format_ = FORMATS[query.kind]
    transcript = read_transcript(owner_id, str(job_id), Version.CURRENT, format_)
    found = jobs.get_records(services().db, owner_id=owner_id, job_ids=[str(job_id)])
    if str(job_id) not in found:  # deleted between the two
        raise JobNotFound
    provenance = provenance_of(owner_id, found[str(job_id)])
    own = read_template(services().db, owner_id=current_owner_id())
    template = own or built_in(transcript.language)
    options = ExportOptions(timestamps=query.timestamps, paragraphs=True, spacing=True)
    given = (template, transcript, provenance, options)
    with exporting(str(job_id), query.kind):
        content = write_docx(*given) if query.kind == "docx" else write_markdown(*given).encode()
    response = make_response(content)
    is_text = format_.write_bytes is None
    response.content_type = format_.media_type + ("; charset=utf-8" if is_text else "")
    # Beside the transcript's file, which has the title alone.
    kind = "纪要" if transcript.language in CHINESE else "minutes"
    name = download_name(f"{provenance.title} {kind}", query.kind)
    response.headers["Content-Disposition"] = attachment(name)
    response.add_etag()
    response.make_conditional(request)
    return response


def shown_template() -> TemplateOut:
    """The template of whoever asks."""
    own = read_template(services().db, owner_id=current_owner_id())
    return TemplateOut(template=own or built_in(current_language()), own=own is not None)


@blueprint.get("/report-template")
@blueprint.output(TemplateOut)
def get_report_template() -> Response:
    """Ask for the template of your reports."""
    return jsonify(shown_template().model_dump(mode="json"))


@blueprint.put("/report-template")
@blueprint.output(TemplateOut)
@completed_by(operations.json_body(TemplateIn))
def put_report_template() -> Response:
    """Use a template of your own. Nothing in it is executed: a placeholder is a name."""
    wanted = parse_json(TemplateIn)
    put_template(services().db, owner_id=current_owner_id(), content=wanted.template)
    return get_report_template()


@blueprint.delete("/report-template")
@blueprint.output(TemplateOut)
def drop_report_template() -> Response:
    """Go back to the built-in template."""
    drop_template(services().db, owner_id=current_owner_id())
    return get_report_template()
