"""Refusal of requests for host names that are not this machine's, against DNS rebinding.

Another site may point its own name at this machine; to the browser it is then the same site.
"""

from __future__ import annotations

import re

from flask import Flask, request

from shared.errors import PermanentError
from shared.settings import Settings, is_loopback

_PORT = re.compile(r":\d*$")


class WrongHost(PermanentError):
    code = "wrong_host"
    http_status = 421
    default_message = (
        "Without sign-in this server answers to localhost and 127.0.0.1 only. Open it there; "
        "behind a proxy that lets nobody else in, set LONGSCRIBE_PROXIES."
    )


def refuse_other_hosts(app: Flask, settings: Settings) -> None:
    """Answer to loopback names only (else WrongHost), unless sign-in or a proxy guards the app."""
    if not settings.requires_sign_in and not settings.proxies:
        app.before_request(_check_host)


def _check_host() -> None:
    if not is_loopback(_PORT.sub("", request.host)):
        raise WrongHost
