"""The recording's type and length, for the player on a job's page."""

from __future__ import annotations

from dataclasses import dataclass

from shared.jobs import RecordingRecord
from shared.storage.blob_store import BlobStore
from web.http.media_types import HEAD_BYTES, media_type


@dataclass(frozen=True, slots=True)
class Player:
    media_type: str
    """Lets the browser tell whether it can play the file before it fetches any."""
    duration_s: float | None


def player_of(recording: RecordingRecord, blobs: BlobStore) -> Player | None:
    """Read the type from the recording's first bytes; None if they are gone."""
    try:
        with blobs.open_range(recording.blob_key, 0, HEAD_BYTES) as beginning:
            head = beginning.read(HEAD_BYTES)
    except OSError:
        return None
    return Player(media_type(head, recording.filename), recording.duration_s)
