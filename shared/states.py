"""The one vocabulary of job states: SQL, API, pages and logs use these words and no others.

    queued     -> processing | cancelled
    processing -> completed | failed | cancelling | queued
                  (queued again: the attempt was lost or its worker shut down, attempts left)
    cancelling -> cancelled
    failed     -> queued       (a person asked; finished segments are reused)
    cancelled  -> queued       (a person asked, as for a failed one)
    completed  is final

What a processing job is doing just now is its stage, never a state.
"""

from __future__ import annotations

from enum import StrEnum


class ChannelKind(StrEnum):
    """Kind of channel by which an owner receives events of their jobs."""

    WEBHOOK = "webhook"
    MAIL = "mail"
    PUSH = "push"
    """A browser that takes pushes."""


class TemplateKind(StrEnum):
    """File format of a template of reports, named by the suffix of its file."""

    WORD = "docx"
    TEXT = "md"


class JobStatus(StrEnum):
    QUEUED = "queued"
    PROCESSING = "processing"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.PROCESSING, JobStatus.CANCELLED}),
    JobStatus.PROCESSING: frozenset(
        {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLING, JobStatus.QUEUED}
    ),
    JobStatus.CANCELLING: frozenset({JobStatus.CANCELLED}),
    JobStatus.FAILED: frozenset({JobStatus.QUEUED}),
    JobStatus.CANCELLED: frozenset({JobStatus.QUEUED}),
    JobStatus.COMPLETED: frozenset(),
}

TERMINAL = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED})
"""States in which nothing happens to a job unless somebody asks."""

RUNNING = frozenset({JobStatus.PROCESSING, JobStatus.CANCELLING})
"""A worker holds a lease on a job in one of these."""


class MinutesStatus(StrEnum):
    """The states of a request for minutes, which is no job of a recogniser.

    queued -> running | cancelled;  running -> completed | failed | cancelled | queued;
    failed and cancelled -> queued (a person asked).
    """

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stage(StrEnum):
    """Stage of an attempt. `decoding` covers voice activity, which keeps up with it."""

    DECODING = "decoding"
    RECOGNISING = "recognising"
    PUNCTUATING = "punctuating"
    SAVING = "saving"


class AttemptOutcome(StrEnum):
    """Way in which a run of a job by a worker ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """The lease ran out: the worker died, hung or could not reach the database."""
    RELEASED = "released"
    """Given back, which costs no attempt: the worker received a stop signal, or if there is an
    error something around the job failed, not the job."""
    RETRYING = "retrying"
    """Ended by an error that another try may not meet."""


class Obstacle(StrEnum):
    """Reason why a worker claims no job just now, by its own report."""

    STARTING = "starting"
    """Loading of the model, at the start or after a failure."""
    MODEL_UNAVAILABLE = "model_unavailable"
    """Failure to load the model, or to recognise a second of sound with it; the worker ends."""
    DEVICE_FAILED = "device_failed"
    """The device failed again and again; it is tried after a pause."""
    STORAGE_NEW = "storage_new"
    """Storage that no web server has taken into use yet."""
    STORAGE_MISSING = "storage_missing"
    """The recordings' folder is empty: their storage is not mounted there."""
    STORAGE_OTHER = "storage_other"
    STORAGE_UNPROVEN = "storage_unproven"
    STORAGE_UNREACHABLE = "storage_unreachable"
    NO_ROOM = "no_room"
    """Full work folder."""
    DATABASE = "database_unreachable"
    """Database out of reach. Told by the worker itself only: without the database it can report
    nothing."""
    REDIS = "redis_unreachable"
    """Redis out of reach: the worker hears of no job until it is back."""


START_OBSTACLES = frozenset({Obstacle.STARTING, Obstacle.STORAGE_NEW})
"""Obstacles with which a start begins, and which are over within seconds of it."""

STORAGE_OBSTACLES = frozenset(
    {
        Obstacle.STARTING,
        Obstacle.STORAGE_NEW,
        Obstacle.STORAGE_MISSING,
        Obstacle.STORAGE_OTHER,
        Obstacle.STORAGE_UNPROVEN,
        Obstacle.STORAGE_UNREACHABLE,
    }
)
"""A worker that reports one of these does not see the recordings, or has not looked yet."""


class WaitReason(StrEnum):
    """Reason why no worker will take a waiting job, whatever its place in the queue."""

    NO_WORKER = "no_worker"
    """No worker reported itself lately."""
    NO_WORKER_OF_MODEL = "no_worker_of_model"
    """No worker that reported itself lately runs the model that the job names."""


class BatchLimit(StrEnum):
    """Limit that kept an attempt's batches from being larger."""

    LENGTH = "length"
    """A short recording cannot fill a large batch."""
    MEMORY = "memory"
    """Free memory of the device."""
    SETTING = "setting"
    """LONGSCRIBE_BATCH_SIZE_S."""
    LEARNED = "learned"
    """A larger batch ran out of memory before."""
    DEVICE = "device"
    """Speed of a GPU, for a long recording: in batches of this size the cost of a pass is spread
    over enough audio."""


class EventKind(StrEnum):
    """Kind of an event in a job's history, recorded in the transaction in which it happened."""

    SUBMITTED = "submitted"
    CLAIMED = "claimed"
    DECODED = "decoded"
    """The recording was read to its end, so its length is known."""
    RECOGNISING = "recognising"
    """The batch size is chosen. What came of it is counted with the attempt, not here."""
    PLANNED = "planned"
    """The last window of the batch plan is stored."""
    OUT_OF_MEMORY = "out_of_memory"
    """A batch was halved; the attempt goes on."""
    DISCARDED = "discarded"
    """Segments of another model or of other options were dropped."""
    PUNCTUATING = "punctuating"
    SAVING = "saving"
    LOST = "lost"
    RETRYING = "retrying"
    RELEASED = "released"
    CANCEL_ASKED = "cancel_asked"
    CANCELLED = "cancelled"
    RETRIED = "retried"
    """A person or a client asked for a failed or cancelled job again."""
    COMPLETED = "completed"
    FAILED = "failed"


EVENTS_OF: dict[tuple[JobStatus, JobStatus], frozenset[EventKind]] = {
    (JobStatus.QUEUED, JobStatus.PROCESSING): frozenset({EventKind.CLAIMED}),
    (JobStatus.QUEUED, JobStatus.CANCELLED): frozenset({EventKind.CANCELLED}),
    (JobStatus.PROCESSING, JobStatus.COMPLETED): frozenset({EventKind.COMPLETED}),
    (JobStatus.PROCESSING, JobStatus.FAILED): frozenset({EventKind.FAILED}),
    (JobStatus.PROCESSING, JobStatus.CANCELLING): frozenset({EventKind.CANCEL_ASKED}),
    (JobStatus.PROCESSING, JobStatus.QUEUED): frozenset(
        {EventKind.LOST, EventKind.RETRYING, EventKind.RELEASED}
    ),
    (JobStatus.CANCELLING, JobStatus.CANCELLED): frozenset({EventKind.CANCELLED}),
    (JobStatus.FAILED, JobStatus.QUEUED): frozenset({EventKind.RETRIED}),
    (JobStatus.CANCELLED, JobStatus.QUEUED): frozenset({EventKind.RETRIED}),
}
"""The events that stand for each arrow of TRANSITIONS: none is followed without one of these."""
