"""Evaluation of the headers of proxies in front: the request's sender and the address it was sent
to.

`X-Forwarded-Prefix` is the path that the site is served below. A proxy may take it off the path of
the request, as usual, or leave it there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from shared.settings import Settings

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+/?", re.ASCII)


def believe_proxies(app: Flask, settings: Settings) -> None:
    """Believe as many proxies as the settings say. Call it after other middleware is set up."""
    if not settings.proxies:
        return
    count = settings.proxies
    # One of them says the prefix, whatever their number.
    app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
        _Prefixed(app.wsgi_app), x_for=count, x_proto=count, x_host=count, x_prefix=1
    )


class _Prefixed:
    """WSGI middleware that brings prefix and path into the form that URLs are made from.

    A prefix that is no path is ignored: one that begins with two slashes would be another host.
    """

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        prefix = environ.get("SCRIPT_NAME", "")
        prefix = prefix.rstrip("/") if _PREFIX.fullmatch(prefix) else ""
        environ["SCRIPT_NAME"] = prefix
        path = environ.get("PATH_INFO", "")
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            environ["PATH_INFO"] = path.removeprefix(prefix)
        answer: Iterable[bytes] = self._application(environ, start_response)
        return answer
