"""The queue. Everything that happens to a job happens in this package, in one SQL transaction each.

`transition` holds the one statement that changes a status.  Around it: `submission` (web), `claim`,
`lease`, `running_attempt`, `resumable_plan`, `stage_checkpoints`, `playback`, `hotwords` and
`attempt_end` (worker), `commands` and `deletion` (what a person asks), `lost_attempts` (any worker,
at any time).
`queries` reads what the API and the pages show, `eta` computes when jobs will be done, `workers`
says who serves.  `scheduling` chooses the next job, `tallies` has the number of jobs without
counting them, `queue_limit` what may wait.  `events` records each change in the transaction that
makes it.  SQL is the queue; Redis only carries the news.
"""

from shared.jobs.attempt_end import cancelled, fail, finish, give_back, release, retry_later
from shared.jobs.claim import Claim, claim_next
from shared.jobs.commands import (
    CANCELLABLE,
    RETRIABLE,
    Outcome,
    cancel,
    cancel_all,
    retry,
    retry_all,
)
from shared.jobs.deletion.delete import DELETABLE, delete, delete_all
from shared.jobs.deletion.retention import delete_expired, group_rules
from shared.jobs.eta.recent_positions import RecentPositions
from shared.jobs.eta.snapshot import QueueSnapshot
from shared.jobs.events import EventRecord
from shared.jobs.hotwords import GivenWords, claimed_hotwords, get_hotwords, note_hotwords
from shared.jobs.known_models import KnownModel, known_models, models_waited_for
from shared.jobs.lease import heartbeat
from shared.jobs.lost_attempts import Expired, end_lost_attempt, expire_leases
from shared.jobs.playback.playable import (
    PlayableCopy,
    plan_playable_copy,
    planned_playable_copy,
    store_playable_copy,
)
from shared.jobs.playback.waveform import Waveform, get_waveform, store_waveform
from shared.jobs.queries.history import JobHistory, get_history
from shared.jobs.queries.job import (
    OtherJob,
    QueueSummary,
    Versions,
    claimable_jobs,
    get_job,
    get_records,
    get_traceparent,
    get_transcript,
    get_versions,
    named_models,
    other_jobs,
    queue_summary,
    require_database,
    running_job_ids,
)
from shared.jobs.queries.listing import JobPage, list_jobs, snapshot_of
from shared.jobs.queries.oldest_wait import oldest_wait_s
from shared.jobs.queries.owner_usage import OwnerUsage, owner_usage
from shared.jobs.queries.partial_text import (
    Heard,
    PartialText,
    RecognisedText,
    next_text,
    partial_text,
)
from shared.jobs.queries.recognition_stats import RecognitionStats
from shared.jobs.queries.records import AttemptRecord, JobRecord, RecordingRecord
from shared.jobs.queries.stored_state import JobSelection, stored_state
from shared.jobs.queries.unreadable import StoredDataUnreadable
from shared.jobs.queries.view import JobView
from shared.jobs.queries.watched_states import WatchedState, watched_states
from shared.jobs.queries.whole_list import (
    Taken,
    WholeList,
    some_of_whole_list,
    take_whole_list,
)
from shared.jobs.queue_limit import (
    QueueLimit,
    queue_limit_of,
    require_room,
    waiting_audio_by_owner,
    waiting_audio_s,
)
from shared.jobs.resumable_plan import (
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
from shared.jobs.running_attempt import (
    BatchRecord,
    Usage,
    note_batch_choice,
    record_oom_retry,
    set_stage,
)
from shared.jobs.scheduling.index_of_waiting import Claimable
from shared.jobs.scheduling.next_job import Room
from shared.jobs.scheduling.sweep_turns import Duty, SweepStart, begin_sweep, take_sweep_turns
from shared.jobs.stage_checkpoints import (
    Recognition,
    is_last_attempt,
    store_marks,
    store_recognition,
    stored_marks,
    stored_recognition,
)
from shared.jobs.submission import Submission, submit, submit_again
from shared.jobs.tallies.drift import Drift, find_drift, recount
from shared.jobs.tallies.folding import fold
from shared.jobs.workers import (
    Gpu,
    WorkerRecord,
    WorkerReport,
    forget_workers,
    largest_work_disk_bytes,
    note_worker,
    worker_last_seen,
    workers_seen,
)

__all__ = [
    "CANCELLABLE",
    "DELETABLE",
    "NO_PLAN",
    "RETRIABLE",
    "AttemptRecord",
    "BatchRecord",
    "Claim",
    "Claimable",
    "Drift",
    "Duty",
    "EventRecord",
    "Expired",
    "GivenWords",
    "Gpu",
    "Heard",
    "JobHistory",
    "JobPage",
    "JobRecord",
    "JobSelection",
    "JobView",
    "KnownModel",
    "OtherJob",
    "Outcome",
    "OwnerUsage",
    "PartialText",
    "PlannedSegment",
    "PlayableCopy",
    "QueueLimit",
    "QueueSnapshot",
    "QueueSummary",
    "RecentPositions",
    "RecognisedSegment",
    "RecognisedText",
    "Recognition",
    "RecognitionStats",
    "RecordingRecord",
    "Room",
    "StoredDataUnreadable",
    "StoredPlan",
    "StoredWord",
    "Submission",
    "SweepStart",
    "Taken",
    "Usage",
    "Versions",
    "WatchedState",
    "Waveform",
    "WholeList",
    "WorkerRecord",
    "WorkerReport",
    "begin_sweep",
    "cancel",
    "cancel_all",
    "cancelled",
    "claim_next",
    "claimable_jobs",
    "claimed_hotwords",
    "delete",
    "delete_all",
    "delete_expired",
    "drop_plan",
    "end_lost_attempt",
    "expire_leases",
    "fail",
    "find_drift",
    "finish",
    "fold",
    "forget_workers",
    "get_history",
    "get_hotwords",
    "get_job",
    "get_records",
    "get_traceparent",
    "get_transcript",
    "get_versions",
    "get_waveform",
    "give_back",
    "group_rules",
    "heartbeat",
    "is_last_attempt",
    "known_models",
    "largest_work_disk_bytes",
    "list_jobs",
    "models_waited_for",
    "named_models",
    "next_text",
    "note_batch_choice",
    "note_hotwords",
    "note_worker",
    "oldest_wait_s",
    "other_jobs",
    "owner_usage",
    "partial_text",
    "plan_playable_copy",
    "planned_playable_copy",
    "queue_limit_of",
    "queue_summary",
    "record_oom_retry",
    "recount",
    "release",
    "require_database",
    "require_room",
    "retry",
    "retry_all",
    "retry_later",
    "running_job_ids",
    "save_batch",
    "set_stage",
    "snapshot_of",
    "some_of_whole_list",
    "store_marks",
    "store_plan",
    "store_playable_copy",
    "store_recognition",
    "store_waveform",
    "stored_marks",
    "stored_plan",
    "stored_recognition",
    "stored_state",
    "submit",
    "submit_again",
    "take_sweep_turns",
    "take_whole_list",
    "waiting_audio_by_owner",
    "waiting_audio_s",
    "watched_states",
    "worker_last_seen",
    "workers_seen",
]
