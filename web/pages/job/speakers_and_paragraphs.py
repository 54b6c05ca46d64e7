"""Speakers shown beside the text of a finished transcript."""

from __future__ import annotations

from shared import jobs
from shared.export import paragraphs
from shared.speakers.names import OPTION
from shared.speakers.transcript_speakers import Speakers, read_speakers
from web.services import services

PARAGRAPH_RULE = {
    "topic_pause_s": paragraphs.TOPIC_PAUSE_S,
    "pause_s": paragraphs.PAUSE_S,
    "min_cells": paragraphs.MIN_CELLS,
    "max_cells": paragraphs.MAX_CELLS,
}
"""Rule for the ends of a page's paragraphs, that of exported files. In seconds and in cells of
text."""


def speakers_of(job: jobs.JobRecord, versions: jobs.Versions) -> Speakers | None:
    """Speakers of a job's transcript; None where they were not asked for and nobody was named."""
    transcript, recognised = versions.current, versions.recognised
    if OPTION not in job.options and not any(s.speaker for s in transcript.sentences):
        return None
    return read_speakers(services().db, job_id=job.id, transcript=transcript, recognised=recognised)
