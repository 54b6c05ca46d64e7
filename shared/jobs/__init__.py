"""The queue. Everything that happens to a job happens in this package, in one SQL transaction each.

`transition` holds the one statement that changes a status.  Around it: `submission` (web),
`claim`, `attempt`, `plan`, `checkpoint` and `waveform` (worker), `requests` and `selection` (what a
person asks), `reap` (any worker, at any time), `deletion`, `corrections` (of a transcript),
`reading`, `listing` and `search` (what the API and the pages show).  `history` tells of each change
in the transaction that makes it.  SQL is the queue; Redis only carries the news.
"""

from shared.jobs.attempt import (
    BatchRecord,
    Usage,
    cancelled,
    fail,
    finish,
    heartbeat,
    note_batch_choice,
    record_oom_retry,
    release,
    retry_later,
    set_stage,
)
from shared.jobs.checkpoint import (
    Recognition,
    is_last_attempt,
    store_marks,
    store_recognition,
    stored_marks,
    stored_recognition,
)
from shared.jobs.claim import Claim, claim_next
from shared.jobs.corrections import (
    MAX_SENTENCE,
    RevisionPage,
    SentenceRevision,
    correct,
    get_sentence,
    revisions,
    sentence_revisions,
)
from shared.jobs.deletion import delete, delete_expired
from shared.jobs.figures import RecognitionFigures
from shared.jobs.history import KEPT_EVENTS, JobHistory, get_history
from shared.jobs.limit import QueueLimit, require_room, waiting_audio_s
from shared.jobs.listing import JobPage, list_jobs, list_states, situation_of
from shared.jobs.plan import (
    NO_PLAN,
    PlannedSegment,
    RecognisedSegment,
    StoredPlan,
    StoredWord,
    drop_plan,
    save_batch,
    store_plan,
    stored_plan,
)
from shared.jobs.reading import (
    QueueSummary,
    get_job,
    get_transcript,
    queue_summary,
    running_job_ids,
    worker_last_seen,
    workers_seen,
)
from shared.jobs.reap import Reaped, note_worker, reap, take_back
from shared.jobs.recognised import RecognisedText, TextSoFar, text_so_far
from shared.jobs.requests import cancel, retry
from shared.jobs.search import Snippet, index_sentence, index_text
from shared.jobs.selection import Outcome, cancel_all, delete_all, retry_all
from shared.jobs.situation import Situation
from shared.jobs.submission import Submission, submit
from shared.jobs.view import JobView
from shared.jobs.waveform import Waveform, get_waveform, store_waveform

__all__ = [
    "KEPT_EVENTS",
    "MAX_SENTENCE",
    "NO_PLAN",
    "BatchRecord",
    "Claim",
    "JobHistory",
    "JobPage",
    "JobView",
    "Outcome",
    "PlannedSegment",
    "QueueLimit",
    "QueueSummary",
    "Reaped",
    "RecognisedSegment",
    "RecognisedText",
    "Recognition",
    "RecognitionFigures",
    "RevisionPage",
    "SentenceRevision",
    "Situation",
    "Snippet",
    "StoredPlan",
    "StoredWord",
    "Submission",
    "TextSoFar",
    "Usage",
    "Waveform",
    "cancel",
    "cancel_all",
    "cancelled",
    "claim_next",
    "correct",
    "delete",
    "delete_all",
    "delete_expired",
    "drop_plan",
    "fail",
    "finish",
    "get_history",
    "get_job",
    "get_sentence",
    "get_transcript",
    "get_waveform",
    "heartbeat",
    "index_sentence",
    "index_text",
    "is_last_attempt",
    "list_jobs",
    "list_states",
    "note_batch_choice",
    "note_worker",
    "queue_summary",
    "reap",
    "record_oom_retry",
    "release",
    "require_room",
    "retry",
    "retry_all",
    "retry_later",
    "revisions",
    "running_job_ids",
    "save_batch",
    "sentence_revisions",
    "set_stage",
    "situation_of",
    "store_marks",
    "store_plan",
    "store_recognition",
    "store_waveform",
    "stored_marks",
    "stored_plan",
    "stored_recognition",
    "submit",
    "take_back",
    "text_so_far",
    "waiting_audio_s",
    "worker_last_seen",
    "workers_seen",
]
