"""The web application without what answers polls from memory."""

from __future__ import annotations

from types import MethodType

from flask import Flask

from web.app import create_app as create_whole_app


def create_app() -> Flask:
    """The application as `web.app` makes it, without any of its WSGI middleware."""
    app = create_whole_app()
    app.wsgi_app = MethodType(Flask.wsgi_app, app)  # type: ignore[method-assign]
    return app
