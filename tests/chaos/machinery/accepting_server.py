"""A server with the part of the API that `longscribe watch` asks for, which keeps what it accepted.

A job is done when it is asked about for the second time, and fails if its name has `bad` in it.
A transcript tells what was sent.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from tests.support.doubles.loopback import listening


@dataclass
class Upload:
    """What came of a file so far."""

    name: str
    size: int
    content: bytearray = field(default_factory=bytearray)


@dataclass
class AcceptingServer:
    """Uploads by id, and jobs by id: of which upload, and how often it was asked about."""

    port: int
    uploads: dict[str, Upload] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def submit(self, upload_id: str) -> dict[str, Any]:
        with self.lock:
            upload = self.uploads[upload_id]
            assert len(upload.content) == upload.size
            for job_id, of_upload in self.jobs.items():
                if of_upload == upload_id:
                    return self.job(job_id)
            job_id = str(uuid4())
            self.jobs[job_id] = upload_id
            return self.job(job_id)

    def job(self, job_id: str) -> dict[str, Any]:
        name = self.uploads[self.jobs[job_id]].name
        end = "failed" if "bad" in name else "completed"
        status = end if self.asked.get(job_id, 0) > 1 else "queued"
        return {"id": job_id, "filename": name, "status": status, "error": None}

    def accepted(self) -> list[tuple[str, bytes]]:
        """Of each job, the file's name and content."""
        found = [self.uploads[upload_id] for upload_id in self.jobs.values()]
        return sorted((upload.name, bytes(upload.content)) for upload in found)


def transcript_of(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


class _Handler(BaseHTTPRequestHandler):
    server_: AcceptingServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path == "/api/v1/uploads":
            encoded = self.headers["Upload-Metadata"].partition(" ")[2]
            upload = Upload(base64.b64decode(encoded).decode(), int(self.headers["Upload-Length"]))
            upload_id = str(uuid4())
            self.server_.uploads[upload_id] = upload
            self._answer(201, Location=f"/api/v1/uploads/{upload_id}")
        else:
            job = self.server_.submit(json.loads(body)["upload_id"])
            self._answer(202, json.dumps(job).encode())

    def do_HEAD(self) -> None:
        upload = self.server_.uploads[self.path.rpartition("/")[2]]
        self._answer(200, Upload_Offset=str(len(upload.content)))

    def do_PATCH(self) -> None:
        upload = self.server_.uploads[self.path.rpartition("/")[2]]
        assert int(self.headers["Upload-Offset"]) == len(upload.content)
        upload.content += self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(204)

    def do_GET(self) -> None:
        job_id = self.path.split("/")[4]
        if "/transcript" in self.path:
            content = bytes(self.server_.uploads[self.server_.jobs[job_id]].content)
            self._answer(200, transcript_of(content))
            return
        self.server_.asked[job_id] = self.server_.asked.get(job_id, 0) + 1
        self._answer(200, json.dumps(self.server_.job(job_id)).encode())

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Whoever asked was killed meanwhile."""


@contextmanager
def accepting_server() -> Iterator[AcceptingServer]:
    """The server from its start to its end."""
    made = AcceptingServer(0)
    handler = type("Bound", (_Handler,), {"server_": made})
    with listening(handler, server=_Server) as made.port:
        yield made
