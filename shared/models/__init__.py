"""The tables. `shared.jobs` is the only writer of a job's status; everyone else reads.

Times are UTC, durations seconds, positions in audio samples at 16 kHz.
"""

from __future__ import annotations

from shared.models.account import (
    ApiKey,
    Authenticator,
    Identity,
    RecoveryCode,
    SignIn,
    SignInAttempt,
    User,
)
from shared.models.annotation import (
    LONGEST_LABEL,
    LONGEST_MARK,
    AnnotationEdit,
    Label,
    StoredMark,
)
from shared.models.base import LOCAL_OWNER, Base, new_id
from shared.models.fetch import Fetch
from shared.models.job import Attempt, Job, JobEvent, Recording, in_one_of
from shared.models.minutes import MinutesAnswer, MinutesEvent, MinutesPrompt, MinutesRequest
from shared.models.queue import OwnerTurn, SweepTurn, Tally, WorkerSeen
from shared.models.schema import SchemaVersion
from shared.models.search.index import SearchEntry, SearchText
from shared.models.search.saved import LONGEST_SEARCH_NAME, SavedSearch
from shared.models.share import LONGEST_LINK_NAME, Share, ShareLink, SharingEvent
from shared.models.storage import StorageRow, StoredTally
from shared.models.teams.audit import AuditEntry
from shared.models.teams.group import Group, GroupMember, GroupShare, keepers_for
from shared.models.transcripts.report_template import (
    LONGEST_TEMPLATE_NAME,
    NamedReportTemplate,
    ReportTemplate,
)
from shared.models.transcripts.revision import Revision
from shared.models.transcripts.transcript import Checkpoint, Segment, StoredTranscript
from shared.models.upload import Reservation, Upload
from shared.models.usage import MonthlyUsage
from shared.models.voice import (
    GroupVoices,
    KeptVoice,
    SpeakerEdit,
    StoredVoiceMap,
    VoiceEnrolment,
    VoiceKeeping,
    VoiceRefusal,
)
from shared.models.waveform import StoredWaveform
from shared.models.webhook import VapidKey, Webhook, WebhookDelivery, has_ended, is_waiting
from shared.models.words.group_words import JobGroupHotwords, JobGroupReplacements
from shared.models.words.hotwords import HotwordList, HotwordSet, JobHotwords
from shared.models.words.replacements import MOST_PAIRS, Replacement, ReplacementList

__all__ = [
    "LOCAL_OWNER",
    "LONGEST_LABEL",
    "LONGEST_LINK_NAME",
    "LONGEST_MARK",
    "LONGEST_SEARCH_NAME",
    "LONGEST_TEMPLATE_NAME",
    "MOST_PAIRS",
    "AnnotationEdit",
    "ApiKey",
    "Attempt",
    "AuditEntry",
    "Authenticator",
    "Base",
    "Checkpoint",
    "Fetch",
    "Group",
    "GroupMember",
    "GroupShare",
    "GroupVoices",
    "HotwordList",
    "HotwordSet",
    "Identity",
    "Job",
    "JobEvent",
    "JobGroupHotwords",
    "JobGroupReplacements",
    "JobHotwords",
    "KeptVoice",
    "Label",
    "MinutesAnswer",
    "MinutesEvent",
    "MinutesPrompt",
    "MinutesRequest",
    "MonthlyUsage",
    "NamedReportTemplate",
    "OwnerTurn",
    "Recording",
    "RecoveryCode",
    "Replacement",
    "ReplacementList",
    "ReportTemplate",
    "Reservation",
    "Revision",
    "SavedSearch",
    "SchemaVersion",
    "SearchEntry",
    "SearchText",
    "Segment",
    "Share",
    "ShareLink",
    "SharingEvent",
    "SignIn",
    "SignInAttempt",
    "SpeakerEdit",
    "StorageRow",
    "StoredMark",
    "StoredTally",
    "StoredTranscript",
    "StoredVoiceMap",
    "StoredWaveform",
    "SweepTurn",
    "Tally",
    "Upload",
    "User",
    "VapidKey",
    "VoiceEnrolment",
    "VoiceKeeping",
    "VoiceRefusal",
    "Webhook",
    "WebhookDelivery",
    "WorkerSeen",
    "has_ended",
    "in_one_of",
    "is_waiting",
    "keepers_for",
    "new_id",
]
