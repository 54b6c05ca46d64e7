"""A server's API as these commands use it: what is asked is asked again until it is answered."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from shared.errors import LongscribeError

_PIECE_BYTES = 256 * 1024
_PASSING = frozenset({429, 502, 503, 504, 507})
"""Statuses after which the same is worth another try."""
_ELSEWHERE = frozenset({409, 423})
"""Statuses of an upload that another request is writing to, or that stands elsewhere."""
_LONGEST_PAUSE_S = 30.0
_TIMEOUT = httpx2.Timeout(150, connect=15)
"""Seconds: the end of an upload may hash gigabytes."""

_TUS = {"Tus-Resumable": "1.0.0"}


class ServerUnreachable(LongscribeError):
    code = "server_unreachable"


class ServerRefused(LongscribeError):
    """What the server answers with an error; `code` is its own."""

    code = "server_refused"

    def __init__(
        self, message: str | None = None, *, code: str = "server_refused", status: int = 400
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Server:
    """The API below `address`, with a key where there is one.

    What fails for want of a line, of room or of time is tried again, with pauses, for
    `patience_s`; then ServerUnreachable or ServerRefused is raised.
    """

    def __init__(
        self,
        address: str,
        key: str | None = None,
        *,
        patience_s: float = 600,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._address = address.rstrip("/")
        try:
            url = httpx2.URL(self._address)
        except httpx2.InvalidURL:
            url = httpx2.URL()
        if url.scheme not in ("http", "https") or not url.host:
            raise ServerUnreachable(
                f"{address} is no address of a server; one is http://127.0.0.1:8000."
            )
        self._http = httpx2.Client(headers=headers, timeout=_TIMEOUT, transport=transport)
        self._patience_s = patience_s
        self._sleep = sleep
        self._monotonic = monotonic

    def close(self) -> None:
        self._http.close()

    # --- jobs

    def submit(self, upload_id: str, options: dict[str, Any]) -> dict[str, Any]:
        """Make a job of a complete upload; the same job if there is one already."""
        return self._json("POST", "/api/v1/jobs", json={**options, "upload_id": upload_id})

    def fetch(self, url: str, options: dict[str, Any]) -> dict[str, Any]:
        """Have the server fetch a recording; the fetch, which has the id of the job to come."""
        once = {"Idempotency-Key": str(uuid4())}  # for an answer that did not come through
        return self._json("POST", "/api/v1/fetches", json={**options, "url": url}, headers=once)

    def job(self, job_id: str) -> dict[str, Any]:
        """How a job stands, or a recording that is still being fetched for one."""
        return self._of_job_or_fetch("GET", job_id)

    def jobs(self, **query: Any) -> dict[str, Any]:
        return self._json("GET", "/api/v1/jobs", params=query)

    def cancel(self, job_id: str) -> dict[str, Any]:
        return self._of_job_or_fetch("POST", job_id, "/cancel")

    def _of_job_or_fetch(self, method: str, id_: str, path: str = "") -> dict[str, Any]:
        try:
            return self._json(method, f"/api/v1/jobs/{id_}{path}")
        except ServerRefused as refused:
            if refused.status != 404:
                raise
            try:
                return self._json(method, f"/api/v1/fetches/{id_}{path}")
            except ServerRefused:  # a server of before may have no such address
                raise refused from None

    def transcript(self, job_id: str, format_: str) -> bytes:
        path = f"/api/v1/jobs/{job_id}/transcript"
        return self._ask("GET", path, params={"format": format_}).content

    def sentences(self, job_id: str, **query: Any) -> dict[str, Any]:
        """Some of a transcript's sentences, by time and so many at once."""
        return self._json("GET", f"/api/v1/jobs/{job_id}/sentences", params=query)

    def sentence(self, job_id: str, n: int) -> dict[str, Any]:
        return self._json("GET", f"/api/v1/jobs/{job_id}/sentences/{n}")

    def minutes(self, job_id: str) -> dict[str, Any]:
        return self._json("GET", f"/api/v1/jobs/{job_id}/minutes")

    # --- uploads

    def upload(
        self,
        path: Path,
        *,
        begun: str | None = None,
        note: Callable[[str], None] = lambda _: None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> str:
        """Send a file and return the upload's id.

        `begun` is the id of one that was begun before, which goes on where it stands if the server
        still has it.  `note` is told the id of a new one before its first byte is sent, `progress`
        how many bytes are there.
        """
        size, upload_id = path.stat().st_size, begun
        deadline, pause_s, known = self._deadline(), 1.0, -1
        while True:
            offset = None if upload_id is None else self._offset(upload_id)
            if upload_id is None or offset is None:
                upload_id, offset = self._begin(path.name, size), 0
                note(upload_id)
            if offset > known:
                deadline, pause_s, known = self._deadline(), 1.0, offset
            progress(offset)
            if offset == size:
                return upload_id
            headers = {"Upload-Offset": str(offset), "Content-Length": str(size - offset)}
            try:
                answer = self._http.patch(
                    self._at(f"/api/v1/uploads/{upload_id}"),
                    headers={**_TUS, "Content-Type": "application/offset+octet-stream", **headers},
                    content=_rest(path, offset, progress),
                )
            except httpx2.TransportError as error:
                if self._monotonic() > deadline:
                    raise _unreachable(self._address, error) from None
            else:
                if answer.status_code not in _PASSING | _ELSEWHERE:
                    _require_success(answer)
                    continue
                if self._monotonic() > deadline:
                    _require_success(answer)
            self._sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _begin(self, filename: str, size: int) -> str:
        name = base64.b64encode(filename.encode("utf-8", "replace")).decode()
        told = {"Upload-Length": str(size), "Upload-Metadata": f"filename {name}"}
        answer = self._ask("POST", "/api/v1/uploads", headers=_TUS | told)
        return str(answer.headers["Location"]).rpartition("/")[2]

    def _offset(self, upload_id: str) -> int | None:
        """How much of an upload is there; None where it is gone."""
        try:
            answer = self._ask("HEAD", f"/api/v1/uploads/{upload_id}", headers=_TUS)
        except ServerRefused as refused:
            if refused.status in (404, 410):
                return None
            raise
        return int(answer.headers["Upload-Offset"])

    # --- requests

    def _json(self, method: str, path: str, **values: Any) -> dict[str, Any]:
        answer = self._ask(method, path, **values)
        try:
            value = answer.json()
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise ServerUnreachable(f"{self._address} answers, but is no Longscribe.")
        return value

    def _ask(self, method: str, path: str, **values: Any) -> httpx2.Response:
        """Send a request that may be repeated until it is answered."""
        deadline, pause_s = self._deadline(), 1.0
        while True:
            wanted_s = pause_s
            try:
                answer = self._http.request(method, self._at(path), **values)
            except httpx2.TransportError as error:
                if self._monotonic() + pause_s > deadline:
                    raise _unreachable(self._address, error) from None
            else:
                if answer.status_code not in _PASSING or self._monotonic() + pause_s > deadline:
                    _require_success(answer)
                    return answer
                wanted_s = _seconds(answer.headers.get("Retry-After"), pause_s)
            self._sleep(min(wanted_s, _LONGEST_PAUSE_S))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _at(self, path: str) -> str:
        return self._address + path

    def _deadline(self) -> float:
        return self._monotonic() + self._patience_s


def _rest(path: Path, offset: int, progress: Callable[[int], None]) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset, os.SEEK_SET)
        while piece := file.read(_PIECE_BYTES):
            yield piece
            offset += len(piece)
            progress(offset)


def _require_success(answer: httpx2.Response) -> None:
    """Raises ServerRefused for an answer that is an error."""
    if answer.is_success:
        return
    try:
        error = answer.json()["error"]
        message, code = str(error["message"]), str(error["code"])
    except (ValueError, LookupError, TypeError):
        message, code = f"The server answers with status {answer.status_code}.", "http_error"
    if answer.status_code == 401:
        message += " Set LONGSCRIBE_API_KEY or --key-file; the account page makes keys."
    raise ServerRefused(message, code=code, status=answer.status_code)


def _unreachable(address: str, error: Exception) -> ServerUnreachable:
    return ServerUnreachable(f"{address} cannot be reached: {error or type(error).__name__}")


def _seconds(header: str | None, otherwise: float) -> float:
    return float(header) if header is not None and header.isdecimal() else otherwise
