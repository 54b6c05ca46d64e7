"""What the clients were told, kept by themselves: it is compared with SQL at the end."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass, field

from shared.models import LOCAL_OWNER


@dataclass
class Accepted:
    """A job for which a client got its 202. Whoever has taken it is the only one to change it."""

    job_id: str
    sha256: str
    owner_id: str = LOCAL_OWNER
    keyed: bool = False
    """True while its key may be sent again: the job is not deleted before."""
    progress: float = 0.0
    status: str = "queued"
    text: str | None = None
    """Text as last read: what its recording gives, and what was corrected in it since."""
    words: list[str] = field(default_factory=list)
    """Words that no other job has, in its name and its text: a search for each finds it."""
    etag: str | None = None
    deletion_asked: bool = False
    """The answer may have been lost: the job may be gone, or not."""
    deleted: bool = False
    taken: bool = False

    @property
    def over(self) -> bool:
        return self.status in ("completed", "failed", "cancelled")


class ClientLog:
    """All that was accepted, what clients found wrong, and counts of what they did."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accepted: dict[str, Accepted] = {}
        self.wrong: list[str] = []
        self.done: Counter[str] = Counter()
        self.accepted_in_s: list[float] = []

    def enter(self, accepted: Accepted) -> None:
        with self._lock:
            self._accepted.setdefault(accepted.job_id, accepted)

    def count(self, what: str) -> None:
        with self._lock:
            self.done[what] += 1

    def complain(self, what: str) -> None:
        with self._lock:
            self.wrong.append(what)

    def took(self, seconds: float) -> None:
        with self._lock:
            self.accepted_in_s.append(seconds)

    def waiting(self) -> int:
        """Jobs of whose end no client knows."""
        with self._lock:
            return sum(not job.over and not job.deletion_asked for job in self._accepted.values())

    def all(self) -> list[Accepted]:
        with self._lock:
            return list(self._accepted.values())

    def take(self, chooser: random.Random, *, over: bool, owner_id: str) -> Accepted | None:
        """Any job that is over or not, and that nobody else looks at; give it back."""
        with self._lock:
            free = [
                job
                for job in self._accepted.values()
                if not job.taken
                and not job.deletion_asked
                and job.over == over
                and job.owner_id == owner_id
            ]
            if not free:
                return None
            job = chooser.choice(free)
            job.taken = True
            return job

    def give_back(self, job: Accepted) -> None:
        with self._lock:
            job.taken = False
