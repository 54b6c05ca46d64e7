"""The words of a query, and the condition in SQL that a job has them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Integer

from shared.models import Recording, SearchText
from shared.text_folding import fold, seen

MAX_TERMS = 8
"""Most words of a query that are used; more narrow nothing down any more."""


def terms_of(query: str | None) -> list[str]:
    """The pieces of text that a job must have, each in its name, its title, people and tags,
    or its transcript.

    >>> terms_of(" 预算  GPU ")
    ['预算', 'gpu']
    """
    return list(dict.fromkeys(fold(seen(query or "")).split()))[:MAX_TERMS]


def has_all(terms: Collection[str]) -> ColumnElement[bool]:
    """The condition on a recording joined with its job's search text, if there is one."""
    name = func.coalesce(Recording.folded_name, func.lower(Recording.filename))
    places = (name, Recording.folded_details, SearchText.folded)
    return and_(*(or_(*(_has(place, term) for place in places)) for term in terms))


def _has(text: Any, term: str) -> ColumnElement[bool]:
    return _place_of(text, term) > 0


class _place_of(FunctionElement[int]):  # noqa: N801 - reads as the SQL function it is
    """The SQL function for where in its first argument the second begins, counted from 1; 0 if
    nowhere."""

    type = Integer()
    inherit_cache = True


@compiles(_place_of, "sqlite")
def _sqlite_place(element: _place_of, compiler: Any, **kwargs: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kwargs)})"


@compiles(_place_of, "postgresql")
def _postgresql_place(element: _place_of, compiler: Any, **kwargs: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **kwargs)})"
