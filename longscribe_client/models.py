"""Answers of the API as values. Times are aware, in UTC; durations are seconds.

Fields that a newer server adds are left out, and values that it adds to a state are kept as they
are.  A test compares each with its schema in the OpenAPI document, which `SCHEMAS` names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as datetime_date
from datetime import datetime
from typing import Any

TERMINAL = frozenset({"completed", "failed", "cancelled"})
"""The states of a job or a fetch in which nothing happens to it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Error that ended something: `message` for people, `code` for programs."""

    message: str
    type: str
    param: str | None
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOfJob:
    name: str
    wanted: str | None = None
    demo: bool
    device: str | None
    dtype: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLinks:
    """Addresses below the server's."""

    page: str
    audio: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A recording that is, or waits to be, transcribed."""

    id: str
    status: str
    """queued, processing, completed, failed, cancelling or cancelled."""
    stage: str | None
    progress: float
    queue_position: int | None
    waits_for: str | None = None
    eta_seconds: float | None
    workers_alive: int | None
    audio_duration: float | None
    filename: str
    title: str
    date: datetime_date
    people: list[str]
    tags: list[str]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    kept_days: int | None = None
    attempts: int
    real_time_factor_x: float | None
    error: Problem | None
    warnings: list[str]
    confidence: float | None
    metadata: dict[str, Any]
    priority: int
    speakers: str
    replacements: str
    hotword_lists: bool
    numbers: str
    model: ModelOfJob
    links: JobLinks

    @property
    def is_finished(self) -> bool:
        return self.status in TERMINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Place in a transcript where the words of a search are said."""

    job_id: str
    sentence: int
    text: str
    count: int
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """Page of jobs, the newest first; it may be empty without being the last one."""

    jobs: list[Job]
    next_cursor: str | None
    workers_alive: int
    matches: list[Match] | None = None
    searched_to: datetime | None = None
    """Set where the page ended before it was full: older jobs were not looked at yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A job that has what was searched for; without a match it is in its name or labels."""

    job: Job
    match: Match | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A job that something happened to; without one the list is to be read anew."""

    job: Job | None
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """A recording that the server fetches from an address; its job will have the same id."""

    id: str
    url: str
    filename: str
    status: str
    """waiting, fetching, submitted, failed or cancelled."""
    received_bytes: int
    size_bytes: int | None
    progress: float | None
    created_at: datetime
    ended_at: datetime | None
    error: Problem | None

    @property
    def is_finished(self) -> bool:
        return self.status in TERMINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    n: int
    start: float
    end: float
    text: str
    speaker: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentencePage:
    """Part of a transcript's sentences, in order."""

    job_id: str
    duration: float
    language: str
    speakers: list[str]
    sentences: list[Sentence]
    next_cursor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTemplate:
    """A template of reports that is kept under a name."""

    name: str
    kind: str
    """docx or md."""
    size_bytes: int
    at: datetime
    address: str
    group: str | None = None
    """The id of the group whose it is; None: yours."""
    group_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTemplateList:
    templates: list[ReportTemplate]
    most: int


SCHEMAS: dict[type, str] = {
    Problem: "ErrorObject",
    ModelOfJob: "ModelOut",
    JobLinks: "JobLinks",
    Job: "JobOut",
    Match: "MatchOut",
    JobPage: "JobListOut",
    Fetch: "FetchOut",
    Sentence: "SaidOut",
    SentencePage: "SentencesOut",
    ReportTemplate: "NamedTemplateOut",
    ReportTemplateList: "NamedTemplateListOut",
}
"""The schema that each is an answer of."""
