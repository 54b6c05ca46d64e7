"""What the client knows of the API is what the OpenAPI document says of it."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from flask import Flask

from longscribe_client import routes
from longscribe_client.models import SCHEMAS
from longscribe_client.options import SubmitOptions
from tests.support.databases.sqlite import migrated_file
from tests.support.web.web_app import database, make_app

_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean"}
_FORMATS = {datetime: "date-time", date: "date"}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("openapi")
    app: Flask = make_app(migrated_file(folder / "longscribe.db"), folder)
    told = app.test_client().get("/api/openapi.json").json
    assert told is not None
    yield told
    database(app).dispose()


def of_hint(hint: Any) -> set[str]:
    """The types of a field, in the words of a schema."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return set().union(*map(of_hint, get_args(hint)))
    if origin is Literal:
        return {f"={value}" for value in get_args(hint)}
    if origin is list:
        return {f"[{one}]" for one in of_hint(get_args(hint)[0])}
    if origin is dict:
        return {"object"}
    if hint is type(None):
        return {"null"}
    if hint in _FORMATS:
        return {_FORMATS[hint]}
    if is_dataclass(hint):
        return {SCHEMAS[hint]}  # type: ignore[index]
    return {_SIMPLE[hint]}


def of_schema(document: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in SCHEMAS.values():
            return {name}
        return of_schema(document, document["components"]["schemas"][name])
    if "anyOf" in schema:
        return set().union(*(of_schema(document, one) for one in schema["anyOf"]))
    if schema["type"] == "array":
        return {f"[{one}]" for one in of_schema(document, schema["items"])}
    return {schema.get("format", schema["type"])}


@pytest.mark.parametrize("model", list(SCHEMAS), ids=lambda model: model.__name__)
def test_every_field_is_there_with_its_type(document: dict[str, Any], model: type) -> None:
    schema = document["components"]["schemas"][SCHEMAS[model]]
    hints = get_type_hints(model)
    for field in fields(model):  # type: ignore[arg-type]
        told = schema["properties"].get(field.name)
        assert told is not None, f"{model.__name__}.{field.name} is not in the API"
        assert of_hint(hints[field.name]) == of_schema(document, told), field.name
        if field.default is MISSING:
            assert field.name in schema["required"], field.name


@pytest.mark.parametrize("route", routes.ALL, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_there(document: dict[str, Any], route: routes.Route) -> None:
    assert route.method.lower() in document["paths"].get(route.path, {})


@pytest.mark.parametrize("route", [routes.SUBMIT, routes.FETCH_URL], ids=lambda route: route.path)
def test_a_submission_s_fields_are_those_of_the_api(
    document: dict[str, Any], route: routes.Route
) -> None:
    body = document["paths"][route.path]["post"]["requestBody"]["content"]["application/json"]
    known = set(body["schema"]["properties"]) - {"upload_id", "url", "filename"}
    assert set(SubmitOptions.__annotations__) == known


def test_what_a_list_is_asked_by_is_in_the_api(document: dict[str, Any]) -> None:
    for route, asked in (
        (routes.JOBS, {"status", "q", "tag", "person", "limit", "cursor"}),
        (routes.SENTENCES, {"start", "end", "limit", "cursor"}),
        (routes.TRANSCRIPT, {"format"}),
    ):
        parameters = document["paths"][route.path]["get"]["parameters"]
        assert asked <= {one["name"] for one in parameters if one["in"] == "query"}
