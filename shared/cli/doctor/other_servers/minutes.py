"""Checks of `longscribe doctor` on the language model that writes minutes, and on its queue."""

from __future__ import annotations

from urllib.parse import urlsplit

from shared.cli.doctor.finding import Finding, ok, problem, warning
from shared.db import Database
from shared.errors import LongscribeError
from shared.minutes.errors import ModelServerRefused
from shared.minutes.minutes_queue import longest_wait_s
from shared.settings import Settings, is_loopback
from worker.minutes.model_server import ModelServer

_ANSWERS_WITHIN_S = 6.0
_BEGINS_WITHIN_S = 60.0


def check_minutes(settings: Settings) -> list[Finding]:
    """Ask the server of the language model for its models; nothing else is sent."""
    if not settings.writes_minutes:
        return [ok("minutes", "no language model is set up; nothing is sent anywhere")]
    impatient = settings.model_copy(update={"minutes_timeout_s": _ANSWERS_WITHIN_S})
    return [*_unencrypted(settings), _asked(impatient)]


def _asked(settings: Settings) -> Finding:
    host, model = settings.minutes_host, settings.minutes_model
    try:
        models = ModelServer(settings).models()
    except ModelServerRefused as error:
        if error.status in (404, 405, 501):
            # The list of models is the part of the API that fewest servers have.
            finding = f"{host} answers and lists no models, so {model} was not looked for"
            return warning("minutes", finding, "Ask for the minutes of a short transcript.")
        return problem("minutes", error.message, "Then run this again.")
    except LongscribeError as error:
        return problem("minutes", error.message, "Nothing waits for it but minutes.")
    if model not in models and f"{model}:latest" not in models:
        listed = ", ".join(models[:10]) or "none"
        return problem(
            "minutes",
            f"{host} has no model {model}; it lists {listed}",
            "Load it there, or correct LONGSCRIBE_MINUTES_MODEL.",
        )
    return ok("minutes", f"{host} has {model}; transcripts go there when their owners ask")


def _unencrypted(settings: Settings) -> list[Finding]:
    parts = urlsplit(settings.minutes_url)
    if parts.scheme == "https" or is_loopback(parts.hostname or ""):
        return []
    key = " and the key" if settings.minutes_api_key.get_secret_value() else ""
    return [
        warning(
            "minutes",
            f"transcripts{key} go to {settings.minutes_host} unencrypted",
            "Use https there, unless that network is yours.",
        )
    ]


def check_minutes_queue(db: Database, settings: Settings) -> list[Finding]:
    """Check whether a process works on the waiting requests."""
    wait_s = longest_wait_s(db)
    if wait_s < _BEGINS_WITHIN_S:
        return []
    what = "Set LONGSCRIBE_MINUTES_URL again, or cancel them."
    if settings.writes_minutes:
        what = "Start longscribe minutes-worker; its log says what it is at."
    return [
        warning("minutes", f"a request has waited for {wait_s:.0f} s, and nobody is at one", what)
    ]
