"""The room on the storage that a request has while it sends recordings."""

from __future__ import annotations

import time

import structlog

from shared.db import is_unavailable
from shared.quotas.limits import OwnerLimits
from shared.storage import space_reservations
from web.authentication.owner import current_owner_id
from web.services import services

log = structlog.stdlib.get_logger(__name__)

_STEP_BYTES = 64 * 2**20
"""Bytes reserved at a time for a request that does not state its length, and bytes after which one
that does notes what has arrived."""

_KEPT_S = 3600.0
"""Seconds for which a reservation outlives a server that was killed; each note counts anew."""

_NOTE_EVERY_S = 600.0
"""Seconds after which what arrived is noted, so that what arrives too slowly for a step in
`_KEPT_S` keeps its room."""


class ReservedRoom:
    """A reservation of `announced_bytes` (0: unknown), made when this is, and extended as needed,
    within the owner's `limits`.

    Raises InsufficientStorage or StorageShareFull, then and while it is extended.
    """

    def __init__(self, announced_bytes: int, limits: OwnerLimits) -> None:
        self._limits = limits
        self._owner_id = current_owner_id()
        self._reserved_bytes = announced_bytes or _STEP_BYTES
        self._received_bytes = 0
        self._noted_bytes = 0
        self._noted_at = time.monotonic()
        self._id: str | None = space_reservations.reserve(
            services().db,
            self._room(),
            owner_id=self._owner_id,
            size_bytes=self._reserved_bytes,
            kept_s=_KEPT_S,
        )

    def receive(self, count: int) -> None:
        """Count bytes that are about to be written."""
        assert self._id is not None
        self._received_bytes += count
        steps = self._received_bytes - self._noted_bytes >= _STEP_BYTES
        if steps or time.monotonic() - self._noted_at >= _NOTE_EVERY_S:
            self._noted_at = time.monotonic()
            self._noted_bytes = min(self._received_bytes, self._reserved_bytes)
            space_reservations.note_received(
                services().db, self._id, received_bytes=self._noted_bytes, kept_s=_KEPT_S
            )
        if self._received_bytes > self._reserved_bytes:
            more = max(_STEP_BYTES, self._received_bytes - self._reserved_bytes)
            space_reservations.extend(
                services().db, self._room(), self._id, owner_id=self._owner_id, more_bytes=more
            )
            self._reserved_bytes += more

    def _room(self) -> space_reservations.Room:
        return space_reservations.room_of(services().blobs, self._limits)

    def release(self) -> None:
        """Give it back. Without a database it runs out by itself."""
        if self._id is None:
            return
        reservation_id, self._id = self._id, None
        try:
            space_reservations.end(services().db, reservation_id)
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("reservation kept until it runs out", reservation=reservation_id)
