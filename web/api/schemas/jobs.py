"""Requests and answers of the API of jobs and their list."""

from __future__ import annotations

from datetime import date as datetime_date
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.annotations.labels import LONGEST_LABEL
from shared.search.cursors import JOB_CURSOR
from shared.states import BatchLimit, EventKind, JobStatus, Stage, WaitReason
from shared.words.numbers.choice import Numbers
from web.api.schemas.errors import ErrorObject
from web.api.schemas.playback import AudioOut
from web.api.schemas.recording import RecordingOut
from web.api.schemas.submission import SoundChoiceField

MAX_PAGE = 200


class JobListQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: JobStatus | None = Field(None, description="Only jobs in this state.")
    q: str | None = Field(
        None,
        max_length=200,
        description="Only jobs that have each of these words, or pieces of Chinese text, in their "
        "name, their title, people and tags, or in their transcript. Capitals do not count.",
    )
    tag: str | None = Field(None, max_length=LONGEST_LABEL, description="Only jobs with this tag.")
    person: str | None = Field(
        None, max_length=LONGEST_LABEL, description="Only jobs with this person."
    )
    limit: int = Field(50, ge=1, le=MAX_PAGE, description="Jobs on a page.")
    cursor: str | None = Field(
        None,
        pattern=f"^({JOB_CURSOR})$",
        description="`next_cursor` of the page before, which asked for the same.",
    )


class TextQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    plan: str = Field("", max_length=64, description="`plan` of the answer before.")
    from_batch: int = Field(0, ge=0, le=2**31 - 1, description="`next_batch` of the answer before.")


class SegmentTextOut(BaseModel):
    start: float
    end: float
    text: str


class TextOut(BaseModel):
    """Text recognised so far, without punctuation. Times are seconds of the recording."""

    job_id: str
    plan: str = Field(
        description="Another one than in the answer before: drop what that told, this is all."
    )
    next_batch: int = Field(description="Ask on from here; its last segments are told again.")
    segments: list[SegmentTextOut] = Field(description="In order of time; those that are new.")


class BatchOut(BaseModel):
    """Choice of the batch size and its results so far: a job's own line of the table that
    `longscribe bench` prints.

    The size and its reason are the latest attempt's. All the rest is over every attempt whose
    segments count, and as of the last batch that was committed. Null: not counted, since it ran
    under a version that did not.
    """

    batch_size_s: float = Field(
        description="Most padded seconds of audio in one forward pass, the longest segment times "
        "the number of segments. A pass that computes nothing for padding, as Paraformer's in "
        "torch on a CPU, holds no more than 100 s of speech in them."
    )
    limited_by: BatchLimit | None = Field(
        description="What kept it from being larger: the recording's `length`, the free `memory`, "
        "the `setting` LONGSCRIBE_BATCH_SIZE_S, `device`: it would gain little by more, or "
        "`learned`: a larger batch ran out of memory."
    )
    reason: str | None = Field(description="The same for a person, with the numbers.")
    length_ceiling_s: float | None = Field(
        description="What the recording's length, the device or a setting allowed, padded seconds."
    )
    memory_cap_s: float | None = Field(description="What the free memory allowed, likewise.")
    headroom_bytes: int | None = Field(description="The free memory of that moment.")
    batches: int = Field(description="Committed forward passes.")
    speech_s: float | None = Field(description="Seconds of speech that were recognised.")
    padded_s: float | None = Field(
        description="Seconds that all batches computed on: the longest segment times the number "
        "of segments, or those of speech where nothing is computed for padding."
    )
    padding: float | None = Field(description="Padded over spoken seconds; 1 is no waste.")
    largest_batch_s: float | None = Field(description="The same of the largest batch.")
    recognition_s: float | None = Field(description="Wall seconds in the network.")
    cpu_s: float | None = Field(
        description="Processor seconds of the worker's process; decoding is another process."
    )
    predicted_peak_bytes: int | None = Field(description="For a full batch, with the model.")
    peak_bytes: int | None = Field(description="Measured, with the model.")
    oom_retries: int = Field(description="Batches that ran out of memory and were halved.")


class ModelOut(BaseModel):
    name: str = Field(description="That of the latest attempt, or what is likely to be.")
    wanted: str | None = Field(
        None, description="The one that the job names, as it was submitted; null: any worker's."
    )
    demo: bool = Field(description="The bundled demonstration, not a model for real recordings.")
    notice: str | None = Field(description="What to know about the demonstration model.")
    device: str | None = Field(description="Where it ran, cpu or cuda:0 for instance.")
    dtype: str | None = Field(description="In which arithmetic, float32 for instance.")


class TranscriptLinks(BaseModel):
    txt: str
    json_: str = Field(alias="json")
    srt: str
    vtt: str
    docx: str
    md: str
    chapters: str


class JobLinks(BaseModel):
    self_: str = Field(alias="self")
    transcript: TranscriptLinks
    cancel: str
    retry: str
    again: str
    history: str
    audio: str
    peaks: str
    words: str
    speakers: str
    hotwords: str
    page: str


