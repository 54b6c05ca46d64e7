"""Error responses: one JSON shape for programs, a page for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from math import ceil

import structlog
from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError  # type: ignore[import-untyped]
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import (
    ClientDisconnected,
    HTTPException,
    MethodNotAllowed,
    RequestedRangeNotSatisfiable,
)
from werkzeug.http import HTTP_STATUS_CODES

from shared.accounts.errors import TooManyAttempts
from shared.errors import DatabaseUnavailable, LongscribeError, QueueFull
from shared.export.reports.refusals import TemplateRefused
from shared.quotas.errors import QuotaExceeded
from web.error_shapes import error_object, in_shape_of
from web.i18n.languages import N_, current_language
from web.i18n.quota_text import refusal_text
from web.i18n.template_text import template_refusal_text

log = structlog.stdlib.get_logger(__name__)

_RETRY_AFTER_S = 5.0

WITH_RETRY_AFTER = frozenset({429, 503, 507})
"""Statuses that pass by themselves: each says in `Retry-After` when to ask again."""

_PROGRAMS = re.compile(r"/api(/|$)|/v[0-9]|/healthz|/readyz|/metrics")
_FOR_PEOPLE = ("/api/docs",)

_LIKE_PROGRAMS = re.compile(
    r"/(apis|audio|graphql|inference|openapi|rest|rpc|swagger|transcriptions?)([./]|$)"
    r"|.*\.(json|xml|ya?ml)$"
)
"""Paths at which programs look for another service's API, and no page of this one is."""

_METHODS_OF_PAGES = frozenset({"GET", "HEAD", "POST", "OPTIONS"})

_HTTP_ERRORS = {
    400: (
        "invalid_request",
        N_("The request is not well-formed. See /api/docs for what is expected."),
    ),
    404: ("not_found", N_("There is nothing at this address. The API is described at /api/docs.")),
    405: ("method_not_allowed", N_("This address does not take that method.")),
    413: (
        "request_too_large",
        N_("A field of the form is too large, or there are too many fields."),
    ),
    415: ("unsupported_media_type", N_("Send the request as multipart/form-data.")),
    416: (
        "range_not_satisfiable",
        N_("The Range header asks for what lies beyond the end of this."),
    ),
    500: ("internal_error", LongscribeError.default_message),
}

_INCOMPLETE_BODY = N_(
    "Less came than Content-Length announced, and then nothing for too long. What came of an "
    "upload is kept: ask for its offset and go on from there."
)

_TITLES = {
    401: N_("Not signed in"),
    403: N_("Not allowed"),
    404: N_("Not found"),
    500: N_("Something went wrong"),
    503: N_("Not available just now"),
    507: N_("The server's disk is full"),
}
"""Titles of the error pages, by HTTP status."""


class BrokenBody(OSError):
    """The chunks of a request's body, or the fields behind them, are not well-formed."""


def job_error_object(code: str, message: str) -> dict[str, str | None]:
    """Build the value of `error` of a failed job; its status follows from the stored code."""
    return error_object(message, status=status_of(code), code=code)


def status_of(code: str) -> int:
    """The HTTP status that stands for a stored code."""
    return _status_by_code().get(code, 500)


def error_classes() -> Iterator[type[LongscribeError]]:
    """Yield every class of error that the code defines, LongscribeError first."""

    def descendants(kind: type[LongscribeError]) -> Iterator[type[LongscribeError]]:
        yield kind
        for child in kind.__subclasses__():
            yield from descendants(child)

    return descendants(LongscribeError)


@cache
def _status_by_code() -> dict[str, int]:
    return {kind.code: kind.http_status for kind in error_classes()}


@cache
def _default_messages() -> dict[str, str]:
    return {kind.code: kind.default_message for kind in error_classes()}


def localised_message(code: str, message: str) -> str:
    """An error's message in the reader's language.

    A message with a file's name or a number in it has no translation of its own: readers of
    other languages get the general message of its code.
    """
    if current_language() == "en":
        return message
    translated = _(message)
    if translated != message:
        return translated
    general = _default_messages().get(code)
    return _(general) if general and code not in _GENERIC_CODES else message


_GENERIC_CODES = {"invalid_request", "internal_error"}
"""Codes with many different messages, for which the English message says more than the code."""


