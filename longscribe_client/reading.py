"""Reads JSON into the dataclasses of `models`, by the types of their fields."""

from __future__ import annotations

import types
from collections.abc import Hashable
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from longscribe_client.errors import UnexpectedAnswer

T = TypeVar("T")


def read(kind: type[T], value: object) -> T:
    """`value` as `kind`, which is a dataclass. Raises UnexpectedAnswer."""
    try:
        return _object(kind, value)
    except (TypeError, ValueError) as error:
        raise UnexpectedAnswer(
            f"The server's answer is no {kind.__name__}: {error}. Is it of another version?"
        ) from None


def _object(kind: type[T], value: object) -> T:
    if not isinstance(value, dict):
        raise ValueError("no object")
    given = {}
    for name, hint, is_needed in _fields(cast(Hashable, kind)):
        if name in value:
            given[name] = _read(hint, value[name], name)
        elif is_needed:
            raise ValueError(f"'{name}' is missing")
    return kind(**given)


@cache
def _fields(kind: Any) -> list[tuple[str, Any, bool]]:
    hints = get_type_hints(kind)
    return [(one.name, hints[one.name], one.default is MISSING) for one in fields(kind)]


def _read(hint: Any, value: object, name: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in get_args(hint):
            return None
        [hint] = [one for one in get_args(hint) if one is not type(None)]
        return _read(hint, value, name)
    if origin is list and isinstance(value, list):
        [of] = get_args(hint)
        return [_read(of, one, name) for one in value]
    if origin is dict and isinstance(value, dict):
        return value
    if is_dataclass(hint) and isinstance(hint, type):
        return _object(hint, value)
    if hint in (datetime, date) and isinstance(value, str):
        return hint.fromisoformat(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in (str, int, float, bool) and type(value) is hint:
        return value
    raise ValueError(f"'{name}' is of another type")
