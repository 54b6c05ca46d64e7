"""Those who use the installation while it breaks: each a thread with a seed of its own.

Whatever goes wrong between a client and the server is part of the soak: it asks again.  What the
server said with a 2xx is held against it.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
import uuid
from collections.abc import Mapping, Sequence

import requests
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.storage.local.folder import LocalFolder
from tests.chaos.soak.client_log import Accepted, ClientLog
from tests.chaos.soak.recordings import WEIGHTS, SoakRecording

TIMEOUT_S = 20.0
OTHER_OWNERS = ("owner-1", "owner-2")


class Client:
    """Calls `act` until stopped, with a pause of `pause_s` on average."""

    pause_s = 0.5

    def __init__(self, log: ClientLog, urls: Sequence[str], seed: int) -> None:
        self.log = log
        self.random = random.Random(seed)
        self._urls = urls
        self._session = requests.Session()
        self.stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.stopped.set()

    def join(self) -> None:
        self._thread.join(2 * TIMEOUT_S)

    def act(self) -> None:
        raise NotImplementedError

    def ask(self, method: str, path: str, **how: object) -> requests.Response | None:
        """One request to either web server; None if no answer came."""
        url = self.random.choice(self._urls) + path
        try:
            return self._session.request(method, url, timeout=TIMEOUT_S, **how)  # type: ignore[arg-type]
        except requests.RequestException:
            self.log.count("no answer")
            return None

    def _run(self) -> None:
        while not self.stopped.wait(self.random.expovariate(1 / self.pause_s)):
            try:
                self.act()
            except BaseException as error:
                self.log.complain(f"a client broke: {error!r}")
                raise


class Submitter(Client):
    """Submits, three in ten with a key, and sends half of those twice: one job must come of it."""

    pause_s = 0.4

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
        answer = self.ask(
            "POST",
            "/api/v1/jobs",
            files={"file": (f"{recording.seconds:.0f}s.wav", recording.content)},
            headers={"Idempotency-Key": key} if key else {},
        )
        if answer is None:
            return None
        if answer.status_code != 202:
            self.log.count(f"submission answered {answer.status_code}")
            return None
        self.log.took(time.monotonic() - begun)
        accepted = Accepted(answer.json()["id"], recording.sha256, keyed=key is not None)
        self.log.enter(accepted)
        return accepted


class Watcher(Client):
    """Polls jobs until they are over, and cancels a few."""

    pause_s = 0.15

    def act(self) -> None:
        job = self.log.take(self.random, over=False, owner_id=LOCAL_OWNER)
        if job is None:
            return
        try:
            if self.random.random() < 0.01:
                answer = self.ask("POST", f"/api/v1/jobs/{job.job_id}/cancel")
                self.log.count("cancel asked" if answer is not None else "cancel unanswered")
            self._look(job)
        finally:
            self.log.give_back(job)

    def _look(self, job: Accepted) -> None:
        answer = self.ask("GET", f"/api/v1/jobs/{job.job_id}")
        if answer is None or answer.status_code in (502, 503):
            return
        if answer.status_code != 200:
            self.log.complain(f"job {job.job_id}: its page says {answer.status_code} (P1)")
            return
        shown = answer.json()
        if shown["progress"] < job.progress:
            self.log.complain(
                f"job {job.job_id}: progress fell from {job.progress} to {shown['progress']} (P9)"
            )
        job.progress = shown["progress"]
        job.status = shown["status"]
        if job.over:
            self.log.count(f"seen {job.status}")


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
            elif not job.text_read:
                self._read(job)
                if job.text_read and deletes:
                    self._delete(job)
            else:
                self._read(job)  # again: a finished text never changes
        finally:
            self.log.give_back(job)

    def _read(self, job: Accepted) -> None:
        answer = self.ask("GET", f"/api/v1/jobs/{job.job_id}/transcript", params={"format": "json"})
        if answer is None or answer.status_code in (502, 503):
            return
        if answer.status_code != 200:
            self.log.complain(f"job {job.job_id}: its text is answered {answer.status_code} (P2)")
        elif answer.json()["text"] != self._texts[job.sha256]:
            self.log.complain(f"job {job.job_id}: a client read another text (P2)")
        job.text_read = True

    def _retry(self, job: Accepted) -> None:
        answer = self.ask("POST", f"/api/v1/jobs/{job.job_id}/retry")
        job.status = "queued"  # perhaps, if no answer came: a watcher will see
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


class OtherOwner(Client):
    """Owners beside the one that HTTP knows, straight through SQL and with a key each time, since
    a commit whose answer is lost must not make a second job."""

    pause_s = 1.0

    def __init__(
        self,
        log: ClientLog,
        seed: int,
        recordings: Sequence[SoakRecording],
        db: Database,
        blobs: LocalFolder,
        most_waiting: int,
    ) -> None:
        super().__init__(log, (), seed)
        self._recordings = recordings
        self._db = db
        self._blobs = blobs
        self._most_waiting = most_waiting

    def act(self) -> None:
        with contextlib.suppress(SQLAlchemyError):
            self._look()
        if self.log.waiting() >= self._most_waiting:
            return
        (recording,) = self.random.choices(self._recordings, WEIGHTS)
        owner_id = self.random.choice(OTHER_OWNERS)
        key = uuid.UUID(int=self.random.getrandbits(128)).hex
        with self._blobs.receive(max_bytes=2**30) as incoming:
            incoming.write(recording.content)
            blob = incoming.keep()
        while not self.stopped.is_set():
            try:
                submission = jobs.submit(
                    self._db,
                    owner_id=owner_id,
                    blob=blob,
                    filename="other.wav",
                    idempotency_key=key,
                )
            except SQLAlchemyError:
                time.sleep(0.3)
                continue
            # Nobody rings: a sweep finds it.
            self.log.enter(Accepted(submission.job_id, recording.sha256, owner_id))
            return

    def _look(self) -> None:
        for owner_id in OTHER_OWNERS:
            job = self.log.take(self.random, over=False, owner_id=owner_id)
            if job is None:
                continue
            try:
                seen = jobs.get_job(self._db, owner_id=owner_id, job_id=job.job_id).job
                if seen.progress < job.progress:
                    self.log.complain(f"job {job.job_id}: progress fell (P9)")
                job.status, job.progress = seen.status, seen.progress
            finally:
                self.log.give_back(job)
