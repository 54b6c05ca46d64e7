"""The recording's type and length, for the player on a job's page."""

from __future__ import annotations

from dataclasses import dataclass

from shared.jobs import RecordingRecord
from shared.storage.blobs import BlobStore
from web.http.media_types import HEAD_BYTES, media_type


@dataclass(frozen=True, slots=True)
class Player:
    media_type: str
    """Lets the browser tell whether it can play the file before it fetches any."""
    duration_s: float | None


def player_of(recording: RecordingRecord, blobs: BlobStore) -> Player | None:
    """Read the type from the file's first bytes; None if the file is gone."""
    try:
        with blobs.path(recording.blob_key).open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return None
    return Player(media_type(head, recording.filename), recording.duration_s)
