"""Errors of minutes, for the person who asks and for the attempt that writes them."""

from __future__ import annotations

from shared.errors import PermanentError, TransientError

# --- the request -------------------------------------------------------------------------------


class MinutesOff(PermanentError):
    code = "minutes_off"
    http_status = 409
    default_message = (
        "No language model is set up here to write minutes. The operator names one with "
        "LONGSCRIBE_MINUTES_URL and LONGSCRIBE_MINUTES_MODEL."
    )


class MinutesNotFound(PermanentError):
    code = "minutes_not_found"
    http_status = 404
    default_message = "Nobody has asked for minutes of this transcript."


class MinutesExist(PermanentError):
    code = "minutes_exist"
    http_status = 409
    default_message = (
        "There are minutes of this transcript, or they are being written. Ask for them again to "
        "replace those that are finished."
    )


class MinutesNotReady(PermanentError):
    code = "minutes_not_ready"
    http_status = 409
    default_message = "The minutes are there once their status is 'completed'."


class MinutesEditedMeanwhile(PermanentError):
    code = "minutes_edited_meanwhile"
    http_status = 409
    default_message = (
        "These minutes were changed meanwhile. Load them again and make your change anew."
    )


# --- the attempt -------------------------------------------------------------------------------
# What may pass is shown while it is tried again by itself, too: these texts tell nobody to do so.


class ModelServerUnreachable(TransientError):
    code = "minutes_server_unreachable"
    default_message = (
        "The language model's server does not answer. See that it runs and that "
        "LONGSCRIBE_MINUTES_URL leads there."
    )


class ModelServerSlow(ModelServerUnreachable):
    """The server took the question and gave no answer in LONGSCRIBE_MINUTES_TIMEOUT_S."""

    code = "minutes_server_slow"
    default_message = (
        "The language model's server gave no answer in the time that it has. A slow one needs a "
        "larger LONGSCRIBE_MINUTES_TIMEOUT_S, or a smaller LONGSCRIBE_MINUTES_WINDOW_TOKENS for "
        "smaller parts."
    )


class ModelServerBusy(TransientError):
    """The server answered that it cannot just now. `retry_after_s` is what it asked to wait, if it
    did."""

    code = "minutes_server_busy"
    default_message = (
        "The language model's server is busy or has failed. What it answered before is kept."
    )

    def __init__(self, message: str | None = None, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelServerRefused(PermanentError):
    """The server answered with an error that another try would meet again; `status` is HTTP's."""

    code = "minutes_server_refused"
    default_message = (
        "The language model's server refuses the request. The operator corrects "
        "LONGSCRIBE_MINUTES_URL, LONGSCRIBE_MINUTES_MODEL or LONGSCRIBE_MINUTES_API_KEY; then try "
        "again."
    )

    def __init__(self, message: str | None = None, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NoModelServer(PermanentError):
    """Answer from an address where no OpenAI-compatible API is served."""

    code = "minutes_no_model_server"
    default_message = (
        "What answers at the address of the language model is no OpenAI-compatible API. The "
        "operator corrects LONGSCRIBE_MINUTES_URL; most end with /v1."
    )


class ContextTooLong(PermanentError):
    """The question does not fit into the model's window."""

    code = "minutes_context_too_long"
    default_message = (
        "Not even a single sentence fits into the language model's window. The operator corrects "
        "LONGSCRIBE_MINUTES_WINDOW_TOKENS; then try again."
    )


class AnswerTooLarge(PermanentError):
    code = "minutes_answer_too_large"
    default_message = (
        "The language model's server sent far more than any minutes have, so its answer was "
        "dropped. Try again, or use another model."
    )


class AnswerUnusable(PermanentError):
    """The model answered twice with something else than was asked for."""

    code = "minutes_answer_unusable"
    default_message = (
        "The language model did not answer in the form that it was asked for, not even when it "
        "was told so. Try again, or use a larger model; what it has answered is kept."
    )


class WindowTooSmall(PermanentError):
    code = "minutes_window_too_small"
    default_message = (
        "The prompt leaves too little of the language model's window for the transcript. Shorten "
        "the prompt, or the operator raises LONGSCRIBE_MINUTES_WINDOW_TOKENS."
    )


class MinutesWorkerLost(TransientError):
    code = "minutes_worker_lost"
    default_message = (
        "The process that writes minutes stopped as often as these were begun. Its log says why; "
        "then try again."
    )
