"""The blueprint of the page of words, and what its sections have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from shared.errors import InvalidRequest
from web.api.schemas.replacements import WhichList

words = Blueprint("words", __name__, url_prefix="/words")

Section = Callable[[], dict[str, Any]]

_sections: list[Section] = []


def section(context: Section) -> Section:
    """Register what gives a section's template its values when the page is shown."""
    _sections.append(context)
    return context


def render_page(status: int = 200, **context: Any) -> Response:
    """The page with all of its sections; `context` counts more than theirs."""
    values: dict[str, Any] = {}
    for give in _sections:
        values |= give()
    return make_response(render_template("words/words.html", **(values | context)), status)


def which_list() -> WhichList:
    """The list that a form is about. Raises InvalidRequest."""
    try:
        return WhichList(request.form.get("list", WhichList.OWN))
    except ValueError:
        raise InvalidRequest("list: must be own or everybody.", param="list") from None
