"""Storage, queue and monthly hours of an owner: the use of each beside its limit."""

from __future__ import annotations

from dataclasses import dataclass

from shared.db import Database
from shared.jobs.queue_limit import QueueLimit, Waiting, waiting_of
from shared.quotas.limits import Allowance
from shared.quotas.monthly import Month, current_month, month_allowance
from shared.storage.space_reservations import Room, storage_allowance, uploads_allowance


@dataclass(frozen=True, slots=True)
class OwnerUsage:
    """What an owner uses of each limit: `storage` in bytes, `used` in seconds of audio submitted in
    `month`."""

    waiting: Waiting
    uploads: Allowance
    storage: Allowance
    used: Allowance
    month: Month


def owner_usage(db: Database, limit: QueueLimit, room: Room, owner_id: str) -> OwnerUsage:
    """Count what one owner holds, under the same limits as its next submission."""
    with db.reading() as session:
        month = current_month(session)
        return OwnerUsage(
            waiting=waiting_of(session, limit, owner_id),
            uploads=uploads_allowance(session, limit.owner, owner_id),
            storage=storage_allowance(session, room, owner_id),
            used=month_allowance(session, limit.owner, owner_id, month),
            month=month,
        )
