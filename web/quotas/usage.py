"""Usage and limits of whoever sent this request, and what each account uses, for administrators."""

from __future__ import annotations

from dataclasses import dataclass

from shared import jobs
from shared.jobs import OwnerUsage
from shared.quotas import monthly
from shared.storage import space_reservations
from web.authentication.owner import current_owner_id
from web.services import services


@dataclass(frozen=True, slots=True)
class Use:
    """Use by one account: waiting (seconds), stored (bytes) and submitted this month (seconds)."""

    waiting_s: float
    stored_bytes: int
    month_s: float


def own_usage() -> OwnerUsage:
    """Use and limits of the person who sent this request.

    Raises StorageUnavailable where it cannot be asked how much room there is.
    """
    here = services()
    room = space_reservations.room_of(here.blobs, here.owner_limits)
    return jobs.owner_usage(here.db, here.queue_limit, room, current_owner_id())


def use_by_owner() -> dict[str, Use]:
    """Use of each owner who uses anything."""
    db = services().db
    waiting = jobs.waiting_audio_by_owner(db)
    stored = space_reservations.held_by_owner(db)
    month = monthly.used_by_owner(db)
    return {
        owner: Use(waiting.get(owner, 0.0), stored.get(owner, 0), month.get(owner, 0.0))
        for owner in waiting.keys() | stored.keys() | month.keys()
    }
