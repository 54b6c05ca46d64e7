"""A job's history as its page shows it: what happened to it, and what people changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _

from shared.annotations.edits import AnnotationEditKind, Edit
from shared.annotations.marks import MarkKind
from shared.sharing import SharingRecord
from shared.states import EventKind
from web.api.schemas.jobs import HistoryOut
from web.i18n.dates import day_text
from web.i18n.languages import N_
from web.i18n.quantities import clock
from web.pages.job.history_text import css_class
from web.pages.job.marks import mark_kind_text
from web.pages.job.sharing_text import change_text


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A line of the history."""

    key: str
    at: datetime
    message: str
    css_class: str = ""
    note: str = ""
    edit: int | None = None
    """The number of the change that can be undone here."""


def timeline(
    history: HistoryOut,
    edits: Sequence[Edit],
    sharing: Sequence[SharingRecord] = (),
    names: Mapping[str, str] | None = None,
) -> list[TimelineEntry]:
    """Lines of a job's history, oldest first. `names`: of those who may be told, by their ids; each
    of their changes says whose it is."""
    events = [
        TimelineEntry(
            key=f"event-{n}",
            at=event.at,
            message=event.message,
            css_class=css_class(event.kind),
            note=_("Attempt %(number)s, %(worker)s", number=event.attempt, worker=event.worker)
            if event.kind is EventKind.CLAIMED
            else "",
        )
        for n, event in enumerate(history.events, 1)
    ]
    changes = [
        TimelineEntry(
            key=f"edit-{edit.number}",
            at=edit.at,
            message=_text(edit),
            note=(names or {}).get(edit.editor_id, ""),
            edit=edit.number,
        )
        for edit in edits
    ]
    changes += [
        TimelineEntry(key=f"sharing-{n}", at=change.at, message=change_text(change))
        for n, change in enumerate(sharing, 1)
    ]
    return sorted([*events, *changes], key=lambda one: one.at)


def _text(edit: Edit) -> str:
    said = _TEXTS[edit.kind](edit.before, edit.after)
    return _("Undone: %(what)s", what=said) if edit.undoes is not None else said


_FIELDS = {
    "title": N_("Title"),
    "date": N_("Date"),
    "people": N_("Who took part"),
    "tags": N_("Tags"),
}


def _details(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    texts = [
        _(
            "%(field)s: %(after)s (before: %(before)s)",
            field=_(label),
            after=_value(name, after.get(name)),
            before=_value(name, before.get(name)),
        )
        for name, label in _FIELDS.items()
        if name in after
    ]
    return _("; ").join(texts)


def _value(name: str, value: Any) -> str:
    if isinstance(value, list):
        value = _(", ").join(str(each) for each in value)
    if name == "date" and value:
        with suppress(ValueError):
            return day_text(date.fromisoformat(str(value)))
    return str(value) if value else _("none")


def _marks(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    was = {mark["id"]: mark for mark in before.get("marks", ())}
    is_now = {mark["id"]: mark for mark in after.get("marks", ())}
    texts = [_("%(mark)s added", mark=_mark(is_now[one])) for one in is_now if one not in was]
    texts += [_("%(mark)s deleted", mark=_mark(was[one])) for one in was if one not in is_now]
    texts += [
        _("%(mark)s (before: %(before)s)", mark=_mark(is_now[one]), before=_mark(was[one]))
        for one in is_now
        if one in was
    ]
    shown = _("; ").join(texts[:_MOST_TOLD])
    if len(texts) > _MOST_TOLD:
        shown += _(" and %(count)s more", count=len(texts) - _MOST_TOLD)
    return shown


def _mark(mark: Mapping[str, Any]) -> str:
    kind = mark_kind_text(MarkKind(mark["kind"]))
    return _(
        "%(kind)s “%(text)s” at %(time)s", kind=kind, text=mark["text"], time=clock(mark["at"])
    )


_MOST_TOLD = 5

_TEXTS: dict[AnnotationEditKind, Callable[[Mapping[str, Any], Mapping[str, Any]], str]] = {
    AnnotationEditKind.DETAILS: _details,
    AnnotationEditKind.MARKS: _marks,
}
