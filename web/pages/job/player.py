"""Media type and length for the player on a job's page."""

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
    is_copy: bool = False
    """True if a light copy is played in place of the recording."""
    may_be_elsewhere: bool = False
    """True if the browser may be redirected to the storage itself."""

    @property
    def may_have_picture(self) -> bool:
        """Return whether a file of this kind may hold a picture; only the browser can tell whether
        it does."""
        return self.media_type.startswith("video/")


_ASKED_AS = {"video/quicktime": "video/mp4", "video/3gpp": "video/mp4"}
"""Chromium says that it cannot play the one, Firefox neither; they play what they can of both."""


def player_of(recording: RecordingRecord, blobs: BlobStore) -> Player | None:
    """The copy, or the recording with the type that its first bytes tell; None if it is gone."""
    copy, elsewhere = recording.playable, blobs.presigned_origin is not None
    try:
        if copy is not None and blobs.exists(copy.key):
            return Player(copy.media_type, recording.duration_s, True, elsewhere)
        with blobs.open_range(recording.blob_key, 0, HEAD_BYTES) as beginning:
            head = beginning.read(HEAD_BYTES)
    except OSError:
        return None
    found = media_type(head, recording.filename)
    played_as = _ASKED_AS.get(found, found)
    return Player(played_as, recording.duration_s, may_be_elsewhere=elsewhere)
