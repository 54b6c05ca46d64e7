"""Addresses of scripts and styles that change with them, so that a browser asks for each once."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

_FOR_GOOD = "public, max-age=31536000, immutable"

_ONE_RANGE = re.compile("bytes=([0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})")

_Stamp = tuple[int, int, int]

_UNVERSIONED = (".webmanifest",)
"""Suffixes of files whose own address is told to others: what a manifest names is relative to it,
and an installed app keeps it."""


def version_static_files(app: Flask) -> None:
    """Serve static files below an address with their version too, and have `url_for` name that.

    A page asks for dozens of modules, which name each other by relative addresses and so have the
    version of the page.  Without one a browser asks at each page whether any of them has changed.
    """
    folder = Path(str(app.static_folder))
    stamps, version = _hashed_once(folder)
    app.add_url_rule("/static/v-<version>/<path:filename>", endpoint="static")

    @app.endpoint("static")
    def send(filename: str, version: str = "", current: str = version) -> Response:
        # What is not understood, several parts and other units among it, would be refused the file.
        if request.method != "GET" or not _ONE_RANGE.fullmatch(request.headers.get("Range", "")):
            request.environ.pop("HTTP_RANGE", None)
        response = app.send_static_file(filename)
        # Not another server's version, where two share the work; nor what an upgrade has put in the
        # place of a file since this process began, which going back would find under this address.
        if version == current and stamps.get(filename) == _stamp(folder / filename):
            response.headers["Cache-Control"] = _FOR_GOOD
        return response

    @app.url_defaults
    def name_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and not values["filename"].endswith(_UNVERSIONED):
            values.setdefault("version", version)


def version_of(folder: Path) -> str:
    """The same for the same files, wherever they are served, and another once one has changed."""
    content = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode())
            content.update(path.read_bytes())
    return content.hexdigest()[:12]


@cache
def _hashed_once(folder: Path) -> tuple[dict[str, _Stamp | None], str]:
    """The stamp of each file, taken before it was read, and the version of all."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    stamps = {path.relative_to(folder).as_posix(): _stamp(path) for path in paths}
    return stamps, version_of(folder)


def _stamp(path: Path) -> _Stamp | None:
    """What is another once a file has been written or replaced; None of one that is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
