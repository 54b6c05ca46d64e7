"""The port on which a worker's main process tells how it is, and the file that names it.

/healthz  200 while it is alive, else 503
/readyz   200 while it could claim a job, else 503 and what keeps it
/metrics  for Prometheus
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import structlog

from shared.settings import Settings
from worker.supervision.health import Health
from worker.supervision.worker_files import health_file, health_folder

log = structlog.get_logger(__name__)

_SLOW_CLIENT_S = 5.0
_MOST_CLIENTS = 16


class HealthServer:
    """Serves `health` on threads of its own until stopped.

    A port that is taken is logged and costs the port alone: the file is written all the same.
    """

    def __init__(self, settings: Settings, health: Health) -> None:
        self._settings = settings
        self._health = health
        # Once: a mount that is gone answers nobody who asks for the path later.
        self._data_dir = str(settings.data_dir.resolve())
        self._server: _Server | None = None

    def start(self) -> None:
        port = self._settings.worker_health_port
        if port != "off":
            try:
                address = (self._settings.worker_health_host, 0 if port == "auto" else port)
                self._server = _Server(address, self._health)
                threading.Thread(
                    target=self._server.serve_forever, name="health", daemon=True
                ).start()
                log.info("tells how it is", address=self.address)
            except OSError as error:
                log.error("tells how it is in the health file alone", error=str(error))
        self.write_file()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    @property
    def address(self) -> str | None:
        """Address at which it answers; None without a port."""
        if self._server is None:
            return None
        host, port = self._server.server_address[:2]
        name = f"[{host!s}]" if ":" in str(host) else str(host)
        return f"http://{name}:{port}"

    @property
    def _path(self) -> Path:
        return health_file(self._settings.resolved_health_dir, os.getpid())

    def write_file(self) -> None:
        """Tell in the health file how the worker is at this moment; a full disk keeps the last."""
        told = {
            **self._health.report(),
            "address": self.address,
            "data_dir": self._data_dir,
            "told_at": time.time(),
        }
        with contextlib.suppress(OSError):
            health_folder(self._settings.resolved_health_dir)
            draft = self._path.with_suffix(".draft")
            draft.write_text(json.dumps(told))
            draft.rename(self._path)


class _Server(ThreadingHTTPServer):
    """Answers `_MOST_CLIENTS` at a time, and closes on the next: a thread each is all it has."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], health: Health) -> None:
        self.health = health
        self._places = threading.BoundedSemaphore(_MOST_CLIENTS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()


class _Handler(BaseHTTPRequestHandler):
    timeout = _SLOW_CLIENT_S
    server: _Server

    def do_GET(self) -> None:
        health = self.server.health
        match self.path.partition("?")[0]:
            case "/healthz":
                ills = health.ills()
                self._answer({"status": "ill" if ills else "ok", "ills": ills}, well=not ills)
            case "/readyz":
                self._answer(health.report(), well=not health.obstacles())
            case "/metrics":
                kind = "text/plain; version=0.0.4; charset=utf-8"
                self._send(HTTPStatus.OK, health.metrics(), kind)
            case _:
                self._send(HTTPStatus.NOT_FOUND, b'{"status": "not_found"}', "application/json")

    do_HEAD = do_GET  # noqa: N815

    def _answer(self, told: dict[str, object], *, well: bool) -> None:
        status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
        self._send(status, json.dumps(told).encode(), "application/json")

    def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: it is asked every few seconds."""
