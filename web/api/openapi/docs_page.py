"""The API's documentation, served without requests to other hosts."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, make_response, render_template, request

from web.api.openapi.document import SPEC_PATH, document
from web.http.security_headers import content_security_policy

docs = Blueprint("docs", __name__)


@docs.get(SPEC_PATH)
def openapi_document() -> Response:
    """Serve the OpenAPI document, with the path that a proxy serves the API below."""
    below = {"servers": [{"url": request.script_root}]} if request.script_root else {}
    return jsonify(document() | below)


@docs.get("/api/docs")
def swagger_ui() -> Response:
    """Serve Swagger UI."""
    response = make_response(render_template("api_docs.html"))
    # Swagger UI draws its icons from data: addresses and sets styles as it goes.
    response.headers["Content-Security-Policy"] = content_security_policy(
        img_src="'self' data:", style_src="'self' 'unsafe-inline'"
    )
    return response
