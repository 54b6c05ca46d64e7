"""Owners beside the one that HTTP knows."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.db import Database
from shared.storage.local.folder import LocalFolder
from tests.chaos.soak.client_log import Accepted, ClientLog
from tests.chaos.soak.clients.client import Client
from tests.chaos.soak.recordings import WEIGHTS, SoakRecording

OTHER_OWNERS = ("owner-1", "owner-2")


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
