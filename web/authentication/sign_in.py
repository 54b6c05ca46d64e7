"""Authentication of requests: where sign-in is required, by all endpoints but those in OPEN.

Pages accept the session cookie. The API accepts a key or, from our own pages, the cookie together
with the CSRF token (`web.http.csrf`); what has the shape of another's service, a key only.  A new
route is protected unless it is named.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from flask import Flask, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from werkzeug.wrappers import Response

from shared import accounts
from shared.accounts import Person
from shared.accounts.credentials import digest
from shared.accounts.errors import Forbidden, PasswordIsTemporary, Unauthorized
from shared.settings import Settings
from web.authentication.actor import acts_for
from web.errors import is_for_programs, wants_json
from web.http.csrf import require_token_in_header
from web.i18n.languages import N_
from web.services import services
from web.site_address import cookie_path, page_address

OPEN = frozenset(
    {
        "static",
        "health.healthz",
        "health.readyz",
        "account.sign_in",
        "account.do_sign_in",
        "account.begin_at_provider",
        "account.answer_of_provider",
        "account.second_step",
        "account.do_second_step",
        "account.set_up",
        "account.do_set_up",
        "preferences.words",
        "preferences.choose_language",
        "preferences.choose_theme",
        "installed_app.service_worker",
        "installed_app.offline",
        "dashscope.get_transcription",
        "links.open_transcript",
        "links.play_recording",
        "links.get_peaks",
    }
)
"""Endpoints that need no sign-in; the last four's addresses have a signature or a token that
opens them."""

_OF_ADMINS = frozenset({"people", "erasure", "groups_page", "audit", "audit_page"})
"""Blueprints for administrators."""

_ADMINS_ONLY = frozenset({"health.metrics_text", "server.overview"})
"""Endpoints for administrators beside those: figures over all owners."""

_WITH_A_TEMPORARY_PASSWORD = frozenset(
    {"account.own_password", "account.change_own_password", "account.sign_out"}
)
"""Endpoints that a person with a temporary password may use before choosing another."""

_BY_KEY_ONLY = frozenset({"assemblyai", "dashscope", "openai"})
"""Blueprints in the shape of others' services, whose clients have keys: no cookie opens them."""

_BY_BARE_KEY = frozenset({"assemblyai"})
"""Blueprints whose clients send the key without `Bearer` before it."""

_TOKEN = "sign_in"
_NO_SUCH_KEY = N_(
    "This API key opens nothing: it is none, was revoked, or its account is disabled. The account "
    "page makes another."
)

_BEARER = "bearer"

_LOOK_EVERY_S = 0.9
"""Least time between two looks at a key or sign-in, seconds; who asks for its events is told within
a second of a change."""


class _Cookie(SecureCookieSessionInterface):
    """The session cookie: for this site only, and marked `Secure` where HTTPS is spoken."""

    def get_cookie_path(self, app: Flask) -> str:
        return cookie_path()

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def require_sign_in(app: Flask, settings: Settings) -> None:
    """Set up the session cookie and, where the settings require it, sign-in for every request.

    Call it before `require_token_in_forms`, so that sign-in is checked first.
    """
    app.session_interface = _Cookie()
    app.config.update(SESSION_COOKIE_HTTPONLY=True, SESSION_REFRESH_EACH_REQUEST=False)
    app.context_processor(lambda: {"person": current_person(), "sign_in_mark": _sign_in_mark()})
    if settings.requires_sign_in:
        app.config["PERMANENT_SESSION_LIFETIME"] = round(settings.session_max_hours * 3600)
        app.before_request(_admit)


def current_person() -> Person | None:
    """Return the person who sent this request; None without sign-in."""
    person: Person | None = g.get("person")
    return person


def current_credential() -> accounts.Credential | None:
    """Return what this request proved its sender by; None without sign-in."""
    credential: accounts.Credential | None = g.get("credential")
    return credential


