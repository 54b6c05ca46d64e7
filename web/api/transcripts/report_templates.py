"""/api/v1/report-templates: the templates of reports that are kept under names."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, jsonify, make_response, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge

from shared.export.formats import FORMATS
from shared.export.reports.named_templates import (
    MOST_TEMPLATES,
    NamedTemplate,
    delete_template,
    give_template,
    keep_template,
    list_templates,
    read_named_template,
    take_template,
)
from shared.export.reports.refusals import TemplateTooLarge
from shared.export.reports.samples import sample
from shared.export.reports.word import LARGEST_DOCUMENT
from shared.states import TemplateKind
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse, parse_json, takes_query
from web.api.schemas.transcripts.reports import (
    NamedTemplateListOut,
    NamedTemplateOut,
    SampleQuery,
    TemplateGroupIn,
    TemplatesQuery,
)
from web.authentication.owner import current_owner_id
from web.authentication.owner_or_group import keeper_of
from web.http.filenames import attachment, download_name
from web.i18n.languages import current_language
from web.services import services

blueprint = APIBlueprint("report_templates", __name__, url_prefix="/api/v1")

_SLACK = 64 * 1024
"""Bytes beyond the largest template that are read, so that the refusal says what is too large."""


def usable_templates() -> list[NamedTemplate]:
    """The templates of whoever asks, by name, and of their groups."""
    return list_templates(services().db, owner_id=current_owner_id(), with_groups=True)


def _keeper() -> str:
    return keeper_of(parse(TemplatesQuery, request.args).group)


def _shown(template: NamedTemplate) -> NamedTemplateOut:
    return NamedTemplateOut(
        name=template.name,
        kind=template.kind,
        size_bytes=template.size_bytes,
        at=template.at,
        address=url_for(
            "report_templates.get_template_file",
            template_name=template.name,
            group=template.group_id,
        ),
        group=template.group_id,
        group_name=template.group,
    )


def _answer(templates: list[NamedTemplate]) -> Response:
    shown = NamedTemplateListOut(templates=[_shown(one) for one in templates], most=MOST_TEMPLATES)
    return jsonify(shown.model_dump(mode="json"))


@blueprint.get("/report-templates")
@blueprint.output(NamedTemplateListOut)
@blueprint.doc(responses=[404])
@takes_query(TemplatesQuery)
def list_named_templates() -> Response:
    """List the templates that you keep under names and those of your groups.

    With `group` those of that group alone.
    """
    query = parse(TemplatesQuery, request.args)
    if query.group is None:
        return _answer(usable_templates())
    return _answer(list_templates(services().db, owner_id=keeper_of(query.group)))


@blueprint.put("/report-templates/<template_name>")
@blueprint.output(NamedTemplateOut)
@takes_query(TemplatesQuery)
@completed_by(operations.template_body)
def put_template_file(template_name: str) -> Response:
    """Keep a template under a name, in place of one that has it.

    The body is the file: a Word document (.docx, .dotx) or Markdown in UTF-8; its bytes tell which.
    Nothing in it is executed: a placeholder is a name out of a list.
    """
    keeper = _keeper()
    request.max_content_length = LARGEST_DOCUMENT + _SLACK
    try:
        content = request.get_data()
    except RequestEntityTooLarge:
        raise TemplateTooLarge from None
    kept = keep_template(services().db, owner_id=keeper, name=template_name, content=content)
    return jsonify(_shown(kept).model_dump(mode="json"))


@blueprint.patch("/report-templates/<template_name>")
@blueprint.output(NamedTemplateListOut)
@blueprint.doc(responses=[409])
@takes_query(TemplatesQuery)
@completed_by(operations.json_body(TemplateGroupIn))
def change_template(template_name: str) -> Response:
    """Give a template to a group, or take it out of one; the answer lists all."""
    db, keeper = services().db, _keeper()
    wanted = parse_json(TemplateGroupIn).group
    if wanted is not None:
        give_template(db, owner_id=keeper, name=template_name, group_id=keeper_of(wanted))
    else:
        take_template(db, group_id=keeper, name=template_name, owner_id=current_owner_id())
    return _answer(usable_templates())


@blueprint.get("/report-templates/<template_name>")
@takes_query(TemplatesQuery)
@completed_by(operations.template_file)
def get_template_file(template_name: str) -> Response:
    """Download a template as it was sent."""
    found = read_named_template(services().db, owner_id=_keeper(), name=template_name)
    return _file(found.content, found.kind, template_name)


@blueprint.delete("/report-templates/<template_name>")
@blueprint.output({}, 204)
@takes_query(TemplatesQuery)
def delete_template_file(template_name: str) -> Response:
    """Forget a template. Reports that were made from it are left as they are."""
    delete_template(services().db, owner_id=_keeper(), name=template_name)
    return Response(status=204)


@blueprint.get("/report-template/sample")
@takes_query(SampleQuery)
@completed_by(operations.template_file)
def get_sample_template() -> Response:
    """Download the built-in template, to begin one of your own from."""
    query = parse(SampleQuery, request.args)
    language = query.language or current_language()
    name = "模板" if language == "zh" else "template"
    return _file(sample(query.kind, language), query.kind, name)


def _file(content: bytes, kind: TemplateKind, name: str) -> Response:
    response = make_response(content)
    is_text = kind is TemplateKind.TEXT
    charset = "; charset=utf-8" if is_text else ""
    response.content_type = FORMATS[kind.value].media_type + charset
    response.headers["Content-Disposition"] = attachment(download_name(name, kind.value))
    return response
