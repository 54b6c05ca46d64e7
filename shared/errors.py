"""Errors by which a request or a job can fail, each with a stable code.

A client branches on `code`, a person reads the message, and the worker asks only one question:
is trying again worth it?  `PermanentError` answers no (the recording or the request is at
fault), `TransientError` answers yes (something around us is).  Messages say what to do.
"""

from __future__ import annotations

import errno


class LongscribeError(Exception):
    """Base of all errors that carry a code.

    `http_status` is what the API answers when the error reaches a view.
    """

    code = "internal_error"
    http_status = 500
    default_message = "Something went wrong inside Longscribe; the server's log says what."

    def __init__(self, message: str | None = None, *, param: str | None = None) -> None:
        super().__init__(message or self.default_message)
        self.param = param

    @property
    def message(self) -> str:
        """Message for people."""
        return str(self.args[0])


class PermanentError(LongscribeError):
    """Trying again without a change gives the same result."""


class TransientError(LongscribeError):
    """The same job may succeed later, or on another worker."""


# --- the recording -----------------------------------------------------------------------------


class UnsupportedMedia(PermanentError):
    code = "unsupported_media"
    http_status = 415
    default_message = (
        "This file cannot be read as audio or video. Convert it to WAV, MP3, M4A, FLAC or MP4 "
        "and submit it again."
    )


class NoAudio(PermanentError):
    code = "no_audio"
    http_status = 422
    default_message = "This file holds no sound. Check that the recording has an audio track."


class AudioTooLong(PermanentError):
    code = "audio_too_long"
    http_status = 422
    default_message = (
        "This recording is longer than this server accepts. Split it, or ask the operator to "
        "raise LONGSCRIBE_MAX_AUDIO_S."
    )


class DecodeTimeout(PermanentError):
    code = "timeout"
    http_status = 422
    default_message = (
        "Reading this file took longer than any real recording needs, so it was stopped. "
        "Convert it to WAV or FLAC and submit it again."
    )


# --- the request -------------------------------------------------------------------------------


class InvalidRequest(PermanentError):
    code = "invalid_request"
    http_status = 400
    default_message = "The request is not one that this API understands."


class MalformedForm(InvalidRequest):
    code = "malformed_form"
    default_message = "The form in this request is not whole or not well-formed. Send it again."


class FileTooLarge(PermanentError):
    code = "file_too_large"
    http_status = 413
    default_message = (
        "This file is larger than this server accepts. Compress it (an hour of speech needs "
        "about 30 MB as MP3), or ask the operator to raise LONGSCRIBE_MAX_UPLOAD_BYTES."
    )


class InsufficientStorage(TransientError):
    code = "insufficient_storage"
    http_status = 507
    default_message = (
        "The server's disk is too full. Try again later, or ask the operator to make room."
    )


class DatabaseUnavailable(TransientError):
    code = "database_unavailable"
    http_status = 503
    default_message = "The database does not answer. Nothing was accepted; try again shortly."


_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def storage_error(error: OSError) -> Exception:
    """InsufficientStorage for a disk, quota or size limit that is full; else the error itself."""
    return InsufficientStorage() if error.errno in _NO_ROOM else error


