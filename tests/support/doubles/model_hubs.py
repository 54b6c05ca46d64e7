"""A small hub on loopback that speaks to the real clients of ModelScope and of Hugging Face.

It has models whose files lie in folders, answers ranges, and breaks off, refuses or lies as a test
tells it to.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.doubles.loopback import listening

COMMIT = "c0ffee" + "0" * 34
"""Commit, by which Hugging Face calls a version."""


@dataclass
class FakeHub:
    """Model hub with its models and its faults; `asked` are the requests for bytes: (file, first
    byte)."""

    models: dict[str, Path]
    breaks_off_after: dict[str, int] = field(default_factory=dict)
    """File to bytes: so many are sent of each answer, then the line is cut."""
    halts_after: dict[str, int] = field(default_factory=dict)
    """File to bytes: so many are sent, then nothing comes and the line stays open."""
    halted: threading.Event = field(default_factory=threading.Event)
    """Set once that happened; `let_go` ends it."""
    let_go: threading.Event = field(default_factory=threading.Event)
    refuses: int = 0
    """An HTTP status that every request gets."""
    lies: dict[str, bytes] = field(default_factory=dict)
    """File to bytes that are sent instead, the list being right."""
    hides: set[str] = field(default_factory=set)
    """Files that are not there."""
    asked: list[tuple[str, int]] = field(default_factory=list)
    url: str = ""

    def files(self, model: str) -> dict[str, bytes]:
        folder = self.models[model]
        return {
            file.name: file.read_bytes()
            for file in sorted(folder.iterdir())
            if file.name not in self.hides
        }

    @property
    def modelscope_environment(self) -> dict[str, str]:
        return {"MODELSCOPE_ENDPOINT": self.url, "LONGSCRIBE_MODEL_HUB": "modelscope"}

    @property
    def huggingface_environment(self) -> dict[str, str]:
        return {"HF_ENDPOINT": self.url, "LONGSCRIBE_MODEL_HUB": "huggingface"}


def run_models(
    folder: Path, environment: Mapping[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """`longscribe models` for somebody whose data and hubs' caches are in `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "shared.cli", "models", *arguments],
        env={
            **os.environ,
            "HF_HOME": str(folder / "hf"),
            "MODELSCOPE_CACHE": str(folder / "ms"),
            "LONGSCRIBE_DATA_DIR": str(folder / "data"),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@contextmanager
def serving(hub: FakeHub) -> Iterator[FakeHub]:
    """The hub, answering at its `url`."""
    with listening(_handler(hub)) as port:
        hub.url = f"http://127.0.0.1:{port}"
        try:
            yield hub
        finally:
            hub.let_go.set()


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            split = urlsplit(self.path)
            path, query = unquote(split.path), parse_qs(split.query)
            if hub.refuses:
                self._json({"Code": hub.refuses, "Message": "refused"}, hub.refuses)
            elif listed := re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)/repo/files", path):
                self._modelscope_list(listed[1])
            elif re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)/repo", path):
                model = path.removeprefix("/api/v1/models/").removesuffix("/repo")
                self._file(model, query["FilePath"][0])
            elif told := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/[^/]+", path):
                self._huggingface_info(told[1])
            elif asked := re.fullmatch(r"/(?:models/)?([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
                self._file(asked[1], asked[2])
            else:
                self._not_found()

        def _modelscope_list(self, model: str) -> None:
            if model not in hub.models:
                self._not_found()
                return
            files = [
                {
                    "Path": name,
                    "Name": name,
                    "Type": "blob",
                    "Size": len(content),
                    "Sha256": hashlib.sha256(content).hexdigest(),
                }
                for name, content in hub.files(model).items()
            ]
            self._json({"Code": 200, "Success": True, "Data": {"Files": files}})

        def _huggingface_info(self, model: str) -> None:
            if model not in hub.models:
                self._not_found()
                return
            siblings = [
                {
                    "rfilename": name,
                    "size": len(content),
                    "lfs": {
                        "sha256": hashlib.sha256(content).hexdigest(),
                        "size": len(content),
                        "pointerSize": 134,
                    },
                }
                for name, content in hub.files(model).items()
            ]
            self._json({"id": model, "sha": COMMIT, "siblings": siblings})

        def _file(self, model: str, name: str) -> None:
            content = hub.files(model).get(name) if model in hub.models else None
            if content is None:
                self._not_found()
                return
            etag = hashlib.sha256(content).hexdigest()
            content = hub.lies.get(name, content)
            first = int((re.match(r"bytes=(\d+)-", self.headers.get("Range", "")) or [0, 0])[1])
            if self.command == "GET":
                hub.asked.append((name, first))
            self.send_response(206 if first else 200)
            self.send_header("Content-Length", str(len(content) - first))
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("ETag", f'"{etag}"')
            self.send_header("X-Linked-ETag", f'"{etag}"')
            self.send_header("X-Linked-Size", str(len(content)))
            self.send_header("X-Repo-Commit", COMMIT)
            if first:
                last = len(content) - 1
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
            self.end_headers()
            if self.command == "HEAD":
                return
            if (halt := hub.halts_after.get(name)) is not None:
                self.wfile.write(content[first : first + halt])
                self.wfile.flush()
                hub.halted.set()
                hub.let_go.wait()
                self.close_connection = True
                return
            most = hub.breaks_off_after.get(name)
            self.wfile.write(content[first:] if most is None else content[first : first + most])
            if most is not None and first + most < len(content):
                self.wfile.flush()
                self.close_connection = True

        def _not_found(self) -> None:
            self.send_response(404)
            body = json.dumps({"Code": 404, "Message": "not found", "error": "not found"}).encode()
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _json(self, value: Any, status: int = 200) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler
