"""The service worker, at the address that lets it serve all pages of this site and no other."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

installed_app = Blueprint("installed_app", __name__)


@installed_app.get("/service-worker.js")
def service_worker() -> Response:
    """Send the script. Its folder is its scope: the path that a proxy may serve this site below."""
    response = current_app.send_static_file("js/installed_app/service_worker.js")
    response.headers["Cache-Control"] = "no-cache"
    return response
