"""The page on which the template of reports is changed."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from shared.errors import InvalidRequest
from shared.export.reports.owner_templates import drop_template, put_template
from shared.export.reports.report import BLOCKS, INLINE, LONGEST_TEMPLATE
from web.api.transcripts.reports import shown_template
from web.authentication.owner import current_owner_id
from web.errors import localised_error
from web.pages.blueprint import pages
from web.services import services


def _page(status: int = 200, **context: Any) -> Response:
    html = render_template(
        "report_template.html", inline=INLINE, blocks=BLOCKS, most=LONGEST_TEMPLATE, **context
    )
    return make_response(html, status)


@pages.get("/report-template")
def report_template() -> Response:
    return _page(**shown_template().model_dump())


@pages.post("/report-template")
def save_report_template() -> Any:
    db, owner_id = services().db, current_owner_id()
    if request.form.get("do") == "reset":
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
