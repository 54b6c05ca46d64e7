"""Protection from cross-site request forgery (CSRF): other sites' pages that make a browser change
something here. All checks stand in this module.

Without sign-in there is neither cookie nor key, and any page that a browser on this machine opens
could submit and delete jobs: what a browser says another site sent is refused. A change by cookie
needs a token besides, which other sites cannot read: in the form for pages, in a header for the
API.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Flask, request
from flask_wtf.csrf import (  # type: ignore[import-untyped]
    CSRFError,
    CSRFProtect,
    validate_csrf,
)
from wtforms.validators import ValidationError  # type: ignore[import-untyped]

from shared.errors import PermanentError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing, so another site's page may cause them."""


class CrossSiteRequest(PermanentError):
    code = "cross_site_request"
    http_status = 403
    default_message = "A page of another site sent this request. Send it from Longscribe's own."


def refuse_other_sites(app: Flask) -> None:
    """Refuse changes that a browser says another site's page asked for (CrossSiteRequest)."""
    app.before_request(_check_site)


def require_token_in_forms(app: Flask, *, exempt: Iterable[Blueprint]) -> None:
    """Require the token with every change, except in the blueprints `exempt`: sign-in calls
    `require_token_in_header` for them where a cookie says who asks.

    Sign-in comes first if it is set up before this.
    """
    # A page may stay open all day while a long recording is transcribed.
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    protection = CSRFProtect(app)
    for blueprint in exempt:
        protection.exempt(blueprint)


def require_token_in_header() -> None:
    """Require the token in the header `X-CSRFToken` if this request is a change. Raises CSRFError.

    A browser adds the cookie to what another site's page sends here, but no such header. The body
    is not searched for the token: it may be a recording.
    """
    if request.method in SAFE_METHODS:
        return
    try:
        validate_csrf(request.headers.get("X-CSRFToken"))
    except ValidationError as error:
        raise CSRFError(str(error)) from error


def _check_site() -> None:
    # Browsers set this header and pages cannot; programs that send none are not concerned.
    if request.method in SAFE_METHODS:
        return
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise CrossSiteRequest
