"""The types of events that are sent."""

from __future__ import annotations

from enum import StrEnum

from shared.states import EventKind, JobStatus


class WebhookType(StrEnum):
    """Type of the event that a delivery reports."""

    SUBMITTED = "job.submitted"
    STARTED = "job.started"
    COMPLETED = "job.completed"
    FAILED = "job.failed"
    CANCELLED = "job.cancelled"
    RETRIED = "job.retried"


def stored_types(stored: object) -> tuple[WebhookType, ...] | None:
    """Types that a stored list names, without those that this version does not know; None: all of
    them. Of anything but a list, which cannot be read, none."""
    if stored is None:
        return None
    named = stored if isinstance(stored, list) else []
    return tuple(type_ for one in named for type_ in WebhookType if type_.value == one)


TEST_TYPE = "webhook.test"
"""Type of a delivery that its owner asked for to see whether it arrives."""

CONFIRM_TYPE = "mail.confirm"
"""Type of a mail with the link by which its address is confirmed; nothing else goes to an address
that is not."""

TYPE_OF: dict[EventKind, WebhookType] = {
    EventKind.SUBMITTED: WebhookType.SUBMITTED,
    EventKind.CLAIMED: WebhookType.STARTED,
    EventKind.COMPLETED: WebhookType.COMPLETED,
    EventKind.FAILED: WebhookType.FAILED,
    EventKind.CANCELLED: WebhookType.CANCELLED,
    EventKind.RETRIED: WebhookType.RETRIED,
}
"""The others are steps of a worker, of which the job itself tells."""

STATUS_AFTER: dict[str, JobStatus] = {
    WebhookType.SUBMITTED: JobStatus.QUEUED,
    WebhookType.STARTED: JobStatus.PROCESSING,
    WebhookType.COMPLETED: JobStatus.COMPLETED,
    WebhookType.FAILED: JobStatus.FAILED,
    WebhookType.CANCELLED: JobStatus.CANCELLED,
    WebhookType.RETRIED: JobStatus.QUEUED,
}
"""The state of a job right after the event."""


class DeliveryState(StrEnum):
    """State of a delivery."""

    WAITING = "waiting"
    """Waits to be sent, for the first time or again."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """Given up, until somebody asks for it again."""


class DisabledReason(StrEnum):
    """Reason why nothing is sent to an address any more."""

    OWNER = "owner"
    FAILING = "failing"
    """Address that failed for LONGSCRIBE_WEBHOOK_DISABLE_DAYS."""
    GONE = "gone"
    """Address that answered 410."""
    HANDED_OVER = "handed_over"
    """Address that came with somebody else's recordings, and is theirs."""
    ACCOUNT_DISABLED = "account"
    """Address whose owner's account was disabled."""
