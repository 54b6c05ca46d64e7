"""Clients that bring recordings: in one request, and in pieces."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Iterator, Sequence

import requests

from tests.chaos.soak.client_log import Accepted, ClientLog
from tests.chaos.soak.clients.client import BUSY, Client
from tests.chaos.soak.recordings import WEIGHTS, SoakRecording

_TUS = {"Tus-Resumable": "1.0.0"}


class _Sender(Client):
    """Sends recordings while fewer than `most_waiting` jobs are unfinished."""

    def __init__(
        self,
        log: ClientLog,
        urls: Sequence[str],
        seed: int,
        recordings: Sequence[SoakRecording],
        most_waiting: int,
    ) -> None:
        super().__init__(log, urls, seed)
        self._recordings = recordings
        self._most_waiting = most_waiting


class Submitter(_Sender):
    """Submits, three in ten with a key, and sends half of those twice: one job must come of it."""

    pause_s = 0.4

    def act(self) -> None:
        if self.log.waiting() >= self._most_waiting:
            return
        (recording,) = self.random.choices(self._recordings, WEIGHTS)
        if self.random.random() >= 0.3:
            self._post(recording, key=None)
            return
        key = uuid.UUID(int=self.random.getrandbits(128)).hex
        first = self._post_until_answered(recording, key)
        if first is not None and self.random.random() < 0.5:
            again = self._post_until_answered(recording, key)
            if again is not None and again.job_id != first.job_id:
                self.log.complain(f"key {key} made two jobs: {first.job_id}, {again.job_id} (P2)")
            self.log.count("repeated")
        if first is not None:
            first.keyed = False

    def _post_until_answered(self, recording: SoakRecording, key: str) -> Accepted | None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            accepted = self._post(recording, key=key)
            if accepted is not None:
                return accepted
            if self.stopped.wait(0.3):
                return None
        return None

    def _post(self, recording: SoakRecording, *, key: str | None) -> Accepted | None:
        begun = time.monotonic()
        name = _name(self, key)
        answer = self.ask(
            "POST",
            "/api/v1/jobs",
            files={"file": (f"{name}.wav", recording.content)},
            headers={"Idempotency-Key": key} if key else {},
        )
        if answer is None:
            return None
        if answer.status_code != 202:
            self.log.count(f"submission answered {answer.status_code}")
            return None
        self.log.took(time.monotonic() - begun)
        accepted = Accepted(
            answer.json()["id"], recording.sha256, keyed=key is not None, words=[name]
        )
        self.log.enter(accepted)
        return accepted


class PieceUploader(_Sender):
    """Uploads in pieces, each to either server, of which some are cut off: what was acknowledged
    stays, and one job comes of it however often it is asked for."""

    pause_s = 1.5

    def act(self) -> None:
        if self.log.waiting() >= self._most_waiting:
            return
        (recording,) = self.random.choices(self._recordings, WEIGHTS)
        name = _name(self, None)
        path = self._begin(recording, name)
        if path is not None and self._send(path, recording.content):
            self._submit(path, recording, name)

    def _begin(self, recording: SoakRecording, name: str) -> str | None:
        filename = base64.b64encode(f"{name}.wav".encode()).decode()
        answer = self.ask(
            "POST",
            "/api/v1/uploads",
            headers=_TUS
            | {
                "Upload-Length": str(len(recording.content)),
                "Upload-Metadata": f"filename {filename}",
            },
        )
        if answer is None or answer.status_code != 201:
            return None
        return str(answer.headers["Location"])

    def _send(self, path: str, content: bytes) -> bool:
        """Whether all of it arrived before the client was stopped."""
        acknowledged = 0
        while acknowledged < len(content):
            if self.stopped.wait(0.05):
                return False
            at = self._offset(path)
            if at is None:
                continue
            if at < acknowledged:
                self.log.complain(f"{path}: {acknowledged} bytes acknowledged, {at} kept (P1)")
                return False
            acknowledged = at
            piece = content[at : at + self.random.randint(1, len(content))]
            answer = self.ask(
                "PATCH",
                path,
                data=self._cut(piece) if self.random.random() < 0.3 else piece,
                headers=_TUS
                | {
                    "Upload-Offset": str(at),
                    "Content-Type": "application/offset+octet-stream",
                },
            )
            if answer is not None and answer.status_code == 204:
                acknowledged = int(answer.headers["Upload-Offset"])
        return True

    def _cut(self, piece: bytes) -> Iterator[bytes]:
        """A chunked body whose sender breaks down on the way."""
        yield piece[: self.random.randint(0, len(piece))]
        self.log.count("piece cut off")
        raise requests.ConnectionError("cut off on purpose")

    def _offset(self, path: str) -> int | None:
        answer = self.ask("HEAD", path, headers=_TUS)
        if answer is None or answer.status_code in BUSY:
            return None
        if answer.status_code != 200:
            self.log.complain(f"{path}: a begun upload is answered {answer.status_code} (P1)")
            self.stopped.wait(1)
            return None
        return int(answer.headers["Upload-Offset"])

    def _submit(self, path: str, recording: SoakRecording, name: str) -> None:
        """Until it is answered, and once more: both must name one job."""
        upload_id = path.rsplit("/", 1)[-1]
        job_ids: set[str] = set()
        deadline = time.monotonic() + 60
        answered = 0
        while answered < 2 and time.monotonic() < deadline and not self.stopped.wait(0.1):
            answer = self.ask("POST", "/api/v1/jobs", json={"upload_id": upload_id})
            if answer is None or answer.status_code in BUSY:
                continue
            if answer.status_code not in (200, 202):
                self.log.count(f"submission answered {answer.status_code}")
                if answered:
                    self.log.complain(f"{path}: 202, then {answer.status_code} (P2)")
                break
            answered += 1
            job_ids.add(answer.json()["id"])
            if answered == 1:
                # Not to be deleted before it was asked for again, hence not entered before either.
                accepted = Accepted(answer.json()["id"], recording.sha256, words=[name])
        if job_ids:
            self.log.enter(accepted)
            self.log.count("uploaded in pieces")
        if len(job_ids) > 1:
            self.log.complain(f"{path} became several jobs: {sorted(job_ids)} (P2)")


def _name(client: Client, key: str | None) -> str:
    """A file's name that no other submission has, and the same for the same key."""
    return key or uuid.UUID(int=client.random.getrandbits(128)).hex
