"""The routes of the API that the client asks, which a test finds in its OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str

    def at(self, **values: object) -> Self:
        """The route with the variables of its path filled in."""
        filled = {name: quote(str(value), safe="") for name, value in values.items()}
        return replace(self, path=self.path.format_map(filled))


SUBMIT = Route("POST", "/api/v1/jobs")
JOBS = Route("GET", "/api/v1/jobs")
LIST_EVENTS = Route("GET", "/api/v1/jobs/events")
JOB = Route("GET", "/api/v1/jobs/{job_id}")
DELETE_JOB = Route("DELETE", "/api/v1/jobs/{job_id}")
CANCEL_JOB = Route("POST", "/api/v1/jobs/{job_id}/cancel")
RETRY_JOB = Route("POST", "/api/v1/jobs/{job_id}/retry")
TRANSCRIBE_AGAIN = Route("POST", "/api/v1/jobs/{job_id}/again")
JOB_EVENTS = Route("GET", "/api/v1/jobs/{job_id}/events")
TRANSCRIPT = Route("GET", "/api/v1/jobs/{job_id}/transcript")
SENTENCES = Route("GET", "/api/v1/jobs/{job_id}/sentences")
SENTENCE = Route("GET", "/api/v1/jobs/{job_id}/sentences/{n}")
MINUTES = Route("GET", "/api/v1/jobs/{job_id}/minutes")
REPORT = Route("GET", "/api/v1/jobs/{job_id}/report")
REPORT_TEMPLATES = Route("GET", "/api/v1/report-templates")
KEEP_REPORT_TEMPLATE = Route("PUT", "/api/v1/report-templates/{template_name}")

FETCH_URL = Route("POST", "/api/v1/fetches")
FETCH = Route("GET", "/api/v1/fetches/{fetch_id}")
CANCEL_FETCH = Route("POST", "/api/v1/fetches/{fetch_id}/cancel")

CREATE_UPLOAD = Route("POST", "/api/v1/uploads")
UPLOAD_OFFSET = Route("HEAD", "/api/v1/uploads/{upload_id}")
APPEND_TO_UPLOAD = Route("PATCH", "/api/v1/uploads/{upload_id}")

ALL = [value for value in globals().values() if isinstance(value, Route)]
