"""/api/v1/audit: who did what. `web.authentication.sign_in` refuses all but administrators; without
sign-in there is one person, who runs it all."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify, request

from shared import accounts, audit
from shared.audit import Act, AuditFilter, Entry
from web.api.audit.schemas import (
    AuditConditions,
    AuditEntryOut,
    AuditExportQuery,
    AuditOut,
    AuditQuery,
)
from web.api.openapi.operations import Operation, completed_by
from web.api.parsing import parse, takes_query
from web.http.filenames import attachment
from web.services import services

blueprint = APIBlueprint("audit", __name__, url_prefix="/api/v1/audit")


def _files(operation: Operation) -> None:
    """Describe the file in each format."""
    operation["responses"]["200"] = {
        "description": "The entries, newest first, sent while they are read.",
        "content": {
            media_type: {"schema": {"type": "string"}} for _, media_type in audit.WRITERS.values()
        },
        "headers": {"Content-Disposition": {"schema": {"type": "string"}}},
    }


@blueprint.get("")
@blueprint.output(AuditOut)
@blueprint.doc(responses=[403, 404])
@takes_query(AuditQuery)
def list_audit() -> Response:
    """List who did what, newest first. For administrators only."""
    query = parse(AuditQuery, request.args)
    found, next_before = page_of(filter_of(query), limit=query.limit, before=query.before)
    shown = AuditOut(
        entries=[AuditEntryOut(**audit.as_values(one)) for one in found], next_before=next_before
    )
    return jsonify(shown.model_dump(mode="json"))


@blueprint.get("/export")
@blueprint.output({})
@blueprint.doc(responses=[403, 404])
@takes_query(AuditExportQuery)
@completed_by(_files)
def export_audit() -> Response:
    """Export who did what, as CSV or JSON Lines. For administrators only."""
    query = parse(AuditExportQuery, request.args)
    return export_response(filter_of(query), query.format)


def filter_of(query: AuditConditions) -> AuditFilter:
    """The entries that a query means. Raises AccountNotFound."""
    return AuditFilter(
        account_id=_account_id(query.account) if query.account else None,
        kind=query.kind or None,
        since=_start_of(query.since),
        until=_start_of(query.until, timedelta(days=1)),
    )


def _account_id(text: str) -> str:
    """The id of an account, given by its id or by its name. Raises AccountNotFound."""
    try:
        return str(UUID(text))  # also of one that is gone
    except ValueError:
        pass
    if text == accounts.LOCAL_OWNER:
        return text
    return accounts.person_named(services().db, text).id


def _start_of(day: date | None, later: timedelta = timedelta(0)) -> datetime | None:
    if day is None:
        return None
    try:
        return datetime.combine(day, time(), UTC) + later
    except OverflowError:  # after the last day that there is, nothing ends
        return None


def page_of(
    wanted: AuditFilter, *, limit: int, before: int | None
) -> tuple[list[Entry], int | None]:
    """A page of entries, and `before` of the next; None at the end."""
    return audit.page_of(services().db, wanted, most=limit, before=before)


def export_response(wanted: AuditFilter, format_: str) -> Response:
    """Answer with the entries as a file, and record that they left."""
    db = services().db
    write, media_type = audit.WRITERS[format_]
    with db.writing() as session:
        audit.record(session, Act.AUDIT_EXPORTED, format=format_)
    response = Response(
        (line.encode() for line in write(audit.every_entry(db, wanted))), mimetype=media_type
    )
    response.headers["Content-Disposition"] = attachment(f"longscribe-audit.{format_}")
    response.headers["Cache-Control"] = "no-store"
    return response
