"""Errors of kept voices."""

from __future__ import annotations

from shared.errors import PermanentError


class VoicesNotKept(PermanentError):
    """The owner has not switched it on, or the operator forbids it."""

    code = "voices_not_kept"
    http_status = 409
    default_message = (
        "Keeping voices is off. Whoever wants voices to be kept switches it on first, on the page "
        "Voices or with PUT /api/v1/voices."
    )


class VoicesForbidden(PermanentError):
    """The operator forbids it."""

    code = "voices_forbidden"
    http_status = 403
    default_message = "Whoever runs this server does not allow voices to be kept."


class VoiceNotFound(PermanentError):
    """Id of no voice, or of another owner's."""

    code = "voice_not_found"
    http_status = 404
    default_message = "There is no such voice."


class VoiceNameTaken(PermanentError):
    """Name under which another voice of the owner is kept."""

    code = "voice_name_taken"
    http_status = 409
    default_message = "Another voice is kept under this name. Choose another name, or delete one."


class TooLittleOfAVoice(PermanentError):
    """Voice with too little speech in the recording to keep or compare it."""

    code = "too_little_of_a_voice"
    http_status = 409
    default_message = "Too little of this voice is known from this recording."