def still_admitted() -> Callable[[], bool]:
    """A function that answers which go on for long ask before each part: whether the key or sign-in
    that they began with still opens anything. It looks at most once in _LOOK_EVERY_S, and needs no
    request. Raises what the database raises."""
    find: Callable[[], Person | None] | None = g.get("find_person")
    looked_at, stands = time.monotonic(), True

    def stands_now() -> bool:
        nonlocal looked_at, stands
        if find is not None and stands and time.monotonic() - looked_at >= _LOOK_EVERY_S:
            looked_at = time.monotonic()
            stands = find() is not None
        return stands

    return stands_now


def _sign_in_mark() -> str:
    """Mark by which a page's scripts tell one sign-in from another, and which gives no access; ""
    without a sign-in."""
    credential = current_credential()
    return "" if credential is None else digest(credential.sha256)[:16]


def begin_session(token: str) -> None:
    """Put the token of a new sign-in into a new cookie, without anything of the old one."""
    end_session()
    session.permanent = True
    session[_TOKEN] = token


def end_session() -> None:
    """End the sign-in in this browser and in SQL, so that a copy of the cookie is of no use. The
    rest of this request is nobody's."""
    token = session.get(_TOKEN)
    session.clear()
    g.pop("person", None)
    if token:
        accounts.end(services().db, token)


def _admit() -> Response | None:
    """Let a request through (None), or respond in its place.

    Raises Unauthorized, Forbidden, PasswordIsTemporary or CSRFError.
    """
    endpoint = request.endpoint
    if endpoint in OPEN and request.blueprint != "account":
        return None
    g.person = _who()
    if g.person is not None:
        acts_for(g.person, current_credential())
    if endpoint in OPEN:
        return None
    if g.person is None:
        return _turn_away()
    if endpoint in _ADMINS_ONLY or request.blueprint in _OF_ADMINS:
        require_admin()
    if g.person.password_is_temporary and endpoint not in _WITH_A_TEMPORARY_PASSWORD:
        return _ask_for_a_password()
    return None


def _ask_for_a_password() -> Response | None:
    if not is_for_programs(request.path):
        return redirect(url_for("account.own_password"), 303)
    if "Authorization" in request.headers:  # only the person knows the key
        return None
    raise PasswordIsTemporary


def require_admin() -> None:
    """Refuse everybody but administrators. Raises Forbidden."""
    person = current_person()
    if person is None or not person.is_admin:
        raise Forbidden


def _who() -> Person | None:
    """Find the person who sent this request, by API key or cookie. Raises CSRFError."""
    here = services()
    for_programs = is_for_programs(request.path)
    if for_programs and "Authorization" in request.headers:
        # A wrong key is refused even where the cookie is right.
        given = request.headers["Authorization"].strip()
        if request.blueprint in _BY_BARE_KEY and " " not in given:
            given = f"{_BEARER} {given}"
        scheme, _, key = given.partition(" ")
        if scheme.lower() != _BEARER:
            return None
        g.credential = accounts.key_credential(key.strip())
        g.find_person = partial(accounts.find_by_key, here.db, key.strip())
        person: Person | None = g.find_person()
        g.key_opens_nothing = person is None
        return person
    token = None if request.blueprint in _BY_KEY_ONLY else session.get(_TOKEN)
    if not token:
        return None
    g.credential = accounts.session_credential(token)
    g.find_person = partial(accounts.find, here.db, accounts.session_limits(here.settings), token)
    person = g.find_person()
    if person is not None and for_programs:
        require_token_in_header()
    return person


def _turn_away() -> Response:
    """Send a browser to the sign-in page. Raises Unauthorized for programs and scripts."""
    if g.get("key_opens_nothing"):
        raise Unauthorized(_NO_SUCH_KEY)
    is_page = not wants_json() and not request.path.startswith("/fragments/")
    # A script that fetches a part of a page must not receive the sign-in page instead.
    navigates = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    if not is_page or not navigates:
        raise Unauthorized
    if request.method == "GET":
        return redirect(url_for("account.sign_in", next=page_address()), 303)
    return redirect(url_for("account.sign_in"), 303)
