"""A server's API as JSON: what is asked is asked again until it is answered."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from longscribe_client import routes
from longscribe_client.answers import (
    busy,
    never_passes,
    no_longscribe,
    object_of,
    require_success,
    seconds_of,
    unreachable,
)
from longscribe_client.errors import ClientError, FileChanged, NotFound, ServerUnreachable
from longscribe_client.file_pieces import rest_of, state_of
from longscribe_client.http_client import open_client
from longscribe_client.models import TERMINAL
from longscribe_client.routes import Route
from longscribe_client.server_sent import Event, events

_PASSING = frozenset({429, 502, 503, 504, 507})
"""Statuses after which the same is worth another try."""
_ELSEWHERE = frozenset({409, 423})
"""Statuses of an upload that another request is writing to, or that stands elsewhere."""
_NO_ANSWER = frozenset({502, 504})
"""Statuses that a proxy answers for a server that may have done what was asked."""
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_LONGEST_PAUSE_S = 30.0
_EVENTS = "text/event-stream"
_TUS = {"Tus-Resumable": "1.0.0"}


class Connection:
    """The API below `address`, with a key where there is one.

    What fails for want of a line, of room or of time is tried again, with pauses as long as the
    server asks for by Retry-After, for `patience_s`; then ServerUnreachable or an ApiError is
    raised.  `waits` is told why, before each pause.  Threads may share it.
    """

    def __init__(
        self,
        address: str,
        key: str | None = None,
        *,
        patience_s: float = 600,
        transport: httpx2.BaseTransport | None = None,
        waits: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address.rstrip("/")
        try:
            url = httpx2.URL(self._address)
        except httpx2.InvalidURL:
            url = httpx2.URL()
        if url.scheme not in ("http", "https") or not url.host:
            raise ServerUnreachable(
                f"{address} is no address of a server; one is http://127.0.0.1:8000."
            )
        if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
            raise ClientError("What is given as an API key is none.", code="not_a_key")
        self.caller = sha256(f"{self._address} {key or ''}".encode()).hexdigest()
        """Digest of server and key, another one for each pair, which does not give the key away."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = open_client(url, headers, transport)
        self._patience_s = patience_s
        self._waits = waits
        self._sleep = sleep
        self._monotonic = monotonic

    def close(self) -> None:
        self._http.close()

    # --- jobs

    def submit(self, upload_id: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Make a job of a complete upload; the same job if there is one already."""
        return self._json(routes.SUBMIT, json={**options, "upload_id": upload_id})

    def fetch(self, url: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Have the server fetch a recording; the fetch, which has the id of the job to come."""
        once = {"Idempotency-Key": str(uuid4())}  # for an answer that did not come through
        return self._json(routes.FETCH_URL, json={**options, "url": url}, headers=once)

    def job(self, job_id: str, *, within_s: float | None = None) -> dict[str, Any]:
        """Read a job, or the fetch of a recording that comes before it. A server that is away is
        asked again for `within_s`, if that is less than `patience_s`."""
        return self._of_job_or_fetch(routes.JOB, routes.FETCH, job_id, within_s)

    def jobs(self, **query: Any) -> dict[str, Any]:
        return self._json(routes.JOBS, params=query)

    def cancel(self, job_id: str) -> dict[str, Any]:
        return self._of_job_or_fetch(routes.CANCEL_JOB, routes.CANCEL_FETCH, job_id)

    def retry(self, job_id: str) -> dict[str, Any]:
        answer = self._ask(routes.RETRY_JOB.at(job_id=job_id), done_if=(409,))
        if answer.is_success:
            return object_of(answer.text, self._address)
        job = self._json(routes.JOB.at(job_id=job_id))
        if job.get("status") in TERMINAL:
            require_success(answer)
        return job

    def again(self, job_id: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Make another job for the recording of one that has ended."""
        once = {"Idempotency-Key": str(uuid4())}
        route = routes.TRANSCRIBE_AGAIN.at(job_id=job_id)
        return self._json(route, json=dict(options), headers=once)

    def delete(self, job_id: str) -> None:
        self._ask(routes.DELETE_JOB.at(job_id=job_id), done_if=(404, 410))

    def _of_job_or_fetch(
        self, of_job: Route, of_fetch: Route, id_: str, within_s: float | None = None
    ) -> dict[str, Any]:
        try:
            return self._json(of_job.at(job_id=id_), within_s=within_s)
        except NotFound as missing:
            try:
                found = self._json(of_fetch.at(fetch_id=id_), within_s=within_s)
            except NotFound:  # a server of before may have no such address
                raise missing from None
        if found.get("status") == "submitted":  # meanwhile, or its job was deleted since
            return self._json(of_job.at(job_id=id_), within_s=within_s)
        return found

    def job_events(self, job_id: str) -> Iterator[dict[str, Any]]:
        """Yield how a job stands, at once and each time that it changes, until its end. A line that
        breaks is taken up again where it was."""
        for event in self._events(routes.JOB_EVENTS.at(job_id=job_id)):
            if event.name == "gone":
                raise NotFound("The job was deleted.", code="not_found", status=404)
            if event.name == "job":
                yield object_of(event.data, self._address)

    def list_events(self, since: str | None = None) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield what happens to jobs, for ever: `open`, `reset` or `job`, the place from which
        another call goes on, and the job."""
        for event in self._events(routes.LIST_EVENTS, since):
            if event.name in ("open", "reset", "job"):
                yield event.name, event.id or "", object_of(event.data, self._address)

    def _events(self, route: Route, seen: str | None = None) -> Iterator[Event]:
        """The events of a stream, which is opened again where it ended until it is over (204)."""
        deadline, pause_s = self._deadline(), 1.0
        while True:
            headers = {"Accept": _EVENTS}
            if seen is not None:
                headers["Last-Event-ID"] = seen
            wanted_s, is_open, why = pause_s, False, "the stream ended"
            try:
                with self._http.stream(route.method, self._at(route), headers=headers) as answer:
                    if answer.status_code == 204:
                        return
                    if answer.status_code not in _PASSING or self._monotonic() >= deadline:
                        require_success(answer)
                        if not answer.headers.get("Content-Type", "").lower().startswith(_EVENTS):
                            raise no_longscribe(self._address)
                        is_open = True
                        for event in events(answer.iter_lines()):
                            seen = event.id
                            yield event
                    else:
                        why = busy(self._address, answer.status_code).message
                        wanted_s = seconds_of(answer.headers.get("Retry-After"), pause_s)
            except httpx2.TransportError as error:
                lost = unreachable(self._address, error)
                why = lost.message
                if never_passes(error) or (not is_open and self._monotonic() >= deadline):
                    raise lost from None
            if is_open:  # however long it was
                deadline, pause_s = self._deadline(), 1.0
                wanted_s = pause_s
            self._pause(wanted_s, deadline, why)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    # --- transcripts

    def transcript(self, job_id: str, format_: str, **choices: Any) -> bytes:
        query = {"format": format_, **choices}
        return self._ask(routes.TRANSCRIPT.at(job_id=job_id), params=query).content

    def sentences(self, job_id: str, **query: Any) -> dict[str, Any]:
        """Read part of a transcript's sentences, by time or number."""
        return self._json(routes.SENTENCES.at(job_id=job_id), params=query)

    def sentence(self, job_id: str, n: int) -> dict[str, Any]:
        return self._json(routes.SENTENCE.at(job_id=job_id, n=n))

    def minutes(self, job_id: str) -> dict[str, Any]:
        return self._json(routes.MINUTES.at(job_id=job_id))

    def report(self, job_id: str, **choices: Any) -> bytes:
        return self._ask(routes.REPORT.at(job_id=job_id), params=choices).content

    def report_templates(self) -> dict[str, Any]:
        return self._json(routes.REPORT_TEMPLATES)

    def keep_report_template(self, name: str, content: bytes, **query: Any) -> dict[str, Any]:
        route = routes.KEEP_REPORT_TEMPLATE.at(template_name=name)
        return self._json(route, content=content, params=query)

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
        how many bytes are there.  Raises FileChanged where the file's length or time of change does
        not stay what it was.
        """
        as_it_was, upload_id = state_of(path), begun
        size = as_it_was[0]
        deadline, pause_s, known = self._deadline(), 1.0, -1
        while True:
            offset = None if upload_id is None else self._offset(upload_id)
            if upload_id is None or offset is None:
                upload_id, offset = self._begin(path.name, size), 0
                note(upload_id)
            if offset > known:
                deadline, pause_s, known = self._deadline(), 1.0, offset
            progress(offset)
            if state_of(path) != as_it_was:
                raise FileChanged(f"{path.name} changed while it was being sent.")
            if offset == size:
                return upload_id
            headers = {"Upload-Offset": str(offset), "Content-Length": str(size - offset)}
            wanted_s = pause_s
            try:
                route = routes.APPEND_TO_UPLOAD.at(upload_id=upload_id)
                answer = self._http.request(
                    route.method,
                    self._at(route),
                    headers={**_TUS, "Content-Type": "application/offset+octet-stream", **headers},
                    content=rest_of(path, offset, size, progress),
                )
            except httpx2.TransportError as error:
                why = unreachable(self._address, error)
                if never_passes(error) or self._monotonic() >= deadline:
                    raise why from None
            else:
                if answer.status_code not in _PASSING | _ELSEWHERE:
                    require_success(answer)
                    continue
                if self._monotonic() >= deadline:
                    require_success(answer)
                why = busy(self._address, answer.status_code)
                wanted_s = seconds_of(answer.headers.get("Retry-After"), pause_s)
            self._pause(wanted_s, deadline, why.message)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _begin(self, filename: str, size: int) -> str:
        name = base64.b64encode(filename.encode("utf-8", "replace")).decode()
        told = {"Upload-Length": str(size), "Upload-Metadata": f"filename {name}"}
        answer = self._ask(routes.CREATE_UPLOAD, headers=_TUS | told)
        upload_id = str(answer.headers.get("Location", "")).rpartition("/")[2]
        if not upload_id:
            raise no_longscribe(self._address)
        return upload_id

    def _offset(self, upload_id: str) -> int | None:
        """Number of bytes of an upload that the server has; None where the upload is gone."""
        try:
            answer = self._ask(routes.UPLOAD_OFFSET.at(upload_id=upload_id), headers=_TUS)
        except NotFound:
            return None
        offset = str(answer.headers.get("Upload-Offset", ""))
        if not (offset.isascii() and offset.isdecimal()):
            raise no_longscribe(self._address)
        return int(offset)

    # --- requests

    def _json(self, route: Route, **values: Any) -> dict[str, Any]:
        return object_of(self._ask(route, **values).text, self._address)

    def _ask(
        self,
        route: Route,
        *,
        done_if: Collection[int] = (),
        within_s: float | None = None,
        **values: Any,
    ) -> httpx2.Response:
        """Send a request that may be repeated until it is answered.

        `within_s`: for so long at most.  `done_if` are the statuses that are no error where the
        answer to an earlier try was lost: that try may have done what this one finds done.
        """
        deadline, pause_s, is_lost = self._deadline(within_s), 1.0, False
        while True:
            wanted_s = pause_s
            try:
                answer = self._http.request(route.method, self._at(route), **values)
            except httpx2.TransportError as error:
                why = unreachable(self._address, error)
                if never_passes(error) or self._monotonic() >= deadline:
                    raise why from None
                is_lost = is_lost or not isinstance(error, _NOT_SENT)
            else:
                if is_lost and answer.status_code in done_if:
                    return answer
                if answer.status_code not in _PASSING or self._monotonic() >= deadline:
                    require_success(answer)
                    return answer
                is_lost = is_lost or answer.status_code in _NO_ANSWER
                why = busy(self._address, answer.status_code)
                wanted_s = seconds_of(answer.headers.get("Retry-After"), pause_s)
            self._pause(wanted_s, deadline, why.message)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _pause(self, wanted_s: float, deadline: float, why: str) -> None:
        """Wait as long as is wanted, or until the deadline, when it is asked a last time."""
        self._waits(why)
        self._sleep(max(0.0, min(wanted_s, deadline - self._monotonic())))

    def _at(self, route: Route) -> str:
        return self._address + route.path

    def _deadline(self, within_s: float | None = None) -> float:
        patience_s = self._patience_s if within_s is None else min(self._patience_s, within_s)
        return self._monotonic() + patience_s
