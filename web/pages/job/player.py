"""Media type and length for the player on a job's page."""

from __future__ import annotations

from dataclasses import dataclass

from shared.jobs import RecordingRecord
from shared.storage.blob_store import BlobStore
from web.http.recording_media_types import HEAD_BYTES, media_type


@dataclass(frozen=True, slots=True)
class Player:
    media_type: str
    """Lets the browser tell whether it can play the file before it fetches any."""
    duration_s: float | None
    is_copy: bool = False
    """True if a light copy is played in place of the recording."""
    may_be_elsewhere: bool = False
    """True if the browser may be redirected to the storage itself."""
    picture: str | None = None
    """FFmpeg's name of the coding of the picture in the recording, where that is known."""

    @property
    def has_usual_picture(self) -> bool:
        """Return whether it has a picture that browsers play, so that the page makes room for it
        before the browser has found it."""
        return self.may_have_picture and self.picture in _USUAL_PICTURES

    @property
    def may_have_picture(self) -> bool:
        """Return whether a file of this kind may hold a picture; only the browser can tell whether
        it does."""
        return self.media_type.startswith("video/")


_ASKED_AS = {"video/quicktime": "video/mp4", "video/3gpp": "video/mp4"}
"""Chromium says that it cannot play the one, Firefox neither; they play what they can of both."""


_USUAL_PICTURES = frozenset(("h264", "vp8", "vp9", "av1"))
"""Codings that every browser of today plays."""


def player_of(
    recording: RecordingRecord, blobs: BlobStore, picture: str | None = None
) -> Player | None:
    """The copy, or the recording with the type that its first bytes tell; None if it is gone.

    picture: FFmpeg's name of the coding of the recording's picture, where that is known.
    """
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
    return Player(played_as, recording.duration_s, may_be_elsewhere=elsewhere, picture=picture)
