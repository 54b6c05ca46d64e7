"""Clients that use what is completed: read, correct, ask again, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.models import LOCAL_OWNER
from tests.chaos.soak.client_log import Accepted, ClientLog
from tests.chaos.soak.clients.client import BUSY, Client


class Keeper(Client):
    """Reads what is completed, asks again for what is not, and deletes some of both."""

    pause_s = 0.2

    def __init__(
        self, log: ClientLog, urls: Sequence[str], seed: int, texts: Mapping[str, str]
    ) -> None:
        super().__init__(log, urls, seed)
        self._texts = texts

    def act(self) -> None:
        job = self.log.take(self.random, over=True, owner_id=LOCAL_OWNER)
        if job is None:
            return
        try:
            deletes = not job.keyed and self.random.random() < 0.3
            if job.status != "completed":
                self._delete(job) if deletes else self._retry(job)
            elif job.text is None:
                self._read(job)
                if job.text is not None and deletes:
                    self._delete(job)
            else:
                self._read(job)  # again: a finished text changes by corrections only
        finally:
            self.log.give_back(job)

    def _read(self, job: Accepted) -> None:
        text = read_text(self, job)
        if text is None:
            return
        expected = self._texts[job.sha256] if job.text is None else job.text
        if text != expected:
            self.log.complain(f"job {job.job_id}: a client read another text (P2)")
        job.text = text

    def _retry(self, job: Accepted) -> None:
        answer = self.ask("POST", f"/api/v1/jobs/{job.job_id}/retry")
        job.status, job.etag = "queued", None  # perhaps, if no answer came: a watcher will see
        if answer is not None and answer.status_code == 202:
            self.log.count("retried")

    def _delete(self, job: Accepted) -> None:
        job.deletion_asked = True
        for _ in range(5):
            answer = self.ask("DELETE", f"/api/v1/jobs/{job.job_id}")
            if answer is not None and answer.status_code in (204, 404):
                job.deleted = True
                self.log.count("deleted")
                return


class Editor(Client):
    """Corrects sentences; what was acknowledged is there when it is read again."""

    pause_s = 1.0

    def act(self) -> None:
        job = self.log.take(self.random, over=True, owner_id=LOCAL_OWNER)
        if job is None:
            return
        try:
            if job.status == "completed" and job.text is not None:
                self._correct(job)
        finally:
            self.log.give_back(job)

    def _correct(self, job: Accepted) -> None:
        path = f"/api/v1/jobs/{job.job_id}/sentences/0"
        before = self._sentence(job, path)
        if before is None:
            return
        word = f"改{self.random.getrandbits(64):016x}"
        correction = {"text": f"{word}。", "revision": before["revision"]}
        # Until it is answered, for one that was cut off may be written yet; twice is harmless.
        answer = None
        while answer is None or answer.status_code in BUSY:
            if self.stopped.wait(0.2):
                return
            answer = self.ask("PUT", path, json=correction)
        if answer.status_code != 200:
            self.log.complain(f"{path}: a correction was answered {answer.status_code}")
            return
        after = self._sentence(job, path)
        if after is not None and after["text"] != correction["text"]:
            self.log.complain(f"{path}: an acknowledged correction is not there (P2)")
        self.log.count("corrected")
        job.words = [*job.words[:1], word]
        text = None
        while text is None and not self.stopped.wait(0.2):
            text = read_text(self, job)
        if text is not None and word not in text:
            self.log.complain(f"job {job.job_id}: its text lacks a correction (P2)")
        job.text = text if text is not None else job.text

    def _sentence(self, job: Accepted, path: str) -> Any:
        answer = self.ask("GET", path)
        if answer is None or answer.status_code in BUSY:
            return None
        if answer.status_code != 200:
            self.log.complain(f"{path}: a sentence is answered {answer.status_code} (P2)")
            return None
        return answer.json()


def read_text(client: Client, job: Accepted) -> str | None:
    """The text of a completed job; None if the server cannot answer now."""
    answer = client.ask("GET", f"/api/v1/jobs/{job.job_id}/transcript", params={"format": "json"})
    if answer is None or answer.status_code in BUSY:
        return None
    if answer.status_code != 200:
        client.log.complain(f"job {job.job_id}: its text is answered {answer.status_code} (P2)")
        return None
    return str(answer.json()["text"])
