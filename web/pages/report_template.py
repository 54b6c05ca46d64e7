"""The page of the templates of reports: the one that holds where none is named, and the others."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from shared.errors import InvalidRequest
from shared.export.reports.named_templates import (
    LONGEST_TEMPLATE_NAME,
    MOST_TEMPLATES,
    delete_template,
    give_template,
    keep_template,
    read_named_template,
    take_template,
)
from shared.export.reports.owner_templates import drop_template, put_template
from shared.export.reports.placeholders import BLOCKS, INLINE, WITH_FIELDS
from shared.export.reports.refusals import TemplateNameTaken
from shared.export.reports.report import LONGEST_TEMPLATE
from web.api.transcripts.report_templates import usable_templates
from web.api.transcripts.reports import shown_template
from web.authentication.owner import current_owner_id
from web.authentication.owner_or_group import keeper_of
from web.errors import localised_error
from web.pages.blueprint import (
    flash_error,
    group_given_to,
    group_of_form,
    own_groups,
    pages,
)
from web.pages.confirmation import is_confirmed, question_page
from web.services import services


def _page(status: int = 200, **context: Any) -> Response:
    html = render_template(
        "report_template.html",
        inline=INLINE,
        blocks=BLOCKS,
        with_fields=WITH_FIELDS,
        most=LONGEST_TEMPLATE,
        longest_name=LONGEST_TEMPLATE_NAME,
        most_named=MOST_TEMPLATES,
        named=usable_templates(),
        own_groups=own_groups(),
        **context,
    )
    return make_response(html, status)


@pages.get("/report-template")
def report_template() -> Response:
    return _page(**shown_template().model_dump())


@pages.post("/report-template")
def save_report_template() -> Any:
    db, owner_id = services().db, current_owner_id()
    if request.form.get("do") == "reset":
        if not is_confirmed():
            back = url_for(".report_template")
            return question_page("report template", back=back, fields=("do",))
        drop_template(db, owner_id=owner_id)
        flash(_("Reports are made from the built-in template again."), "done")
        return redirect(url_for(".report_template"), 303)
    text = request.form.get("template", "")
    try:
        put_template(db, owner_id=owner_id, content=text)
    except InvalidRequest as error:
        problem = localised_error(error)
        return _page(error.http_status, template=text, own=True, problem=problem)
    flash(_("Reports are made from this template from now on."), "done")
    return redirect(url_for(".report_template"), 303)


@pages.post("/report-templates")
def keep_named_template() -> Any:
    group = group_of_form("group")
    keeper = keeper_of(group)
    name = request.form.get("name", "")
    file = request.files.get("file")
    content = file.stream.read() if file is not None else b""
    try:
        kept = keep_template(services().db, owner_id=keeper, name=name, content=content)
    except InvalidRequest as error:
        problem = localised_error(error)
        return _page(
            error.http_status,
            named_problem=problem,
            name_given=name,
            group_given=group,
            **shown_template().model_dump(),
        )
    return _done(_("The template %(name)s is kept.", name=kept.name))


@pages.post("/report-templates/<template_name>/delete")
def delete_named_template(template_name: str) -> Any:
    keeper = keeper_of(group_of_form("group"))
    if not is_confirmed():
        read_named_template(
            services().db, owner_id=keeper, name=template_name
        )  # or it is not there
        back = url_for(".report_template", _anchor="named")
        return question_page("named template", back=back, fields=("group",), name=template_name)
    delete_template(services().db, owner_id=keeper, name=template_name)
    return _done(_("The template %(name)s is deleted.", name=template_name))


@pages.post("/report-templates/<template_name>/give")
def give_named_template(template_name: str) -> Any:
    whose = {"owner_id": current_owner_id(), "name": template_name}
    try:
        give_template(services().db, **whose, group_id=group_given_to())
    except (InvalidRequest, TemplateNameTaken) as error:
        flash_error(error)
        return redirect(url_for(".report_template", _anchor="named"), 303)
    return _done(_("The template %(name)s is the group's now.", name=template_name))


@pages.post("/report-templates/<template_name>/take")
def take_named_template(template_name: str) -> Any:
    """Take a template out of the group that the form names."""
    whose = {"group_id": keeper_of(group_of_form("group")), "owner_id": current_owner_id()}
    try:
        take_template(services().db, **whose, name=template_name)
    except (InvalidRequest, TemplateNameTaken) as error:
        flash_error(error)
        return redirect(url_for(".report_template", _anchor="named"), 303)
    return _done(_("The template %(name)s is yours alone now.", name=template_name))


def _done(message: str) -> Any:
    flash(message, "done")
    return redirect(url_for(".report_template", _anchor="named"), 303)
