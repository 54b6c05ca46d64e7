"""Searches that are kept under a name, as folders are: nothing has to be put into them.

A group's are kept as an owner's are, under the group's id. All of its members write them, as they
do its lists of words, and each finds by them what is theirs to see.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from shared import audit
from shared.annotations.details import one_line
from shared.audit import Act
from shared.db import Database
from shared.dialects import hold_lock
from shared.errors import InvalidRequest, PermanentError
from shared.models import LONGEST_SEARCH_NAME as LONGEST_SEARCH_NAME
from shared.models import Group, SavedSearch, keepers_for, new_id

MOST_SAVED = 100
"""Saved searches of an owner, or of a group, at most."""

_ONE_AT_A_TIME = 0x6C6F6E67_73617665
"""The key of PostgreSQL's advisory lock, used for nothing else in the database."""

_LONGEST = {"show": 16, "query": 200, "tag": 80, "person": 80}
"""Characters of a condition, as its column has them."""


class SearchNotFound(PermanentError):
    code = "search_not_found"
    http_status = 404
    default_message = "There is no such saved search. It may have been deleted."


@dataclass(frozen=True, slots=True)
class ListConditions:
    """Conditions of a list; an empty text is no condition."""

    show: str = "all"
    """The name of a filter by states."""
    query: str = ""
    tag: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved search."""

    id: str
    name: str
    conditions: ListConditions
    group_id: str | None = None
    """The group whose it is; None: the owner's own."""
    group: str | None = None
    """Name of the group that the search was given to; None: the owner's own."""


def saved_searches(db: Database, *, owner_id: str, with_groups: bool = False) -> list[Saved]:
    """An owner's saved searches, or a group's, by name; `with_groups`: after an owner's those of
    the groups that they are in, by the groups' names."""
    keeper = SavedSearch.owner_id
    of_whom = keeper.in_(keepers_for(owner_id)) if with_groups else keeper == owner_id
    wanted = select(SavedSearch, Group.name).outerjoin(Group, Group.id == keeper).where(of_whom)
    with db.reading() as session:
        found = [_saved(row, group) for row, group in session.execute(wanted)]

    def place(one: Saved) -> tuple[str, str, str, str]:
        return (one.group or "").casefold(), one.group_id or "", one.name.casefold(), one.id

    return sorted(found, key=place)


def save_search(db: Database, *, owner_id: str, name: str, conditions: ListConditions) -> Saved:
    """Keep a search. Raises InvalidRequest for a name that cannot be taken, or one too many, and
    GroupNotFound as `audit.hold_group` does."""
    values = {key: _short(key, text) for key, text in asdict(conditions).items()}
    row = SavedSearch(id=new_id(), owner_id=owner_id, name=_name(name), **values)
    with db.writing() as session:
        group = audit.hold_group(session, owner_id)
        _require_room(session, owner_id)
        session.add(row)
        session.flush()
        audit.record_of_group(session, Act.GROUP_SEARCH_ADDED, owner_id, group)
        return _saved(row, group)


def give_search(db: Database, *, owner_id: str, search_id: str, group_id: str) -> None:
    """Give a saved search to a group, whose it is from then on. Raises SearchNotFound, or
    InvalidRequest where the group has MOST_SAVED."""
    _move(db, search_id, owner_id, group_id, to_group=True)


def take_search(db: Database, *, group_id: str, search_id: str, owner_id: str) -> None:
    """Take a saved search out of a group: it is the owner's alone from then on. Raises
    SearchNotFound, or InvalidRequest where the owner has MOST_SAVED."""
    _move(db, search_id, group_id, owner_id, to_group=False)


def _move(db: Database, search_id: str, keeper: str, to: str, *, to_group: bool) -> None:
    moving = (
        update(SavedSearch)
        .where(SavedSearch.id == search_id, SavedSearch.owner_id == keeper)
        .values(owner_id=to)
        .returning(SavedSearch.id)
        .execution_options(synchronize_session=False)
    )
    if to == keeper:
        return
    with db.writing() as session:
        # In one order, so that two who give to and fro wait for one another and not in a circle.
        held = {one: audit.hold_group(session, one) for one in sorted((keeper, to))}
        if to_group and held[to] is None:  # deleted at this moment
            raise SearchNotFound
        _require_room(session, to)
        if session.scalar(moving) is None:
            raise SearchNotFound
        audit.record_of_group(session, Act.GROUP_SEARCH_REMOVED, keeper, held[keeper])
        audit.record_of_group(session, Act.GROUP_SEARCH_ADDED, to, held[to])


def rename_search(db: Database, *, owner_id: str, search_id: str, name: str) -> None:
    """Give a saved search another name. Raises SearchNotFound, or InvalidRequest."""
    renaming = (
        update(SavedSearch)
        .where(SavedSearch.id == search_id, SavedSearch.owner_id == owner_id)
        .values(name=_name(name))
        .returning(SavedSearch.id)
        .execution_options(synchronize_session=False)
    )
    with db.writing() as session:
        group = audit.hold_group(session, owner_id)
        if session.scalar(renaming) is None:
            raise SearchNotFound
        audit.record_of_group(session, Act.GROUP_SEARCH_RENAMED, owner_id, group)


def delete_search(db: Database, *, owner_id: str, search_id: str) -> None:
    """Forget a saved search; its jobs are left as they are. Raises SearchNotFound."""
    deleting = (
        delete(SavedSearch)
        .where(SavedSearch.id == search_id, SavedSearch.owner_id == owner_id)
        .returning(SavedSearch.id)
        .execution_options(synchronize_session=False)
    )
    with db.writing() as session:
        group = audit.hold_group(session, owner_id)
        if session.scalar(deleting) is None:
            raise SearchNotFound
        audit.record_of_group(session, Act.GROUP_SEARCH_REMOVED, owner_id, group)


def end_searches(session: Session, group_id: str) -> None:
    """Delete the searches of a group that is deleted."""
    session.execute(
        delete(SavedSearch)
        .where(SavedSearch.owner_id == group_id)
        .execution_options(synchronize_session=False)
    )


def _require_room(session: Session, owner_id: str) -> None:
    """Check that another search may be kept. Raises InvalidRequest where MOST_SAVED are kept."""
    hold_lock(session, _ONE_AT_A_TIME)  # two at once would count the same
    count = session.scalar(
        select(func.count()).select_from(SavedSearch).where(SavedSearch.owner_id == owner_id)
    )
    if (count or 0) >= MOST_SAVED:
        raise InvalidRequest(
            f"name: at most {MOST_SAVED} searches are kept. Delete one first.", param="name"
        )


def _short(name: str, value: str) -> str:
    """A condition on one line. Raises InvalidRequest, also for one that is too long as it is kept,
    in which a few characters become two."""
    param, longest = "q" if name == "query" else name, _LONGEST[name]
    text = one_line(param, value)
    if len(text) > longest:
        raise InvalidRequest(
            f"{param}: at most {longest} characters, and this has {len(text)}.", param=param
        )
    return text


def _name(name: str) -> str:
    text = one_line("name", name)
    if not 1 <= len(text) <= LONGEST_SEARCH_NAME:
        raise InvalidRequest(f"name: from 1 to {LONGEST_SEARCH_NAME} characters.", param="name")
    return text


def _saved(row: SavedSearch, group: str | None) -> Saved:
    return Saved(
        row.id,
        row.name,
        ListConditions(row.show, row.query, row.tag, row.person),
        None if group is None else row.owner_id,
        group,
    )
