"""The pages of the words that people teach an installation, a section for each kind of list."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from web.pages.words import hotwords, replacements  # noqa: F401 - sections that register themselves
from web.pages.words.blueprint import render_page, words


@words.get("")
def page() -> Response:
    return render_page()


@words.get("/groups/<uuid:group_id>")
def of_group(group_id: UUID) -> Response:
    """The lists that the members of a group share."""
    return render_page(group_id=group_id)
