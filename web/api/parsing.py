"""Reads requests into typed values, with errors that name the field and what is accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, get_origin

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict

from shared.errors import InvalidRequest
from shared.strict_json import UnwritableJson, read_json

_Model = TypeVar("_Model", bound=BaseModel)
_View = TypeVar("_View", bound=Callable[..., object])

QUERY_OF_A_VIEW = "query_of_a_view"
"""The attribute that `takes_query` sets."""

MAX_JSON_BYTES = 256 * 1024
"""The limit of a JSON body, far above the longest correction of a sentence, unless a view takes
larger ones."""


def parse(model: type[_Model], given: MultiDict[str, str], *also: str) -> _Model:
    """Read `given` as `model`. `also` names fields that are accepted but read elsewhere.

    Raises InvalidRequest.
    """
    accepted = [*also, *model.model_fields]
    for name, values in given.lists():
        name = name or ""  # a part of a form may come without one
        if name not in accepted:
            raise InvalidRequest(
                f"There is no field '{name[:80]}' here. Accepted: {', '.join(accepted)}.",
                param=name[:80],
            )
        if len(values) > 1 and not _is_list(model, name):
            raise InvalidRequest(f"The field '{name}' is given twice.", param=name)
    return _validated(
        model,
        {
            name: values if len(values) > 1 else values[0]
            for name, values in given.lists()
            if name not in also
        },
    )


def _is_list(model: type[BaseModel], name: str) -> bool:
    """Return whether a field has several values, as a form that is made from the OpenAPI document
    gives them one by one."""
    return name in model.model_fields and get_origin(model.model_fields[name].annotation) is tuple


def parse_json(model: type[_Model], *, most_bytes: int = MAX_JSON_BYTES) -> _Model:
    """Read the body of this request, a JSON object, as `model`. Raises InvalidRequest."""
    return _parse_object(model, _json_object(model.model_fields, most_bytes))


def parse_any_object(*, most_bytes: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """Read the body of this request, a JSON object of any fields. Raises InvalidRequest."""
    return _json_object((), most_bytes)


def validated(model: type[_Model], values: dict[str, Any]) -> _Model:
    """Read values that were made from a request as `model`. Raises InvalidRequest."""
    return _validated(model, values)


def parse_json_of_kind(models: Mapping[str, type[_Model]]) -> _Model:
    """Read the body of this request as the model that its field `kind` names.

    Raises InvalidRequest.
    """
    given = _json_object(("revision", "kind"))
    kind = given.get("kind")
    model = models.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise InvalidRequest(f"kind: must be one of {', '.join(models)}.", param="kind")
    return _parse_object(model, given)


def _json_object(names: Iterable[str], most_bytes: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """The body of this request; `names` are the fields that the error for another body shows."""
    request.max_content_length = most_bytes
    given = None
    if request.is_json:
        try:
            given = read_json(request.get_data())
        except UnwritableJson as error:
            raise InvalidRequest(f"The body {error}.") from None
        except ValueError:
            given = None
    if not isinstance(given, dict):
        example = ", ".join(f'"{name}": …' for name in names)
        raise InvalidRequest(f"Send a JSON object as application/json: {{{example}}}.")
    return given


def _parse_object(model: type[_Model], given: dict[str, Any]) -> _Model:
    fields = model.model_fields
    for name in given:
        if name not in fields:
            raise InvalidRequest(
                f"There is no field '{name[:80]}' here. Accepted: {', '.join(fields)}.",
                param=name[:80],
            )
    return _validated(
        model,
        {
            # An object of any fields is given back as it came.
            name: value if fields[name].annotation == dict[str, Any] else _with_whole_numbers(value)
            for name, value in given.items()
        },
    )


def _with_whole_numbers(value: Any) -> Any:
    """JSON knows one kind of number: 3.0 is the 3 that the schema of a whole number allows."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_with_whole_numbers(each) for each in value]
    if isinstance(value, dict):
        return {name: _with_whole_numbers(each) for name, each in value.items()}
    return value


def _validated(model: type[_Model], values: dict[str, Any]) -> _Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        param = str(problem["loc"][0])[:80] if problem["loc"] else None
        reason = problem["msg"].removeprefix("Value error, ")
        raise InvalidRequest(
            f"{param}: {reason[:1].lower()}{reason[1:]}." if param else f"{reason}.", param=param
        ) from None


def takes_query(model: type[BaseModel]) -> Callable[[_View], _View]:
    """Note on a view which query it parses, for the OpenAPI document."""

    def note(view: _View) -> _View:
        vars(view)[QUERY_OF_A_VIEW] = model
        return view

    return note
