"""Security headers on every response, and whether browsers may keep it."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request

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


def content_security_policy(**changes: str) -> str:
    """The policy, with directives replaced or added (`img_src="'self' data:"`)."""
    directives = _POLICY | {name.replace("_", "-"): value for name, value in changes.items()}
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def add_security_headers(app: Flask, *, media_origin: str | None = None) -> None:
    """Add them to every response that has none of its own. `media_origin`: players may be sent
    there."""
    media: dict[str, Any] = {}
    if media_origin is not None:
        media = {"media_src": f"{_POLICY['media-src']} {media_origin}"}
    policy = content_security_policy(**media)

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", policy)
        if request.endpoint != "static":
            # Revalidated each time: a job changes, and another person may sit at this browser.
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response
