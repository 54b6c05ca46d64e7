"""Errors of fetching a recording from an address."""

from __future__ import annotations

from shared.errors import PermanentError, TransientError


class UrlInputOff(PermanentError):
    code = "url_input_off"
    http_status = 403
    default_message = (
        "This server fetches no recordings from elsewhere. Send the file, or ask the operator for "
        "LONGSCRIBE_URL_INPUT=on."
    )


class FetchNotFound(PermanentError):
    code = "fetch_not_found"
    http_status = 404
    default_message = "There is no such fetch. It may have been too long ago."


class TooManyFetches(TransientError):
    code = "too_many_fetches"
    http_status = 429
    default_message = (
        "As many recordings are being fetched for you as may be at a time. Try again once some of "
        "them are here, or cancel one."
    )


class FetchRefused(PermanentError):
    """Answer without a recording from the address, which trying again would not change."""

    code = "fetch_refused"
    http_status = 422
    default_message = (
        "The address gives no recording. Check that it can be opened without signing in and leads "
        "to the file itself."
    )


class FetchTooLong(PermanentError):
    code = "fetch_too_long"
    http_status = 422
    default_message = (
        "The recording could not be fetched within the time that this server takes for it. Send "
        "the file, or ask the operator to raise LONGSCRIBE_FETCH_HOURS."
    )


class FetchUnreadable(PermanentError):
    code = "fetch_unreadable"
    http_status = 409
    default_message = (
        "What is stored of this fetch cannot be read, so the recording is not fetched. Ask for it "
        "again."
    )


class SourceBusy(TransientError):
    """Answer without a recording from the address, which may give it later."""

    code = "source_busy"
    http_status = 502
    default_message = "The address answered that it cannot give the recording just now."

    def __init__(self, message: str | None = None, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
