"""Requests for minutes as the API and the pages show them."""

from __future__ import annotations

from collections.abc import Sequence

from shared.minutes.contents import Minutes, Point
from shared.minutes.cutting import transcript_digest
from shared.minutes.requests import MinutesRecord
from shared.states import MinutesStatus
from shared.transcripts.values import Sentence, Transcript
from web.api.schemas.errors import ErrorObject
from web.api.schemas.minutes import (
    MinutesContentOut,
    MinutesEventOut,
    MinutesOut,
    MinutesProgressOut,
    PointOut,
)
from web.errors import job_error_object

UNDER_WAY = frozenset({MinutesStatus.QUEUED, MinutesStatus.RUNNING})


def present_minutes(found: MinutesRecord, transcript: Transcript | None) -> MinutesOut:
    """Show a request. The times of its points, and whether it is outdated, come from `transcript`,
    which completed ones need."""
    current, sentences = found.current, transcript.sentences if transcript else ()
    outdated = None
    if current is not None and transcript is not None:
        outdated = found.transcript_digest != transcript_digest(transcript)
    return MinutesOut(
        job_id=found.job_id,
        status=found.status,
        language=found.language,
        model=found.model,
        host=found.host,
        prompt_version=found.prompt_version,
        progress=MinutesProgressOut(done=found.answers_done, planned=found.answers_planned),
        attempts=found.attempts,
        created_at=found.created_at,
        started_at=found.started_at,
        completed_at=found.completed_at,
        available_at=found.available_at,
        error=_error(found),
        outdated=outdated,
        edited=found.edited is not None,
        revision=found.revision,
        accepted_at=found.accepted_at,
        minutes=_content(current, sentences) if current is not None else None,
        events=[
            MinutesEventOut(
                at=event.at, kind=event.kind, attempt=event.attempt, detail=dict(event.detail)
            )
            for event in found.events
        ],
    )


def _error(found: MinutesRecord) -> ErrorObject | None:
    if found.error_code is None:
        return None
    shown = job_error_object(found.error_code, found.error_message or "")
    return ErrorObject.model_validate(shown)


def _content(minutes: Minutes, sentences: Sequence[Sentence]) -> MinutesContentOut:
    return MinutesContentOut.model_validate(
        {
            section: [_point(point, sentences) for point in points]
            for section, points in minutes.sections()
        }
    )


def _point(point: Point, sentences: Sequence[Sentence]) -> PointOut:
    there = [n for n in point.sentences if n < len(sentences)]
    return PointOut(
        text=point.text,
        sentences=there,
        start=min((sentences[n].start for n in there), default=None),
        owner=point.owner,
        due=point.due,
        unverified=list(point.unverified),
    )
