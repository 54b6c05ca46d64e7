"""Places in the transcripts of a list's jobs where the words of a search are found."""

from __future__ import annotations

from flask import url_for

from shared.jobs import JobPage
from shared.search.snippets import Snippet
from web.api.schemas.jobs import MatchOut


def matches_of(page: JobPage) -> list[MatchOut]:
    """The matches on a page, in the order of its jobs. Works within a request only, because of the
    links."""
    found = [(view.job.id, page.snippets.get(view.job.id)) for view in page.jobs]
    return [
        MatchOut(
            job_id=job_id,
            sentence=snippet.sentence,
            text="".join(text for text, _ in snippet.pieces),
            count=snippet.count,
            page=place_on_page(job_id, snippet),
        )
        for job_id, snippet in found
        if snippet is not None
    ]


def place_on_page(job_id: str, snippet: Snippet) -> str:
    """The address of a match on its job's page, which marks all places of it."""
    return url_for("pages.job", job_id=job_id, find=snippet.term, _anchor=f"s{snippet.sentence}")
