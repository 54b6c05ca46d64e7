"""Who asks. Where sign-in is required, every address but the few named here asks for it.

A page is asked for with the cookie, the API with a key or, by our own pages, with the cookie and
the token that no other site's page knows.  What is not named is protected, new routes included.
"""

from __future__ import annotations

from flask import Flask, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFError, validate_csrf  # type: ignore[import-untyped]
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response
from wtforms.validators import ValidationError  # type: ignore[import-untyped]

from shared import accounts
from shared.accounts import Person
from shared.accounts.errors import Forbidden, PasswordIsTemporary, Unauthorized
from shared.settings import Settings
from web.errors import is_for_programs, wants_json
from web.http.security import SAFE_METHODS
from web.services import services

OPEN = frozenset(
    {
        "static",
        "health.healthz",
        "health.readyz",
        "account.sign_in",
        "account.do_sign_in",
        "account.set_up",
        "account.do_set_up",
        "preferences.words",
        "preferences.choose_language",
        "preferences.choose_theme",
    }
)
"""Endpoints that answer everybody."""

_ADMINS_ONLY = frozenset({"health.metrics_text"})
"""Beside the pages of `people`: what is counted over all owners."""

_WITH_A_TEMPORARY_PASSWORD = frozenset(
    {"account.own_password", "account.change_own_password", "account.sign_out"}
)

_TOKEN = "sign_in"
_BEARER = "bearer"


class _Cookie(SecureCookieSessionInterface):
    """Sent over HTTPS only, where the page was."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def require_sign_in(app: Flask, settings: Settings) -> None:
    """To be called before the CSRF protection of forms is set up: it asks later."""
    if settings.proxies:
        count = settings.proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=count, x_proto=count, x_host=count
        )
    app.session_interface = _Cookie()
    app.config.update(SESSION_COOKIE_HTTPONLY=True, SESSION_REFRESH_EACH_REQUEST=False)
    app.context_processor(lambda: {"person": current_person()})
    if settings.requires_sign_in:
        app.config["PERMANENT_SESSION_LIFETIME"] = round(settings.session_max_hours * 3600)
        app.before_request(_admit)


def current_person() -> Person | None:
    """Whoever asks; None where nobody signs in."""
    person: Person | None = g.get("person")
    return person


def session_limits(settings: Settings) -> accounts.SessionLimits:
    return accounts.SessionLimits(
        idle_s=settings.session_idle_hours * 3600, lifetime_s=settings.session_max_hours * 3600
    )


def begin_session(token: str) -> None:
    """A new cookie, with nothing of the old one in it: neither sign-in nor form token."""
    end_session()
    session.permanent = True
    session[_TOKEN] = token


def end_session() -> None:
    """In this browser, and in SQL, so that a copy of the cookie ends with it."""
    token = session.get(_TOKEN)
    session.clear()
    if token:
        accounts.end(services().db, token)


def _admit() -> Response | None:
    endpoint = request.endpoint
    if endpoint in OPEN and request.blueprint != "account":
        return None
    g.person = _who()
    if endpoint in OPEN:
        return None
    if g.person is None:
        return _turn_away()
    if endpoint in _ADMINS_ONLY or request.blueprint == "people":
        require_admin()
    if g.person.password_is_temporary and endpoint not in _WITH_A_TEMPORARY_PASSWORD:
        return _ask_for_a_password()
    return None


def _ask_for_a_password() -> Response | None:
    if not is_for_programs(request.path):
        return redirect(url_for("account.own_password"), 303)
    if "Authorization" in request.headers:  # a key, which only its person knows
        return None
    raise PasswordIsTemporary


def require_admin() -> None:
    person = current_person()
    if person is None or not person.is_admin:
        raise Forbidden


def _who() -> Person | None:
    here = services()
    for_programs = is_for_programs(request.path)
    if for_programs and "Authorization" in request.headers:
        # A key that is wrong is never made up for by a cookie.
        scheme, _, key = request.headers["Authorization"].partition(" ")
        return accounts.find_by_key(here.db, key.strip()) if scheme.lower() == _BEARER else None
    token = session.get(_TOKEN)
    person = accounts.find(here.db, session_limits(here.settings), token) if token else None
    if person is not None and for_programs and request.method not in SAFE_METHODS:
        _require_token()
    return person


def _require_token() -> None:
    """The browser adds the cookie to whatever another site's page sends here; a header it adds to
    nothing.  Never looked for in the body, which may be a recording."""
    try:
        validate_csrf(request.headers.get("X-CSRFToken"))
    except ValidationError as error:
        raise CSRFError(str(error)) from error


def _turn_away() -> Response:
    is_page = not wants_json() and not request.path.startswith("/fragments/")
    # A script that asked for a part of a page must not be given the sign-in page for it.
    navigates = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    if not is_page or not navigates:
        raise Unauthorized
    if request.method == "GET":
        path = request.full_path if request.query_string else request.path
        return redirect(url_for("account.sign_in", next=path), 303)
    return redirect(url_for("account.sign_in"), 303)