class JobOut(BaseModel):
    """A job. Times are ISO 8601 in UTC, durations seconds."""

    # The field `model` is the API's word, and pydantic keeps names that begin with model_.
    model_config = ConfigDict(protected_namespaces=())

    id: str
    recording_id: str = Field(
        description="The same for all jobs of one recording: another is made by "
        "`POST /api/v1/jobs/{job_id}/again`."
    )
    status: JobStatus
    stage: Stage | None = Field(description="What a processing job is doing.")
    progress: float = Field(ge=0, le=1, description="Never falls.")
    queue_position: int | None = Field(
        description="1 for the next, owners taking turns; null unless queued, and while no worker "
        "runs the model that the job names."
    )
    waits_for: WaitReason | None = Field(
        None,
        description="Why no worker will take a queued job: `no_worker` lives, or "
        "`no_worker_of_model`: none of those that live runs the model that it names. Null where "
        "one will, and unless queued.",
    )
    eta_seconds: float | None = Field(
        description="Until a waiting or running job is done, as far as earlier jobs tell; null "
        "before the first was completed, and for a waiting one while no worker lives."
    )
    workers_alive: int | None = Field(
        description="Workers that reported themselves lately, busy or not. 0: nothing moves until "
        "one starts. Null once the job is at its end."
    )
    audio_duration: float | None
    filename: str = Field(description="That of the file as it was submitted; it never changes.")
    title: str = Field(description="What a person called it, else its file's name, less suffix.")
    date: datetime_date = Field(
        description="When it was recorded, as a person said, else when it was submitted by the "
        "server's calendar."
    )
    people: list[str] = Field(description="Who took part, as a person said.")
    tags: list[str]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    kept_days: int | None = Field(
        None,
        description="It is deleted so many days after `completed_at`, by a rule of a group that "
        "its owner was in when it was submitted. Null: no group has one, or "
        "LONGSCRIBE_RETENTION_DAYS are fewer.",
    )
    attempts: int
    batch: BatchOut | None
    real_time_factor_x: float | None = Field(description="Audio seconds a wall second.")
    error: ErrorObject | None
    warnings: list[str] = Field(
        description="Codes. Those of the file are told at length in `recording`."
    )
    confidence: float | None = Field(
        description="The share of words that the model gave a lower probability than "
        "LONGSCRIBE_LOW_CONFIDENCE: 0 is a transcript without a doubtful word. Null until it is "
        "completed, and for jobs of a version that did not measure it."
    )
    metadata: dict[str, Any]
    priority: int
    tracks: SoundChoiceField = Field(description="As it was submitted.")
    channels: SoundChoiceField = Field(description="As it was submitted.")
    speakers: str = Field(description="As it was submitted: `off`, `auto`, a number or a range.")
    replacements: Literal["on", "off"] = Field(description="As it was submitted.")
    hotword_lists: bool = Field(
        description="As it was submitted. The words that it was given are at `links.hotwords`."
    )
    numbers: Numbers = Field(description="As it was submitted.")
    model: ModelOut
    links: JobLinks


class JobDetailOut(JobOut):
    """A job asked for by itself, with what a list leaves away."""

    audio: AudioOut

    recording: RecordingOut | None = Field(
        description="What was in the file; null until every word is recognised, and for jobs of a "
        "version that did not tell."
    )


class MatchOut(BaseModel):
    """Place in a transcript where the words of `q` are said."""

    job_id: str
    sentence: int = Field(description="The one that has most of them; its `n`.")
    text: str = Field(description="Of that sentence, some characters around the first.")
    count: int = Field(description="How often the transcript has any of them.")
    page: str = Field(description="The address of this place on the job's page.")


class JobListOut(BaseModel):
    jobs: list[JobOut]
    next_cursor: str | None = Field(
        description="Where the list goes on, also after a page with few jobs or none; null at its "
        "end."
    )
    searched_to: datetime | None = Field(
        None,
        description="Set where so many jobs were looked at that the page ended before it was full: "
        "jobs submitted before this are looked at for the next page.",
    )
    workers_alive: int = Field(
        description="Workers that reported themselves lately; 0: nothing moves until one starts."
    )
    matches: list[MatchOut] | None = Field(
        None,
        description="With `q`: those of these jobs whose transcript has what is searched for; the "
        "others have it in their name, title, people or tags.",
    )


class EventOut(BaseModel):
    """Event of a job."""

    at: datetime = Field(description="By the database's clock, which all times here go by.")
    kind: EventKind
    attempt: int | None = Field(description="Which attempt it befell; null: somebody asked for it.")
    worker: str | None = Field(description="The attempt's.")
    code: str | None = Field(description="Of the error behind it, as in a job's `error`.")
    message: str = Field(description="For a person: what happened and what comes of it.")


class HistoryOut(BaseModel):
    """A job's events, oldest first. Batches are not told one by one: the event `recognising` of an
    attempt says how many it has recognised so far."""

    job_id: str
    events: list[EventOut]
