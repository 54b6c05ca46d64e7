"""/api/v1/replacements: the lists of wrong and right words."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, jsonify, request

from shared.errors import InvalidRequest
from shared.words.replacements import lists
from shared.words.replacements.pairs import MAX_FILE_BYTES, read_pairs, write_pairs
from web.api.cursors import find_place, hide_place
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse, parse_json, takes_query
from web.api.schemas.replacements import (
    ListChangeOut,
    ListQuery,
    ReplacementIn,
    ReplacementListOut,
    ReplacementOut,
    ReplacementQuery,
    WhichList,
)
from web.authentication.owner_or_group import keeper_of
from web.authentication.sign_in import current_person, require_admin
from web.http.filenames import attachment
from web.services import services

blueprint = APIBlueprint("replacements", __name__, url_prefix="/api/v1/replacements")

LISTED = "replacements"
"""Name under which the cursors of these lists are hidden."""


def owner_of_list(wanted: ListQuery, *, writes: bool) -> str:
    """Id of a list's owner, which is a group's id for a group's list. Raises GroupNotFound, or
    Forbidden where `writes` and this person may not."""
    if wanted.group is not None or wanted.list is WhichList.OWN:
        return keeper_of(wanted.group)
    if writes and services().settings.requires_sign_in:
        require_admin()
    return lists.EVERYBODY


def may_write(wanted: ListQuery) -> bool:
    """Return whether this person may change a list that they may see. Without sign-in there is one,
    who administers."""
    person = current_person()
    is_shared = wanted.group is None and wanted.list is WhichList.EVERYBODY
    return not is_shared or person is None or person.is_admin


def _asked(*, writes: bool = False) -> str:
    return owner_of_list(parse(ListQuery, request.args), writes=writes)


@blueprint.get("")
@blueprint.doc(responses=[404])
@blueprint.output(ReplacementListOut)
@takes_query(ReplacementQuery)
def list_replacements() -> Response:
    """List the pairs of a list, newest first."""
    query = parse(ReplacementQuery, request.args)
    page = lists.read_page(
        services().db,
        owner_of_list(query, writes=False),
        query=query.q,
        limit=query.limit,
        cursor=find_place(query.cursor, of=LISTED),
    )
    shown = ReplacementListOut(
        replacements=[_shown(stored) for stored in page.pairs],
        total=page.total,
        writable=may_write(query),
        next_cursor=hide_place(page.next_cursor, of=LISTED),
    )
    return jsonify(shown.model_dump(mode="json"))


@blueprint.post("")
@blueprint.doc(responses=[404])
@blueprint.output(ReplacementOut, 201)
@takes_query(ListQuery)
@completed_by(operations.json_body(ReplacementIn))
def add_replacement() -> Response:
    """Add a pair, in place of one with the same left side.

    It holds for jobs that are submitted from now on: each keeps the lists as they stood then.
    """
    owner_id = _asked(writes=True)
    pair = parse_json(ReplacementIn)
    stored = lists.add(services().db, owner_id, wrong=pair.wrong, right=pair.right)
    response = jsonify(_shown(stored).model_dump(mode="json"))
    response.status_code = 201
    return response


@blueprint.delete("/<int:pair_id>")
@blueprint.output({}, 204)
@takes_query(ListQuery)
def remove_replacement(pair_id: int) -> Response:
    """Remove a pair from a list."""
    lists.remove(services().db, _asked(writes=True), pair_id)
    return Response(status=204)


@blueprint.get("/text")
@blueprint.doc(responses=[404])
@takes_query(ListQuery)
@completed_by(operations.word_list)
def get_replacements_text() -> Response:
    """Download a list as a text file, a pair a line with a tab between its sides."""
    owner_id = _asked()
    response = Response(
        write_pairs(lists.read_all(services().db, owner_id)),
        content_type="text/plain; charset=utf-8",
    )
    response.headers["Content-Disposition"] = attachment("replacements.txt")
    return response


@blueprint.post("/text")
@blueprint.doc(responses=[404])
@blueprint.output(ListChangeOut)
@takes_query(ListQuery)
@completed_by(operations.word_list_body)
def add_replacements_text() -> Response:
    """Add the pairs of a text file to a list.

    A line is `wrong => right`, or has a tab between both. Empty lines and those that begin with
    `#` are passed over. All of it is added, or nothing.
    """
    return _put(only=False)


@blueprint.put("/text")
@blueprint.doc(responses=[404])
@blueprint.output(ListChangeOut)
@takes_query(ListQuery)
@completed_by(operations.word_list_body)
def replace_replacements_text() -> Response:
    """Make the pairs of a text file the whole list, as `POST` reads it."""
    return _put(only=True)


def _put(*, only: bool) -> Response:
    owner_id = _asked(writes=True)
    request.max_content_length = MAX_FILE_BYTES
    file = request.get_data()
    if not file:  # a mistake of a program would empty the list
        raise InvalidRequest(
            "Send the list as the body of the request, as text/plain. One without pairs is a line "
            "with a #."
        )
    change = lists.put(services().db, owner_id, read_pairs(file), only=only)
    shown = ListChangeOut(added=change.added, removed=change.removed, total=change.total)
    return jsonify(shown.model_dump(mode="json"))


def _shown(stored: lists.StoredPair) -> ReplacementOut:
    return ReplacementOut(id=stored.id, wrong=stored.pair.wrong, right=stored.pair.right)
