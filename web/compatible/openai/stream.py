"""`stream=true`: the text as batches are committed, as server-sent events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import structlog
from flask import Response, current_app
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.accounts.errors import Unauthorized
from shared.errors import DatabaseUnavailable, JobNotFound
from shared.states import JobStatus
from web.authentication.owner import current_owner_id
from web.authentication.sign_in import still_admitted
from web.compatible.openai.answers import error_of, job_address, speaker_segments, transcript_of
from web.compatible.openai.fields import TranscriptionFields
from web.error_shapes import error_object
from web.services import Services, services
from web.waiting.server_sent import NOTHING, SIGN_OF_LIFE_S, event, event_stream
from web.waiting.wait_for_changes import Wait

log = structlog.stdlib.get_logger(__name__)


def streamed(wait: Wait, asked: TranscriptionFields) -> Response:
    """Answer with the events of a job. They end with the job, or with the client's leave."""
    stream = _Stream(services(), wait, current_owner_id(), job_address(wait.job_id), asked)
    # Its context is gone when most of it is made; the transcript is read in one of its own.
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    answer = event_stream(stream.events(app), wait)
    answer.headers["Content-Location"] = stream.address
    return answer


class _Stream:
    def __init__(
        self, here: Services, wait: Wait, owner_id: str, address: str, asked: TranscriptionFields
    ) -> None:
        self._here = here
        self._wait = wait
        self._owner_id = owner_id
        self.address = address
        self._asked = asked
        self._heard = jobs.Heard()
        self._has_text = False
        self._is_admitted = still_admitted()

    def events(self, app: Any) -> Iterator[bytes]:
        while True:
            yield from self._wait.until_change(SIGN_OF_LIFE_S)
            over = self._wait.is_over
            try:
                if not self._is_admitted():
                    out = Unauthorized()
                    yield _error(error_object(out.message, status=401, code=out.code))
                    return
                delta = self._delta()
                if over or self._wait.is_stopping:
                    with app.app_context():
                        last = list(self._last(delta))
                    yield from last
                    return
            except JobNotFound as gone:
                yield _error(error_object(gone.message, status=404, code=gone.code))
                return
            except SQLAlchemyError as error:
                log.warning("a stream cannot go on", error=str(error))
                if over:
                    away = DatabaseUnavailable()
                    yield _error(error_object(away.message, status=503, code=away.code))
                    return
                delta = ""
            yield _delta_event(delta) if delta else NOTHING

    def _delta(self) -> str:
        """Text recognised since the last delta, each piece once and in order."""
        pieces, self._heard = jobs.next_text(
            self._here.db, owner_id=self._owner_id, job_id=self._wait.job_id, after=self._heard
        )
        text = " ".join(piece.text for piece in pieces)
        if text and self._has_text:
            text = f" {text}"
        self._has_text = self._has_text or bool(text)
        return text

    def _last(self, delta: str) -> Iterator[bytes]:
        job_id = self._wait.job_id
        job = jobs.get_job(self._here.db, owner_id=self._owner_id, job_id=job_id).job
        if delta:
            yield _delta_event(delta)
        if job.status != JobStatus.COMPLETED:
            stopping = self._wait.is_stopping
            yield _error(error_of(job, address=self.address, is_stopping=stopping))
            return
        transcript = transcript_of(job_id, self._owner_id)
        if self._asked.response_format == "diarized_json":
            for segment in speaker_segments(transcript):
                yield event(segment)
        yield event({"type": "transcript.text.done", "text": transcript.text})


def _delta_event(text: str) -> bytes:
    return event({"type": "transcript.text.delta", "delta": text})


def _error(error: dict[str, str | None]) -> bytes:
    return event({"error": error})
