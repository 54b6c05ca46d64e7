"""Searches that are kept under a name, as folders are: nothing has to be put into them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import delete, func, select, update

from shared.annotations.details import one_line
from shared.db import Database
from shared.dialects import hold_lock
from shared.errors import InvalidRequest, PermanentError
from shared.models import LONGEST_SEARCH_NAME as LONGEST_SEARCH_NAME
from shared.models import SavedSearch, new_id

MOST_SAVED = 100
"""Saved searches of an owner at most."""

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


def saved_searches(db: Database, *, owner_id: str) -> list[Saved]:
    """An owner's saved searches, by name."""
    with db.reading() as session:
        rows = session.scalars(select(SavedSearch).where(SavedSearch.owner_id == owner_id)).all()
    found = [_saved(row) for row in rows]
    return sorted(found, key=lambda one: (one.name.casefold(), one.id))


def save_search(db: Database, *, owner_id: str, name: str, conditions: ListConditions) -> Saved:
    """Keep a search. Raises InvalidRequest for a name that cannot be taken, or one too many."""
    values = {key: _short(key, text) for key, text in asdict(conditions).items()}
    row = SavedSearch(id=new_id(), owner_id=owner_id, name=_name(name), **values)
    with db.writing() as session:
        hold_lock(session, _ONE_AT_A_TIME)  # two at once would count the same
        count = session.scalar(
            select(func.count()).select_from(SavedSearch).where(SavedSearch.owner_id == owner_id)
        )
        if (count or 0) >= MOST_SAVED:
            raise InvalidRequest(
                f"name: at most {MOST_SAVED} searches are kept. Delete one first.", param="name"
            )
        session.add(row)
        session.flush()
        return _saved(row)


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
        if session.scalar(renaming) is None:
            raise SearchNotFound


def delete_search(db: Database, *, owner_id: str, search_id: str) -> None:
    """Forget a saved search; its jobs are left as they are. Raises SearchNotFound."""
    deleting = (
        delete(SavedSearch)
        .where(SavedSearch.id == search_id, SavedSearch.owner_id == owner_id)
        .returning(SavedSearch.id)
        .execution_options(synchronize_session=False)
    )
    with db.writing() as session:
        if session.scalar(deleting) is None:
            raise SearchNotFound


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


def _saved(row: SavedSearch) -> Saved:
    return Saved(row.id, row.name, ListConditions(row.show, row.query, row.tag, row.person))
