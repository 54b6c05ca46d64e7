"""Refusals of what would pass an owner's share. Each says what is full, how much of it is held and
how much may be, so that whoever words it for a person can."""

from __future__ import annotations

from shared.errors import TransientError
from shared.quotas.limits import Allowance

NOTHING = Allowance(0)

_RETRY_UNKNOWN_S = 60.0


class QuotaExceeded(TransientError):
    """Base of these errors. `wanted` is what the refused request would have added, `free_in_s` the
    seconds until there is room at the earliest, where that is known."""

    code = "quota_exceeded"
    http_status = 429
    default_message = "This would be more than your share of this server. Try again later."

    def __init__(
        self, full: Allowance = NOTHING, *, wanted: float = 1.0, free_in_s: float | None = None
    ) -> None:
        super().__init__()
        self.full = full
        self.wanted = wanted
        self.free_in_s = free_in_s
        self.retry_after_s = _RETRY_UNKNOWN_S if free_in_s is None else max(1.0, free_in_s)


class TooManyUploads(QuotaExceeded):
    """Limit on the number of uploads that have no job yet."""

    code = "too_many_uploads"
    default_message = (
        "You have begun as many uploads as you may at a time. Finish or discard one of them; what "
        "nobody goes on with ends by itself."
    )


class StorageShareFull(QuotaExceeded):
    """Limit on stored bytes: recordings, their playable copies, and what open uploads announced."""

    code = "storage_share_full"
    http_status = 413
    default_message = (
        "Your recordings take as much of the server's disk as they may. Delete some that you no "
        "longer need."
    )


class QueueShareFull(QuotaExceeded):
    """Limit on the number of waiting jobs."""

    code = "queue_share_full"
    default_message = (
        "You have as much waiting as you may at a time. Submit this again once some of it is "
        "recognised, or cancel a waiting job."
    )


class QueueHoursShareFull(QueueShareFull):
    """Limit on the seconds of waiting audio."""


class MonthlyQuotaUsed(QuotaExceeded):
    """Limit on the seconds of audio submitted in a month."""

    code = "monthly_quota_used"
    default_message = (
        "This would be more audio than you may submit this month. An administrator can raise your "
        "quota."
    )
