"""A job in the list: how it stands in a line of words, and where it says what was searched."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _

from shared.jobs import JobPage, Snippet
from shared.settings import Settings
from shared.states import JobStatus
from web.api.presenter import present
from web.api.schemas import JobOut
from web.pages.words import (
    done_of_total,
    done_words,
    eta_words,
    pace_words,
    place_words,
    state_words,
)
from web.quantities import clock, speed_words


@dataclass(frozen=True, slots=True)
class Row:
    """`standing` and `facts` are told after one another, with points between."""

    job: JobOut
    standing: list[str]
    """What it is doing or how it ended, and how long that will take."""
    facts: list[str]
    snippet: Snippet | None
    snippet_link: str


def rows_of(page: JobPage, settings: Settings) -> list[Row]:
    """Needs a request, for the links."""
    return [_row(present(view, settings), page.snippets.get(view.job.id)) for view in page.jobs]


def _row(job: JobOut, snippet: Snippet | None) -> Row:
    place = f"s{snippet.sentence}" if snippet else None
    return Row(
        job=job,
        standing=_standing(job),
        facts=_facts(job),
        snippet=snippet,
        snippet_link=url_for("pages.job", job_id=job.id, _anchor=place) if place else "",
    )


def _standing(job: JobOut) -> list[str]:
    said = [state_words(job), place_words(job)]
    if job.status == JobStatus.PROCESSING:
        said.append(f"{job.progress:.0%}")
    if job.eta_seconds is not None:
        waits = job.status == JobStatus.QUEUED
        said.append(done_words(job.eta_seconds) if waits else eta_words(job.eta_seconds))
    return [words for words in said if words]


def _facts(job: JobOut) -> list[str]:
    said = [done_of_total(job)]
    if job.audio_duration and not said[0]:
        said.append(_("%(length)s of audio", length=clock(job.audio_duration)))
    said.append(pace_words(job))
    if job.real_time_factor_x:
        said.append(speed_words(job.real_time_factor_x))
    return [words for words in said if words]