class QueueFull(TransientError):
    code = "queue_full"
    http_status = 503
    default_message = "So much audio waits already that no more is taken. Submit it again later."

    def __init__(self, message: str | None = None, *, retry_after_s: float = 60.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class JobNotFound(PermanentError):
    code = "not_found"
    http_status = 404
    default_message = "There is no such job. It may have been deleted."


class UploadNotFound(PermanentError):
    code = "not_found"
    http_status = 404
    default_message = (
        "There is no such upload. It was deleted, or kept for as long as unfinished uploads are; "
        "begin a new one."
    )


class UploadExpired(PermanentError):
    code = "upload_expired"
    http_status = 410
    default_message = "This upload's bytes are no longer here. Begin a new one."


class UploadBusy(TransientError):
    """Request to an upload to which another request is writing, perhaps the same client's."""

    code = "upload_busy"
    http_status = 423
    default_message = (
        "Another request is writing to this upload. Wait a moment, ask for its offset and go on "
        "from there."
    )


class UploadIncomplete(PermanentError):
    code = "upload_incomplete"
    http_status = 409
    default_message = "This upload is not complete. Send the rest of it first."


class OffsetMismatch(PermanentError):
    code = "offset_mismatch"
    http_status = 409
    default_message = (
        "This is not where the upload stands. Ask for its offset with HEAD and go on from there."
    )


class ChecksumMismatch(PermanentError):
    code = "checksum_mismatch"
    http_status = 460
    default_message = (
        "What arrived is not what was sent: its checksum differs. Nothing of it was kept; send it "
        "again."
    )


class TranscriptNotReady(PermanentError):
    code = "transcript_not_ready"
    http_status = 409
    default_message = "The transcript is there once the job's status is 'completed'."


class TranscriptUnreadable(PermanentError):
    code = "transcript_unreadable"
    http_status = 409
    default_message = (
        "The transcript that is stored of this job cannot be read. Restore the database from a "
        "backup, or submit the recording again."
    )


class SentenceNotFound(PermanentError):
    code = "sentence_not_found"
    http_status = 404
    default_message = "This transcript has no such sentence; they are numbered from 0."


class EditedMeanwhile(PermanentError):
    """The sentence is no longer the one that this correction was made from. `current` is what it
    is now."""

    code = "edited_meanwhile"
    http_status = 409
    default_message = (
        "Somebody corrected this sentence meanwhile. Compare both texts and send yours again with "
        "the revision that is now the newest."
    )

    def __init__(self, message: str | None = None, *, current: object = None) -> None:
        super().__init__(message)
        self.current = current


class IllegalTransition(PermanentError):
    """The job's state does not allow this: cancel a finished one, delete a running one."""

    code = "illegal_transition"
    http_status = 409
    default_message = "The job's state does not allow this."


class IdempotencyKeyReused(PermanentError):
    code = "idempotency_key_reused"
    http_status = 409
    default_message = (
        "This Idempotency-Key was used for another recording or other options. "
        "Use a new key for a new job."
    )


# --- the worker --------------------------------------------------------------------------------


class OutOfMemory(TransientError):
    code = "out_of_memory"
    default_message = (
        "Not even the smallest batch fits into the memory that is free. Close other programs "
        "on this device, or lower LONGSCRIBE_MAX_SEGMENT_S, and retry the job."
    )


class WorkerLost(TransientError):
    code = "worker_lost"
    default_message = (
        "The worker stopped during this job as often as it was tried. Retry the job; if it "
        "happens again, the worker's log says why."
    )


class Stalled(TransientError):
    code = "stalled"
    default_message = (
        "The job stopped moving and its process was ended: the device hangs, or is too slow for "
        "LONGSCRIBE_STALL_S. See that the device works (the worker's log says when it stopped), "
        "then retry the job."
    )


class DeviceFailed(TransientError):
    """The device computes nothing any more until its process has ended."""

    code = "device_failed"
    default_message = (
        "The device that recognises failed each time that this recording was tried, and the "
        "worker's log says how. Retry the job; if it happens again, update the device's driver or "
        "convert the recording to WAV."
    )


class ModelUnavailable(PermanentError):
    code = "model_unavailable"
    http_status = 503
    default_message = "The speech model cannot be loaded; the worker's log says what is missing."


class SandboxUnavailable(TransientError):
    """Recordings may be decoded in the sandbox only, and this machine has none."""

    code = "sandbox_unavailable"
    default_message = (
        "This recording may only be read in a sandbox, which the worker's machine does not have. "
        "The operator finds the reason with longscribe doctor; then retry the job."
    )


class RecognitionFailed(PermanentError):
    """The model broke its contract, for instance by another number of results than segments."""

    code = "recognition_failed"
    default_message = "The model returned something that is not a transcript."


class PunctuationFailed(TransientError):
    """The words are there, and their punctuation is not. The last attempt leaves it out, so no job
    ends with this."""

    code = "punctuation_failed"
    default_message = "Punctuation could not be added to the recognised words."


class InternalError(PermanentError):
    """Error that tasks.py records when an unexpected exception ended an attempt."""


class Cancelled(LongscribeError):
    """Raised inside the worker to leave the pipeline once a person has cancelled the job."""

    code = "cancelled"
    default_message = "The job was cancelled."


class AlreadyWritten(LongscribeError):
    """Repetition of a write that was committed before, when its COMMIT was not answered. Nothing is
    wrong."""

    code = "already_written"
    default_message = "This write was committed before."


class FenceLost(LongscribeError):
    """Write of an attempt that no longer holds the job: its lease ran out and another process ended
    it.

    Whoever sees this must stop at once and write nothing more.
    """

    code = "fence_lost"
    default_message = "This attempt no longer holds the job."


_LONGEST_WORDS = 160
"""Characters; torch explains a checkpoint that it refuses on a whole page."""


def in_a_line(error: BaseException) -> str:
    """Text of another library's exception for use in a message: its class and its first words."""
    words = " ".join(str(error).split())
    if len(words) > _LONGEST_WORDS:
        words = words[:_LONGEST_WORDS].rsplit(" ", 1)[0] + " ..."
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
