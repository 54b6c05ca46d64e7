"""The rows of the job list: a job's state and facts as text, and the match of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from shared.jobs import JobPage
from shared.search.matching import terms_of
from shared.search.snippets import Snippet, marked
from shared.settings import Settings
from shared.states import JobStatus
from web.api.jobs.matches import place_on_page
from web.api.jobs.presenter import present
from web.api.schemas.jobs import JobOut
from web.pages.job.status_text import audio_texts, queue_texts, state_text


@dataclass(frozen=True, slots=True)
class Row:
    """A job with the texts of its row; `state_texts` and `facts` are joined by dots."""

    job: JobOut
    state_texts: list[str]
    """State, progress in percent, queue position and remaining time."""
    facts: list[str]
    title: tuple[tuple[str, bool], ...]
    """Title in pieces; True with what was searched for."""
    snippet: Snippet | None
    snippet_link: str
    all_link: str
    """Link to the page with all places of what was searched for."""


def rows_of(page: JobPage, settings: Settings, query: str = "") -> list[Row]:
    """Build the rows of a page that has what `query` searches. Works within a request only, because
    of the links."""
    terms = terms_of(query)
    return [
        _row(present(view, settings), page.snippets.get(view.job.id), terms) for view in page.jobs
    ]


def _row(job: JobOut, snippet: Snippet | None, terms: Sequence[str]) -> Row:
    return Row(
        job=job,
        state_texts=_state_texts(job),
        facts=audio_texts(job),
        title=marked(job.title, terms),
        snippet=snippet,
        snippet_link=place_on_page(job.id, snippet) if snippet else "",
        all_link=url_for("pages.job", job_id=job.id, find=snippet.term) if snippet else "",
    )


def _state_texts(job: JobOut) -> list[str]:
    percent = [f"{job.progress:.0%}"] if job.status == JobStatus.PROCESSING else []
    return [state_text(job), *percent, *queue_texts(job)]
