"""An installation whose workers run the stub and fail where a test wants them to."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tests.chaos.faults import ANY, Deed, Fault, Faults, Step
from tests.chaos.ledger import Ledger
from tests.installation import Installation, as_wav
from tests.services import Service, Stack
from worker.recogniser import SAMPLE_RATE

__all__ = ["ANY", "Deed", "Fault", "Staged", "Step", "recording"]


def recording(seed: int = 3, spans: int = 8) -> bytes:
    """Spans of speech of 4 s, so that each is a batch of its own where batches hold 5 s."""
    random = np.random.default_rng(seed)
    pause = np.zeros(int(1.5 * SAMPLE_RATE), np.int16)
    parts = []
    for number in range(spans):
        speech = random.normal(0, 1000 + 137 * number, 4 * SAMPLE_RATE)
        parts += [speech.clip(-32_000, 32_000).astype(np.int16), pause]
    return as_wav(np.concatenate(parts))


class Staged(Installation):
    """Its workers' batches hold 5 s."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        self.faults = Faults(stack.folder / "faults")
        self.ledger = Ledger(stack.folder / "ledger")

    def start_worker(
        self, name: str = "worker", *, supervised: bool = False, **env: str
    ) -> Service:
        """`supervised`: started again whenever it ends, until the service is told to stop."""
        given = {
            "FAULTS": str(self.faults.folder),
            "LEDGER": str(self.ledger.path),
            "LONGSCRIBE_BATCH_SIZE_S": "5",
        } | env
        return self.stack.start_worker(
            name,
            options=["--include", "tests.staged_recogniser"],
            under=[sys.executable, "-m", "tests.chaos.supervisor"] if supervised else [],
            **given,
        )

    def outcomes(self, job_id: str) -> list[tuple[str | None, str | None]]:
        """How each attempt ended, and its error's code."""
        attempts = self.view(job_id).job.attempts
        return [(attempt.outcome, attempt.error_code) for attempt in attempts]

    def texts(self, job_ids: Iterable[str]) -> list[str]:
        return [self.transcript(job_id).text for job_id in job_ids]

    def watch_files(self) -> list[Path]:
        return list((self.stack.folder / "data" / "watch").iterdir())
