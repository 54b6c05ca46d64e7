"""Security headers on every response, and the refusal of requests from other sites' pages.

The API has no cookies, but in local mode it has no keys either: without the check below any page
that a browser on this machine opens could submit and delete jobs.
"""

from __future__ import annotations

import re

from flask import Flask, Response, request

from shared.errors import PermanentError
from shared.settings import Settings, is_loopback

_POLICY = {
    "default-src": "'self'",
    # A blob is the page's own: a recording made in the browser, played before it is sent.
    "media-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: the CSRF check compares the referrer under HTTPS.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
}

_PORT = re.compile(r":\d*$")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing, so another site's page may cause them."""


class CrossSiteRequest(PermanentError):
    code = "cross_site_request"
    http_status = 403
    default_message = "A page of another site sent this request. Send it from Longscribe's own."


class WrongHost(PermanentError):
    code = "wrong_host"
    http_status = 421
    default_message = (
        "Without sign-in this server answers to localhost and 127.0.0.1 only. Open it there; "
        "behind a proxy that lets nobody else in, set LONGSCRIBE_PROXIES."
    )


def content_security_policy(**changes: str) -> str:
    """The policy, with directives replaced or added (`img_src="'self' data:"`)."""
    directives = _POLICY | {name.replace("_", "-"): value for name, value in changes.items()}
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def secure(app: Flask, settings: Settings) -> None:
    app.before_request(_refuse_other_sites)
    if not settings.requires_sign_in and not settings.proxies:
        app.before_request(_refuse_other_names)
    app.after_request(_add_headers)


def _refuse_other_sites() -> None:
    # Browsers set this header and pages cannot; programs that send none are not concerned.
    if request.method in SAFE_METHODS:
        return
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise CrossSiteRequest


def _refuse_other_names() -> None:
    """Refuse requests for host names that are not this machine's (DNS rebinding).

    Another site may point its own name at this machine; to the browser it is then the same site.
    """
    if not is_loopback(_PORT.sub("", request.host)):
        raise WrongHost


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", content_security_policy())
    if request.endpoint != "static":
        # Revalidated each time: a job changes, and another person may sit at this browser.
        response.headers.setdefault("Cache-Control", "private, no-cache")
    return response
