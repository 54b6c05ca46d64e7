"""Base class and column types of all tables."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Integer, String
from sqlalchemy.orm import DeclarativeBase
from uuid_utils import compat as uuid_utils

from shared.db import UtcDateTime
from shared.states import JobStatus

LOCAL_OWNER = "local"
"""Owner of everything as long as nobody signs in."""

Id = String(36)
BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up INTEGER keys only


def new_id() -> str:
    """A UUIDv7: random enough not to be guessed, and in order of creation."""
    return str(uuid_utils.uuid7())


def allowed(column: str, values: type[StrEnum]) -> str:
    """The condition that a column holds one of `values`."""
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


def in_state(column: str, *states: JobStatus) -> str:
    """The condition that a column holds one of `states`, as the indexes of some states have it."""
    words = [repr(state.value) for state in sorted(states)]
    return f"{column} = {words[0]}" if len(words) == 1 else f"{column} IN ({', '.join(words)})"


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
    }
