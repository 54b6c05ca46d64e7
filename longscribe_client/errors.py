"""Errors of the client, by class, with the server's own messages."""

from __future__ import annotations


class ClientError(Exception):
    """Base of the errors here; `message` is for people, `code` for programs."""

    code = "client_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class ServerUnreachable(ClientError):
    """Server that gave no answer after all attempts, or an address of no server."""

    code = "server_unreachable"


class UnexpectedAnswer(ClientError):
    """An answer that is not of Longscribe, or of a version that differs too much."""

    code = "unexpected_answer"


class FileChanged(ClientError):
    """A file became another one while it was being sent; what is there of it is not the whole."""

    code = "file_changed"


class NotFinished(ClientError):
    """The time to wait is over; the job goes on."""

    code = "not_finished"


class JobFailed(ClientError):
    """A job, or a fetch for one, that failed or was cancelled: `id`, and why."""

    code = "job_failed"

    def __init__(self, message: str, *, code: str | None = None, id: str) -> None:
        super().__init__(message, code=code)
        self.id = id


class ApiError(ClientError):
    """An answer that is an error: its status, its code, and the field that it is about."""

    code = "http_error"

    def __init__(
        self, message: str, *, code: str | None = None, status: int = 400, param: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.param = param


class InvalidRequest(ApiError):
    """400, 422: what was asked is not understood or cannot be done."""


class AuthenticationFailed(ApiError):
    """401: the key is missing, wrong or revoked."""


class NotAllowed(ApiError):
    """403: it is for others, or switched off by the operator."""


class NotFound(ApiError):
    """404, 410: it is not there, or not any more."""


class Conflict(ApiError):
    """409, 423: the state of the job, the transcript or the upload does not allow it."""


class TooLarge(ApiError):
    """413"""


class UnsupportedMedia(ApiError):
    """415"""


class TooManyRequests(ApiError):
    """429: as much as one account may have at a time."""


class ServerBusy(ApiError):
    """500 and above: full, overloaded or out of order."""


_CLASSES: dict[int, type[ApiError]] = {
    400: InvalidRequest,
    401: AuthenticationFailed,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    413: TooLarge,
    415: UnsupportedMedia,
    422: InvalidRequest,
    423: Conflict,
    429: TooManyRequests,
}


_OF_A_PROXY = {
    413: "A proxy in front of the server takes no file of this size (status 413). Its operator may "
    "raise the limit, client_max_body_size in nginx.",
}


def error_of(status: int, body: object) -> ApiError:
    """The error that an answer tells, of the class that its status has."""
    told = body.get("error") if isinstance(body, dict) else None
    # Without words of ours it is mostly a proxy that answers.
    message = _OF_A_PROXY.get(status, f"The server answers with status {status}.")
    code, param = None, None
    if isinstance(told, dict) and isinstance(told.get("message"), str):
        message = told["message"]
        code, param = told.get("code"), told.get("param")
    kind = _CLASSES.get(status, ServerBusy if status >= 500 else ApiError)
    return kind(
        message,
        code=code if isinstance(code, str) else None,
        status=status,
        param=param if isinstance(param, str) else None,
    )
