"""Why a recording that is here cannot be transcribed again, now or in this way."""

from __future__ import annotations

from shared.errors import PermanentError


class RecordingInUse(PermanentError):
    """Another job of the same recording waits or runs."""

    code = "recording_in_use"
    http_status = 409
    default_message = (
        "This recording is being transcribed already. Wait until that has ended, or cancel it."
    )


class OtherSound(PermanentError):
    """Another single track or channel of a recording is wanted than was heard of it before, or one
    in place of all: its playable copy, of which it has one, plays what was heard."""

    code = "other_sound"
    http_status = 409
    default_message = (
        "The player plays the tracks and channels that were heard of this recording, so the same "
        "must be heard again: all of them, together or each as a person, or the same single one. "
        "Submit the file itself again to have others heard."
    )
