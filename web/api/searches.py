"""/api/v1/searches: lists of jobs that are kept under a name, as folders are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify, url_for

from shared.search.saved import (
    ListConditions,
    Saved,
    delete_search,
    rename_search,
    save_search,
    saved_searches,
)
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse_json
from web.api.schemas.searches import SearchIn, SearchListOut, SearchNameIn, SearchOut
from web.authentication.owner import current_owner_id
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
    )


def _list() -> Response:
    found = saved_searches(services().db, owner_id=current_owner_id())
    shown = SearchListOut(searches=[_shown(saved) for saved in found])
    return jsonify(shown.model_dump(mode="json"))


@blueprint.get("")
@blueprint.output(SearchListOut)
def list_searches() -> Response:
    """List the searches that you have saved, by name."""
    return _list()


@blueprint.post("")
@blueprint.output(SearchOut, 201)
@completed_by(operations.json_body(SearchIn))
def create_search() -> Response:
    """Save a search. Whatever fits it later is found by it too."""
    wanted = parse_json(SearchIn)
    saved = save_search(
        services().db,
        owner_id=current_owner_id(),
        name=wanted.name,
        conditions=ListConditions(wanted.show, wanted.q, wanted.tag, wanted.person),
    )
    response = jsonify(_shown(saved).model_dump(mode="json"))
    response.status_code = 201
    return response


@blueprint.patch("/<uuid:search_id>")
@blueprint.output(SearchListOut)
@completed_by(operations.json_body(SearchNameIn))
def change_search(search_id: UUID) -> Response:
    """Rename a saved search; the answer lists all."""
    wanted = parse_json(SearchNameIn)
    rename_search(
        services().db, owner_id=current_owner_id(), search_id=str(search_id), name=wanted.name
    )
    return _list()


@blueprint.delete("/<uuid:search_id>")
@blueprint.output({}, 204)
def end_search(search_id: UUID) -> Response:
    """Forget a saved search. Its jobs are left as they are."""
    delete_search(services().db, owner_id=current_owner_id(), search_id=str(search_id))
    return Response(status=204)
