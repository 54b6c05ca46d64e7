"""Parts of each table that belong to an owner: those that an export has, and those that an erasure
deletes.

Each table stands here once, in OF_OWNER, OF_JOB or OTHERS; a test compares them with the tables
that there are.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of a table that are an owner's."""

    column: str
    """The column that has the owner's id, or of a job's table the job's."""
    file: str = ""
    """Name of an owner's table in the export without its suffix; empty: not exported."""
    hidden: frozenset[str] = frozenset()
    """Columns that no export has: secrets, bytes, and what is derived from the others."""
    why: str = ""
    """Reason why the table is not exported."""
    also: tuple[str, ...] = ()
    """Further columns with an account's id, by which a row is an owner's too."""
    not_others: frozenset[str] = frozenset()
    """Columns that are left empty in a row whose `column` names another account: they tell of that
    account's person."""
    stays: bool = False
    """True if an erasure leaves the rows."""


def _owned(file: str = "", *hidden: str, column: str = "owner_id", why: str = "") -> Held:
    return Held(column, file, frozenset(hidden), why)


_DERIVED = "it is computed from the others"

OF_OWNER: dict[str, Held] = {
    "users": _owned("account", "password_hash", "name_key", column="id"),
    "sign_ins": _owned("sign-ins", "token_sha256", column="user_id"),
    "api_keys": _owned("api-keys", "key_sha256", column="user_id"),
    "identities": _owned("connections", column="user_id"),
    "authenticators": _owned(column="user_id", why="its secret is for the app alone"),
    "recovery_codes": _owned(column="user_id", why="they are secrets"),
    "recordings": _owned("recordings", "blob_key", "playable_key", "folded_name", "folded_details"),
    "jobs": _owned("jobs", "plan_key", "request_digest"),
    "uploads": _owned("uploads"),
    "fetches": _owned("fetches", "request_digest", "validator"),
    "reservations": _owned(why="it lasts as long as a request"),
    "webhooks": _owned(
        "webhooks", "secret", "previous_secret", "push_keys", "url_sha256", "sign_in_sha256"
    ),
    "saved_searches": _owned("saved-searches"),
    "report_templates": _owned("report-templates"),
    "named_report_templates": _owned("named-report-templates", "content"),
    "minutes_prompts": _owned("minutes-prompts"),
    "hotword_lists": _owned("hotwords"),
    "replacement_lists": _owned("replacement-list"),
    "replacements": _owned("replacements", "key"),
    "labels": _owned("labels", "folded"),
    "annotation_edits": _owned("changes-of-details"),
    "monthly_usage": _owned("monthly-usage"),
    "voice_keeping": _owned("voice-keeping"),
    "kept_voices": _owned("kept-voices"),
    "group_voices": _owned(why="it describes voices of others, as numbers for one network"),
    "shares": _owned("shared-with-you", "name_key", column="person_id"),
    "group_members": _owned("groups", column="user_id"),
    "turns": _owned(why=_DERIVED),
    "tallies": _owned(why=_DERIVED),
    "stored_tallies": _owned(why=_DERIVED),
    "audit_entries": Held(
        "actor_id",
        "audit",
        also=("subject_id",),
        not_others=frozenset({"actor_id", "key_id", "address", "request_id"}),
        stays=True,
    ),
}
"""Tables whose rows name their owner. `editor_id` names whoever wrote what is another's: that
stays with the other, under a number that is nobody's once the account is erased."""

OF_JOB: dict[str, Held] = {
    "attempts": Held("job_id", hidden=frozenset({"worker"})),
    "events": Held("job_id"),
    "revisions": Held("job_id"),
    "speaker_edits": Held("job_id"),
    "marks": Held("job_id"),
    "sharing_events": Held("job_id"),
    "shares": Held("job_id", hidden=frozenset({"name_key", "person_id"})),
    "group_shares": Held("job_id"),
    "share_links": Held("job_id", hidden=frozenset({"token_sha256"})),
    "job_hotwords": Held("job_id"),
    "job_group_hotwords": Held("job_id"),
    "job_group_replacements": Held("job_id"),
    "minutes_requests": Held("job_id", hidden=frozenset({"fence", "lease_expires_at"})),
    "labels": Held("job_id", why="it is exported with its owner"),
    "annotation_edits": Held("job_id", why="it is exported with its owner"),
    "voice_refusals": Held("job_id", why="it is about kept voices"),
    "voice_enrolments": Held("job_id", why="it describes a voice, as numbers for one network"),
    "group_voices": Held("job_id", why="it describes voices, as numbers for one network"),
    "voice_maps": Held("job_id", why="it describes voices, as numbers for one network"),
    "segments": Held("job_id", why="the transcript has its words"),
    "checkpoints": Held("job_id", why=_DERIVED),
    "transcripts": Held("job_id", why="it is exported as files"),
    "waveforms": Held("job_id", why=_DERIVED),
    "search_texts": Held("job_id", why=_DERIVED),
    "search_entries": Held("job_id", why=_DERIVED),
}
"""Tables whose rows belong to a job, and are deleted with it."""

OTHERS: dict[str, str] = {
    "hotword_sets": "words by their digest; those that nobody names any more are dropped",
    "webhook_deliveries": "they are deleted with their webhook",
    "minutes_answers": "they are deleted with their request",
    "minutes_events": "they are deleted with their request",
    "account_groups": "of the installation",
    "sign_in_attempts": "they name nobody, and end within minutes",
    "schema_versions": "of the installation",
    "storage": "of the installation",
    "sweep_turns": "of the installation",
    "vapid_keys": "of the installation",
    "workers": "of the installation",
}
"""Tables that are no owner's, or an owner's by way of another table, and what is so."""
