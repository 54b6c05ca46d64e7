"""The audit log, with a filter and as a file. `web.authentication.sign_in` refuses all but
administrators."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from shared import accounts
from shared.audit import KINDS
from web.api.audit.schemas import AuditExportQuery, AuditQuery
from web.api.audit.views import export_response, filter_of, page_of
from web.api.parsing import parse
from web.pages.audit import texts
from web.services import services

page = Blueprint("audit_page", __name__, url_prefix="/audit")


@page.get("")
def all_entries() -> str:
    query = parse(AuditQuery, _filled_in())
    found, next_before = page_of(filter_of(query), limit=query.limit, before=query.before)
    conditions = query.model_dump(include={"account", "kind", "since", "until"}, mode="json")
    return render_template(
        "audit/entries.html",
        demo_notice=None,
        entries=found,
        next_before=next_before,
        query=query,
        conditions={name: value for name, value in conditions.items() if value},
        people=accounts.people(services().db),
        kinds={kind: _(texts.KINDS[kind]) for kind in KINDS},
        act_text=texts.act_text,
        means_text=texts.means_text,
        kept_days=services().settings.audit_days,
    )


@page.get("/export")
def export() -> Response:
    query = parse(AuditExportQuery, _filled_in())
    return export_response(filter_of(query), query.format)


def _filled_in() -> MultiDict[str, str]:
    """The fields of the form in which something stands: a browser sends the empty ones too."""
    return MultiDict((name, value) for name, value in request.args.items(multi=True) if value)
