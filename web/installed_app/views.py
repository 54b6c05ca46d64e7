"""The service worker and its page for when the server is not reached, and what both consist of."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path, PurePosixPath

from flask import Blueprint, Response, current_app, make_response, render_template, request, url_for

from web.i18n.languages import current_language, words_version

installed_app = Blueprint("installed_app", __name__)

_SCRIPT = "js/installed_app/offline.js"
_STYLES = ("css/base.css", "css/upload.css")
_PAGE = "offline"

_IMPORT = re.compile(r'(?:^import|\bfrom|\bimport\()\s*"(\.[^"]+)"', re.MULTILINE)


@installed_app.get("/service-worker.js")
def service_worker() -> Response:
    """Send the script. Its folder is its scope: the path that a proxy may serve this site below.

    Before it stand the files that it keeps and their version, so that a browser that looks for
    another script, as it does with each visit, finds one once any of them has changed.
    """
    folder = Path(str(current_app.static_folder))
    script = (folder / "js/installed_app/service_worker.js").read_text()
    static = static_files(folder)
    addresses = [url_for("static", filename=path) for path in static]
    version = words_version(current_language())
    if version is not None:
        addresses.append(url_for("preferences.words", language=current_language(), version=version))
    root = f"{request.script_root}/"
    paths = [_PAGE, *(address.removeprefix(root) for address in addresses)]
    content = hashlib.sha256((script + offline_page()).encode())
    for path in static:
        content.update((folder / path).read_bytes())
    told = {"version": content.hexdigest()[:16], "paths": paths}
    response = make_response(f"const OFFLINE = {json.dumps(told)};\n{script}")
    response.mimetype = "text/javascript"
    response.headers["Cache-Control"] = "no-cache"
    return response


@installed_app.get(f"/{_PAGE}")
def offline() -> Response:
    """Send the page that the app shows while the server is not reached: it is nobody's."""
    response = make_response(offline_page())
    response.headers["Cache-Control"] = "no-cache"
    return response


def offline_page() -> str:
    """The page in the reader's language, without anything of theirs."""
    return render_template(
        "installed_app/offline.html",
        styles=_STYLES,
        script=_SCRIPT,
        words=words_version(current_language()),
    )


@cache
def static_files(folder: Path) -> tuple[str, ...]:
    """The files of the page, with every module that its script imports, in order."""
    found: set[str] = set()
    left = [_SCRIPT]
    while left:
        path = left.pop()
        if path in found:
            continue
        found.add(path)
        for name in _IMPORT.findall((folder / path).read_text()):
            left.append(_joined(PurePosixPath(path).parent, name))
    return (*_STYLES, "icon.svg", *sorted(found))


def _joined(folder: PurePosixPath, name: str) -> str:
    parts = list(folder.parts)
    for part in name.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
