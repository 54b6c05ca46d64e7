"""Errors of changes to speakers."""

from __future__ import annotations

from shared.errors import PermanentError


class SpeakersEditedMeanwhile(PermanentError):
    """The speakers are no longer those that this change was made from."""

    code = "speakers_edited_meanwhile"
    http_status = 409
    default_message = (
        "Somebody changed the speakers of this transcript meanwhile. Look at them again, and make "
        "your change from the newest revision."
    )