_STALE_PAGE = N_("This page was open for too long, or cookies are off. Go back and try again.")
_STALE_PROGRAM = N_(
    "This page is out of date: reload it and try again. A program sends an API key, and no cookie."
)


def is_for_programs(path: str) -> bool:
    """Return whether `path` is for programs: its errors are JSON, and API keys are accepted."""
    return _PROGRAMS.match(path) is not None and path not in _FOR_PEOPLE


def wants_json() -> bool:
    """Return whether this request's errors are sent as JSON: its path is for programs or looks like
    one, it prefers or sends JSON, or it is no navigation of a browser."""
    return (
        is_for_programs(request.path)
        or request.accept_mimetypes.best == "application/json"
        or _LIKE_PROGRAMS.match(request.path) is not None
        or request.method not in _METHODS_OF_PAGES
        or request.is_json
        or request.headers.get("Authorization", "").lower().startswith("bearer ")
    )


def register_error_handlers(app: Flask) -> None:
    app.register_error_handler(LongscribeError, _longscribe_error)
    app.register_error_handler(HTTPException, _http_error)
    for database_error in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(database_error, _database_error)


def localised_error(error: LongscribeError) -> str:
    """Message of an error for people, in the reader's language."""
    if isinstance(error, QuotaExceeded):
        return refusal_text(error)
    if isinstance(error, TemplateRefused):
        return template_refusal_text(error)
    return localised_message(error.code, error.message)


def _longscribe_error(error: LongscribeError) -> Response:
    return _respond(
        localised_error(error),
        status=error.http_status,
        code=error.code,
        param=error.param,
        retry_after_s=retry_after_s(error),
    )


def retry_after_s(error: LongscribeError) -> float:
    """Seconds after which the same is worth another try."""
    if isinstance(error, QueueFull | TooManyAttempts | QuotaExceeded):
        return error.retry_after_s
    return _RETRY_AFTER_S


def _database_error(error: Exception) -> Response:
    log.error("database does not answer", error=str(error))
    return _longscribe_error(DatabaseUnavailable())


def _http_error(error: HTTPException) -> Response:
    if error.response is not None:  # a redirect of the router
        return make_response(error.response)
    status = error.code or 500
    default = (f"http_{status}", f"{HTTP_STATUS_CODES.get(status, 'Error')}.")
    code, message = _HTTP_ERRORS.get(status, default)
    is_broken = isinstance(error.__cause__ or error.__context__, BrokenBody)
    if isinstance(error, ClientDisconnected) and not is_broken:  # or fell silent, and still listens
        code, message = "incomplete_body", _INCOMPLETE_BODY
    if isinstance(error, CSRFError):
        code = "csrf_failed"
        message = _STALE_PROGRAM if wants_json() else _STALE_PAGE
    response = _respond(localised_message(code, message), status=status, code=code)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    if isinstance(error, RequestedRangeNotSatisfiable):
        response.headers["Content-Range"] = f"{error.units} */{error.length}"
    return response


def _respond(
    message: str,
    *,
    status: int,
    code: str,
    param: str | None = None,
    retry_after_s: float = _RETRY_AFTER_S,
) -> Response:
    response: Response
    if wants_json():
        error = error_object(message, status=status, code=code, param=param)
        response = jsonify(in_shape_of(request.path, error))
    else:
        title = _(_TITLES[status]) if status in _TITLES else _("That did not work")
        values = {"status": status, "title": title, "message": message}
        if status == 401:
            # A token begins a session, and what was flashed is taken out of it. A script that asks
            # while nobody is signed in would put that in the place of the one in which somebody
            # signs in, in another tab, at this moment.
            values["csrf_token"] = lambda: ""
            values["get_flashed_messages"] = lambda **_options: []
        response = make_response(render_template("error.html", **values))
    return _completed(response, status=status, retry_after_s=retry_after_s)


def _completed(response: Response, *, status: int, retry_after_s: float) -> Response:
    """Set the status of an error, and the headers that belong to it."""
    response.status_code = status
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Longscribe"'
    if status in WITH_RETRY_AFTER:
        response.headers["Retry-After"] = str(ceil(retry_after_s))
    return response
