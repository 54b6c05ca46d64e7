"""A soak from its start to its verdict."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from sqlalchemy import func, select

from shared.db import Database
from shared.models import LOCAL_OWNER, Attempt, Job
from shared.states import TERMINAL
from shared.storage.local.folder import LocalFolder
from tests.chaos.machinery.promises import breaches
from tests.chaos.soak.client_log import ClientLog
from tests.chaos.soak.clients.client import Client
from tests.chaos.soak.clients.finished import Editor, Keeper
from tests.chaos.soak.clients.other_owner import OtherOwner
from tests.chaos.soak.clients.slow import SlowClient
from tests.chaos.soak.clients.submitting import PieceUploader, Submitter
from tests.chaos.soak.clients.watching import ListReader, Searcher, Watcher
from tests.chaos.soak.fault_injector import FaultInjector
from tests.chaos.soak.memory import MemoryWatch, growth
from tests.chaos.soak.processes import Machinery
from tests.chaos.soak.recordings import SoakRecording, recordings
from tests.support.stack import wait_for

SETTLING = 1 / 12
"""Share of the time at the end of the first third in which lane b is no longer attacked."""

DRAINED_WITHIN_S = 600.0
JUDGE_MEMORY_FROM_S = 900.0
"""Least seconds of a soak whose memory is judged. In less the processes of the calm lane have not
met every fault once before they are judged, and each kind makes them larger once: a worker that
logs tracebacks of a database that is out grows by half before the garbage of exceptions is
collected, and then no more."""

_TEND_S = 0.1
_SAMPLE_S = 2.0


@dataclass
class Summary:
    """What came of it; `breaches` is empty if every promise was kept."""

    seconds: float
    seed: int
    database: str
    model: str
    faults: dict[str, int] = field(default_factory=dict)
    clients: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    accepted: int = 0
    accepted_in_s: dict[str, float] = field(default_factory=dict)
    batches_repeated: int = 0
    drained_in_s: float = 0.0
    memory_mib: dict[str, list[float]] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, ensure_ascii=False)


class Soak:
    """One run. Use from the main thread."""

    def __init__(
        self,
        machinery: Machinery,
        database_url: str,
        *,
        seconds: float,
        seed: int,
        database: str,
        model: str = "stub",
        every_s: float = 5.0,
        most_waiting: int = 40,
        without: Sequence[str] = (),
        say: Callable[[str], None] = print,
    ) -> None:
        self._machinery = machinery
        self._db = Database(database_url)
        self._seconds = seconds
        self._seed = seed
        self._most_waiting = most_waiting
        self._say = say
        self._log = ClientLog()
        self._injector = FaultInjector(machinery, seed, every_s=every_s, without=without)
        self._memory = MemoryWatch(machinery.lanes["b"])
        self._recordings = recordings(model)
        self._texts: dict[str, str] = {}
        self.summary = Summary(seconds, seed, database, model)

    def run(self) -> Summary:
        try:
            self._learn_the_texts()
            clients = self._clients()
            for client in clients:
                client.start()
            thirds = self._inject_for_the_time()
            self._come_to_rest(clients)
            self._judge(*thirds)
        finally:
            self._db.dispose()
        return self.summary

    @property
    def _urls(self) -> list[str]:
        return [lane.stack.url for lane in self._machinery.lanes.values()]

    def _learn_the_texts(self) -> None:
        """Each recording once, before the first fault."""
        client = Submitter(self._log, self._urls, self._seed, self._recordings, 0)
        api = f"{self._urls[0]}/api/v1/jobs"
        for recording in self._recordings:
            self._texts[recording.sha256] = self._transcribe(client, api, recording)

    def _transcribe(self, client: Client, api: str, recording: SoakRecording) -> str:
        answer = client.ask("POST", "/api/v1/jobs", files={"file": ("a.wav", recording.content)})
        assert answer is not None and answer.status_code == 202, answer
        path = f"/api/v1/jobs/{answer.json()['id']}"

        def completed() -> bool:
            self._machinery.tend()
            shown = client.ask("GET", path)
            return shown is not None and shown.json()["status"] == "completed"

        wait_for(completed, seconds=120, what=f"a text before the first fault: {api}")
        text = client.ask("GET", f"{path}/transcript", params={"format": "json"})
        assert text is not None and text.json()["text"], "a recording without words proves nothing"
        return str(text.json()["text"])

    def _clients(self) -> list[Client]:
        log, urls, seed = self._log, self._urls, self._seed
        blobs = LocalFolder(self._machinery.folder / "data" / "recordings", min_free_bytes=0)
        most = self._most_waiting
        return [
            *(Submitter(log, urls, seed + n, self._recordings, most) for n in (1, 2, 3)),
            *(Watcher(log, urls, seed + n) for n in (4, 5)),
            *(Keeper(log, urls, seed + n, self._texts) for n in (6, 7)),
            OtherOwner(log, seed + 8, self._recordings, self._db, blobs, most),
            PieceUploader(log, urls, seed + 9, self._recordings, most),
            ListReader(log, urls, seed + 10),
            Searcher(log, urls, seed + 11),
            Editor(log, urls, seed + 12),
            SlowClient(log, urls, seed + 13),
        ]

    def _inject_for_the_time(self) -> tuple[float, float, float]:
        """When the second and the last third began, and the end."""
        begun = time.monotonic()
        second, last = begun + self._seconds / 3, begun + 2 * self._seconds / 3
        end = begun + self._seconds
        calm_from = second - SETTLING * self._seconds
        next_line, next_sample = begun + 60, begun
        while (now := time.monotonic()) < end:
            self._machinery.tend()
            self._injector.tend(["a", "b"] if now < calm_from else ["a"])
            if now >= next_sample:
                next_sample = now + _SAMPLE_S
                self._memory.sample()
            if now >= next_line:
                next_line += 60
                self._say(self._line(now - begun))
            time.sleep(_TEND_S)
        self._injector.end()
        return second, last, end

    def _line(self, elapsed_s: float) -> str:
        done = self._log.done
        memory = ", ".join(f"{role} {size:.0f}" for role, size in self._memory.latest().items())
        faults = ", ".join(f"{kind} {count}" for kind, count in sorted(self._injector.done.items()))
        return (
            f"[{elapsed_s // 60:3.0f} min] {len(self._log.all())} accepted, "
            f"{done['seen completed']} seen completed, {self._log.waiting()} waiting, "
            f"{len(self._log.wrong)} wrong; faults: {faults}; MiB: {memory}"
        )

    def _come_to_rest(self, clients: Sequence[Client]) -> None:
        """No more faults and submissions; the rest of the clients go on until all is over."""
        submitting = [c for c in clients if isinstance(c, Submitter | OtherOwner | PieceUploader)]
        for client in submitting:
            client.stop()
        begun = time.monotonic()
        while any(client._thread.is_alive() for client in submitting):
            self._machinery.tend()
            time.sleep(_TEND_S)

        def stop_the_others() -> None:
            for client in clients:
                client.stop()

        def at_rest() -> bool:
            self._machinery.tend()
            if time.monotonic() - begun > 60:
                stop_the_others()  # they cancel and retry, which might go on for ever
            return not self._unended()

        try:
            wait_for(at_rest, seconds=DRAINED_WITHIN_S, what="the queue to drain")
            stop_the_others()
            for client in clients:
                client.join()
            wait_for(at_rest, seconds=DRAINED_WITHIN_S, what="what was retried last")
            self._look_once_more()
        except AssertionError as error:
            stop_the_others()
            self.summary.breaches.append(str(error))
        self.summary.drained_in_s = round(time.monotonic() - begun, 1)

    def _look_once_more(self) -> None:
        """All is over: whoever asks must be told, whatever answer they had before."""
        watcher = Watcher(self._log, self._urls, self._seed)
        for job in self._log.all():
            if job.over or job.deletion_asked or job.owner_id != LOCAL_OWNER:
                continue
            watcher.look(job)
            if not job.over:
                self._log.complain(f"job {job.job_id}: it is over, and {job.status} is told (P9)")

    def _unended(self) -> int:
        with self._db.reading() as session:
            statuses = [status.value for status in TERMINAL]
            unended = select(func.count()).where(Job.status.not_in(statuses))
            return session.scalar(unended) or 0

    def _judge(self, second: float, last: float, end: float) -> None:
        summary, log = self.summary, self._log
        summary.breaches += log.wrong
        summary.breaches += self._lost()
        summary.breaches += breaches(self._db, texts=self._texts)
        summary.memory_mib = {
            role: [round(size, 1) for size in sizes]
            for role, sizes in self._memory.medians(second, last, end).items()
        }
        if self._seconds >= JUDGE_MEMORY_FROM_S:
            summary.breaches += growth(summary.memory_mib)
            summary.breaches += [
                f"{role} of the calm lane was started anew"
                for role in self._memory.restarted(second)
            ]
        summary.faults = dict(sorted(self._injector.done.items()))
        summary.clients = dict(sorted(log.done.items()))
        summary.accepted = len(log.all())
        summary.restarts = {kept.name: kept.restarts for kept in self._machinery.kept}
        summary.batches_repeated = self._machinery.step_log.repeated()
        summary.accepted_in_s = _spread(log.accepted_in_s)
        with self._db.reading() as session:
            summary.statuses = dict(Counter(session.scalars(select(Job.status))))
            summary.attempts = dict(Counter(session.scalars(select(Attempt.outcome))))

    def _lost(self) -> list[str]:
        """Accepted jobs that are not there, although nobody asked for their deletion."""
        with self._db.reading() as session:
            there = set(session.scalars(select(Job.id)))
        return [
            f"job {job.job_id}: a client got a 202 for it, and it is gone (P1)"
            for job in self._log.all()
            if job.job_id not in there and not job.deletion_asked
        ] + [
            f"job {job.job_id}: it was deleted, and it is there"
            for job in self._log.all()
            if job.deleted and job.job_id in there
        ]


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    ordered = sorted(seconds)
    return {
        "median": round(statistics.median(ordered), 3),
        "p99": round(ordered[int(0.99 * (len(ordered) - 1))], 3),
        "most": round(ordered[-1], 3),
    }
