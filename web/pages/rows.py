"""A job in the list: how it stands in a line of words, and where it says what was searched."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from shared.jobs import JobPage
from shared.settings import Settings
from shared.states import JobStatus
from shared.transcripts.search import Snippet
from web.api.presenter import present
from web.api.schemas import JobOut
from web.pages.job_text import audio_texts, queue_texts, state_text


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
        facts=audio_texts(job),
        snippet=snippet,
        snippet_link=url_for("pages.job", job_id=job.id, _anchor=place) if place else "",
    )


def _standing(job: JobOut) -> list[str]:
    percent = [f"{job.progress:.0%}"] if job.status == JobStatus.PROCESSING else []
    return [state_text(job), *percent, *queue_texts(job)]
