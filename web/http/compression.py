"""Compression of text responses; recordings are compressed already and sent as they are."""

from __future__ import annotations

from http import HTTPStatus

from flask import Flask, Request, Response, g, request
from flask_compress import Compress

_ALGORITHMS = ["br", "gzip"]

_TEXT = [
    "application/javascript",
    "application/json",
    "application/x-subrip",
    "image/svg+xml",
    "text/css",
    "text/html",
    "text/javascript",
    "text/plain",
    "text/vtt",
]


class _CompressedFiles(dict[str, bytes]):
    """Static files by algorithm and ETag: each page asks for dozens of them, and for most only
    whether they have changed, which is answered once they are compressed."""

    def set(self, key: str, content: bytes) -> None:
        if not key.endswith(";"):  # it has an ETag
            self[key] = content


def _etag_of_file(_: Request) -> str:
    """The rest of the key; empty where the response is not a static file, and is not kept."""
    return str(g.get("static_etag", ""))


def compress_text(app: Flask) -> None:
    app.config.update(
        COMPRESS_ALGORITHM=_ALGORITHMS,
        COMPRESS_ALGORITHM_STREAMING=_ALGORITHMS,
        COMPRESS_MIMETYPES=_TEXT,
        COMPRESS_CACHE_BACKEND=_CompressedFiles,
        COMPRESS_CACHE_KEY=_etag_of_file,
    )
    Compress(app)

    @app.after_request  # runs before the one that compresses
    def read_static_file(response: Response) -> Response:
        is_whole = request.endpoint == "static" and response.status_code == HTTPStatus.OK
        if is_whole and response.mimetype in _TEXT:
            response.direct_passthrough = False
            response.make_sequence()  # what is streamed is not kept
            g.static_etag = response.get_etag()[0] or ""
        return response
