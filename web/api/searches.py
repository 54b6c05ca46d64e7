"""/api/v1/searches: lists of jobs that are kept under a name, as folders are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify, request, url_for

from shared.search.saved import (
    ListConditions,
    Saved,
    delete_search,
    give_search,
    rename_search,
    save_search,
    saved_searches,
    take_search,
)
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse, parse_json, takes_query
from web.api.schemas.searches import (
    SearchChangeIn,
    SearchIn,
    SearchListOut,
    SearchOut,
    SearchQuery,
)
from web.authentication.owner import current_owner_id
from web.authentication.owner_or_group import keeper_of
from web.services import services

blueprint = APIBlueprint("searches", __name__, url_prefix="/api/v1/searches")


def address_of(conditions: ListConditions) -> str:
    """The address of the list that is narrowed down to this."""
    said: dict[str, Any] = {
        "show": "" if conditions.show == "all" else conditions.show,
        "q": conditions.query,
        "tag": conditions.tag,
        "person": conditions.person,
    }
    return url_for("pages.index", **{name: text for name, text in said.items() if text})


def _shown(saved: Saved) -> SearchOut:
    conditions = saved.conditions
    return SearchOut(
        id=saved.id,
        name=saved.name,
        show=conditions.show,
        q=conditions.query,
        tag=conditions.tag,
        person=conditions.person,
        page=address_of(conditions),
        group=saved.group_id,
        group_name=saved.group,
    )


def _answer(found: list[Saved]) -> Response:
    shown = SearchListOut(searches=[_shown(saved) for saved in found])
    return jsonify(shown.model_dump(mode="json"))


def usable_searches() -> list[Saved]:
    """The saved searches of whoever asks and of their groups."""
    return saved_searches(services().db, owner_id=current_owner_id(), with_groups=True)


def _keeper() -> str:
    return keeper_of(parse(SearchQuery, request.args).group)


@blueprint.get("")
@blueprint.output(SearchListOut)
@blueprint.doc(responses=[404])
@takes_query(SearchQuery)
def list_searches() -> Response:
    """List the searches that you have saved and those of your groups.

    With `group` those of that group alone.
    """
    query = parse(SearchQuery, request.args)
    if query.group is None:
        return _answer(usable_searches())
    return _answer(saved_searches(services().db, owner_id=keeper_of(query.group)))


@blueprint.post("")
@blueprint.output(SearchOut, 201)
@blueprint.doc(responses=[404])
@takes_query(SearchQuery)
@completed_by(operations.json_body(SearchIn))
def create_search() -> Response:
    """Save a search. Whatever fits it later is found by it too."""
    keeper = _keeper()
    wanted = parse_json(SearchIn)
    saved = save_search(
        services().db,
        owner_id=keeper,
        name=wanted.name,
        conditions=ListConditions(wanted.show, wanted.q, wanted.tag, wanted.person),
    )
    response = jsonify(_shown(saved).model_dump(mode="json"))
    response.status_code = 201
    return response


@blueprint.patch("/<uuid:search_id>")
@blueprint.output(SearchListOut)
@takes_query(SearchQuery)
@completed_by(operations.json_body(SearchChangeIn))
def change_search(search_id: UUID) -> Response:
    """Rename a saved search, give it to a group, or take it out of one; the answer lists all."""
    db, keeper, one = services().db, _keeper(), str(search_id)
    wanted = parse_json(SearchChangeIn)
    if wanted.name is not None:
        rename_search(db, owner_id=keeper, search_id=one, name=wanted.name)
    elif wanted.group is not None:
        give_search(db, owner_id=keeper, search_id=one, group_id=keeper_of(wanted.group))
    else:
        take_search(db, group_id=keeper, search_id=one, owner_id=current_owner_id())
    return _answer(usable_searches())


@blueprint.delete("/<uuid:search_id>")
@blueprint.output({}, 204)
@takes_query(SearchQuery)
def end_search(search_id: UUID) -> Response:
    """Forget a saved search. Its jobs are left as they are."""
    delete_search(services().db, owner_id=_keeper(), search_id=str(search_id))
    return Response(status=204)
