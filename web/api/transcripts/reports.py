"""/api/v1/jobs/{id}/report: what is handed over of a meeting, from a template of its owner's."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify, make_response, request

from shared import jobs
from shared.errors import JobNotFound
from shared.export.formats import FORMATS
from shared.export.options import ExportOptions
from shared.export.reports.named_templates import TemplateFile, read_named_template
from shared.export.reports.owner_templates import drop_template, put_template, read_template
from shared.export.reports.report import built_in
from shared.minutes import requests
from shared.minutes.errors import MinutesNotFound
from shared.minutes.export import MinutesFile
from shared.states import TemplateKind
from shared.transcripts.values import CHINESE, Version
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse, parse_json, takes_query
from web.api.schemas.transcripts.reports import ReportQuery, TemplateIn, TemplateOut
from web.api.transcripts.downloads import provenance_of, read_transcript
from web.authentication.job_access import owner_of
from web.authentication.owner import current_owner_id
from web.authentication.owner_or_group import keeper_of
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
    `template` names one of several, of yours or with `group` of a group's; without it the one that
    has no name holds.
    """
    query = parse(ReportQuery, request.args)
    owner_id = owner_of(job_id)
    template = _template(query)
    kind = query.kind or (template.kind if template and query.template else TemplateKind.WORD)
    format_ = FORMATS[kind]
    transcript = read_transcript(owner_id, str(job_id), Version.CURRENT, format_)
    found = jobs.get_records(services().db, owner_id=owner_id, job_ids=[str(job_id)])
    if str(job_id) not in found:  # deleted between the two
        raise JobNotFound
    template = template or TemplateFile(TemplateKind.TEXT, built_in(transcript.language).encode())
    provenance = provenance_of(owner_id, found[str(job_id)])
    if template.asks_for_summary:
        provenance = replace(provenance, summary=_summary(owner_id, str(job_id)))
    options = ExportOptions(timestamps=query.timestamps, paragraphs=True, spacing=True)
    with exporting(str(job_id), kind):
        content = template.write(kind, transcript, provenance, options)
    response = make_response(content)
    is_text = format_.write_bytes is None
    response.content_type = format_.media_type + ("; charset=utf-8" if is_text else "")
    # Beside the transcript's file, which has the title alone.
    of_which = query.template or ("纪要" if transcript.language in CHINESE else "minutes")
    name = download_name(f"{provenance.title} {of_which}", kind)
    response.headers["Content-Disposition"] = attachment(name)
    response.add_etag()
    response.make_conditional(request)
    return response


def _template(query: ReportQuery) -> TemplateFile | None:
    """The template of whoever asks, or of a group of theirs, by its name if there is one; None: the
    built-in one. Raises TemplateNotFound or GroupNotFound."""
    db = services().db
    if query.template is not None:
        keeper = keeper_of(query.group)
        return read_named_template(db, owner_id=keeper, name=query.template)
    own = read_template(db, owner_id=current_owner_id())
    return None if own is None else TemplateFile(TemplateKind.TEXT, own.encode())


def _summary(owner_id: str, job_id: str) -> tuple[str, ...]:
    """The points of a summary that a model wrote; none where none did."""
    try:
        found = requests.get(services().db, owner_id=owner_id, job_id=job_id)
    except MinutesNotFound:
        return ()
    if found.current is None:
        return ()
    return MinutesFile(
        title="",
        job_id=job_id,
        language=found.language,
        model=found.model or "",
        minutes=found.current,
        sentences=(),
        accepted=found.accepted_at is not None,
        completed_at=found.completed_at,
    ).summary()


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
