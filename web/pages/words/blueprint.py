"""The blueprint of the pages of words, and what their sections have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from flask import Blueprint, Response, make_response, render_template, request, url_for

from shared import accounts
from shared.errors import InvalidRequest
from web.api.schemas.replacements import ListQuery, WhichList
from web.api.words.replacements import may_write, owner_of_list
from web.authentication.owner import current_owner_id
from web.services import services

words = Blueprint("words", __name__, url_prefix="/words")


@dataclass(frozen=True, slots=True)
class ListOnPage:
    """List that a section of the page shows: one's own, everybody's, or a group's."""

    query: ListQuery

    @property
    def name(self) -> str:
        """Prefix by which the page names the list's elements."""
        return "group" if self.query.group else self.query.list.value

    @property
    def value(self) -> str:
        """Value by which a form names the list."""
        return str(self.query.group or self.query.list.value)

    @property
    def arguments(self) -> dict[str, str]:
        """Query arguments by which the API names the list."""
        return {"group": self.value} if self.query.group else {"list": self.value}

    @property
    def owner_id(self) -> str:
        """Id of the list's owner. Raises GroupNotFound."""
        return owner_of_list(self.query, writes=False)

    @property
    def writable(self) -> bool:
        """Return whether this person may change the list."""
        return may_write(self.query)

    def page_address(self, part: str, **arguments: Any) -> str:
        """The page that shows it, at the list's place in a section."""
        anchor = f"{part}-{self.name}"
        if self.query.group is not None:
            return url_for("words.of_group", group_id=self.query.group, _anchor=anchor, **arguments)
        return url_for("words.page", _anchor=anchor, **arguments)


_EVERYBODYS = ListOnPage(ListQuery(list=WhichList.EVERYBODY))

Section = Callable[[ListOnPage | None], dict[str, Any]]
"""Gives a section's template its values. The argument is the list of a group, on that one's
page."""

_sections: list[Section] = []


def section(context: Section) -> Section:
    """Register what gives a section's template its values when a page is shown."""
    _sections.append(context)
    return context


def render_page(status: int = 200, group_id: UUID | None = None, **context: Any) -> Response:
    """The page with all of its sections, or a group's; `context` counts more than theirs. Raises
    GroupNotFound."""
    db, owner_id = services().db, current_owner_id()
    of_group = None if group_id is None else ListOnPage(ListQuery(group=group_id))
    values: dict[str, Any] = {
        "group": None if group_id is None else accounts.group_of(db, owner_id, str(group_id)),
        "word_groups": [] if group_id is not None else accounts.memberships(db, owner_id),
    }
    for give in _sections:
        values |= give(of_group)
    return make_response(render_template("words/words.html", **(values | context)), status)


class ShownPart(Protocol):
    """A list as a section shows it."""

    @property
    def is_empty(self) -> bool: ...


_ShownT = TypeVar("_ShownT", bound=ShownPart)


def lists_of_page(
    of_group: ListOnPage | None, show: Callable[[ListOnPage], _ShownT]
) -> list[_ShownT]:
    """Call `show` for the lists of a page: a group's, or one's own and everybody's. Without
    accounts there is one person, whose own list is enough where the other is empty."""
    if of_group is not None:
        return [show(of_group)]
    own, everybodys = show(ListOnPage(ListQuery())), show(_EVERYBODYS)
    is_alone = not services().settings.requires_sign_in
    return [own] if is_alone and everybodys.is_empty else [own, everybodys]


def list_to_change() -> tuple[ListOnPage, str]:
    """The list that a form changes, and whose it is. Raises InvalidRequest, GroupNotFound, or
    Forbidden where this person may not."""
    given = request.form.get("list", WhichList.OWN.value)
    try:
        if given in set(WhichList):
            which = ListOnPage(ListQuery(list=WhichList(given)))
        else:
            which = ListOnPage(ListQuery(group=UUID(given)))
    except ValueError:
        raise InvalidRequest(
            "list: must be own, everybody or the id of a group.", param="list"
        ) from None
    return which, owner_of_list(which.query, writes=True)
