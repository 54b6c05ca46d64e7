"""Compression of text responses; recordings are compressed already and sent as they are."""

from __future__ import annotations

from flask import Flask
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


def compress_text(app: Flask) -> None:
    app.config.update(
        COMPRESS_ALGORITHM=_ALGORITHMS,
        COMPRESS_ALGORITHM_STREAMING=_ALGORITHMS,
        COMPRESS_MIMETYPES=_TEXT,
    )
    Compress(app)
