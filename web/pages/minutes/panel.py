"""Values of the minutes panel on a job's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from shared.minutes import requests
from shared.minutes.contents import SECTIONS
from shared.minutes.errors import MinutesNotFound
from shared.minutes.prompts import LANGUAGES
from shared.states import EventKind, MinutesStatus
from shared.transcripts.values import Sentence, Transcript
from web.api.minutes.presenter import UNDER_WAY, present_minutes
from web.api.schemas.minutes import MinutesEventOut, MinutesOut, PointOut
from web.authentication.job_access import owner_of
from web.errors import localised_message
from web.i18n.languages import LANGUAGES as LANGUAGE_NAMES
from web.i18n.languages import N_, current_language
from web.services import services

_TITLES = {
    "summary": N_("Summary"),
    "decisions": N_("Decisions"),
    "todos": N_("To do"),
    "chapters": N_("Chapters"),
}

_EVENTS = {
    EventKind.SUBMITTED: N_("Asked for."),
    EventKind.CLAIMED: N_("Begun."),
    EventKind.LOST: N_("The process that was at it ended without a word; another takes it up."),
    EventKind.RELEASED: N_("Given back, for the process was told to stop."),
    EventKind.CANCELLED: N_("Cancelled."),
    EventKind.RETRIED: N_("Asked for again."),
    EventKind.COMPLETED: N_("Written."),
}


@dataclass(frozen=True, slots=True)
class Source:
    """A sentence that a point rests on."""

    n: int
    start: float


@dataclass(frozen=True, slots=True)
class ShownPoint:
    """A point with its sources."""

    point: PointOut
    sources: list[Source]


@dataclass(frozen=True, slots=True)
class Section:
    """A kind of points. Of chapters, each begins with the time of its one sentence."""

    name: str
    title: str
    points: list[ShownPoint]


@dataclass(frozen=True, slots=True)
class MinutesPanel:
    """Values that the panel shows. Without `found` nobody asked yet."""

    job_id: str
    host: str
    """Host that a transcript goes to when somebody asks for minutes; empty: no model is set up."""
    model: str
    languages: list[tuple[str, str]]
    chosen_language: str
    found: MinutesOut | None = None
    sections: tuple[Section, ...] = ()
    events: tuple[tuple[datetime, str], ...] = ()

    @property
    def under_way(self) -> bool:
        return self.found is not None and self.found.status in UNDER_WAY

    @property
    def share(self) -> float:
        """Part of the writing that is done, from 0 to 1."""
        progress = self.found.progress if self.found else None
        return progress.done / progress.planned if progress and progress.planned else 0.0


def minutes_panel(job_id: str, transcript: Transcript | None) -> MinutesPanel | None:
    """The panel of a completed job; None where there are no minutes and none can be asked for."""
    settings = services().settings
    panel = MinutesPanel(
        job_id=job_id,
        host=settings.minutes_host,
        model=settings.minutes_model,
        languages=[(code, LANGUAGE_NAMES[code]) for code in LANGUAGES],
        chosen_language=current_language(),
    )
    try:
        record = requests.get(services().db, owner_id=owner_of(job_id), job_id=job_id)
    except MinutesNotFound:
        has_text = transcript is not None and any(s.text for s in transcript.sentences)
        return panel if settings.writes_minutes and has_text else None
    is_completed = record.status is MinutesStatus.COMPLETED
    found = present_minutes(record, transcript if is_completed else None)
    return MinutesPanel(
        job_id=job_id,
        host=panel.host,
        model=panel.model,
        languages=panel.languages,
        chosen_language=record.language,
        found=found,
        sections=_sections(found, transcript.sentences if transcript else ()),
        events=tuple((event.at, _event_text(event)) for event in found.events),
    )


def _sections(found: MinutesOut, sentences: Sequence[Sentence]) -> tuple[Section, ...]:
    if found.minutes is None:
        return ()
    return tuple(
        Section(
            name,
            _(_TITLES[name]),
            [
                ShownPoint(point, [Source(n, sentences[n].start) for n in point.sentences])
                for point in getattr(found.minutes, name)
            ],
        )
        for name in SECTIONS
    )


def _event_text(event: MinutesEventOut) -> str:
    code, message = str(event.detail.get("code", "")), str(event.detail.get("message", ""))
    said = localised_message(code, message)
    if event.kind is EventKind.RETRYING:
        seconds = round(float(event.detail.get("delay_s", 0)))
        return _("%(error)s Tried again after %(seconds)s s.", error=said, seconds=seconds)
    return _(_EVENTS[event.kind]) if event.kind in _EVENTS else said
