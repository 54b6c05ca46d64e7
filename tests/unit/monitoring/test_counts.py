"""What a worker's processes have done, added up by its main process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stack import REPOSITORY
from worker import device_failure, failed_attempt, tasks
from worker.monitoring import counts
from worker.monitoring.counts import Counts, CountsOfWorker, Tally, counts_file
from worker.monitoring.exposition import families

_CHILD = """
import sys
from pathlib import Path
from worker.monitoring.counts import tally
tally.keep_in(Path(sys.argv[1]), int(sys.argv[2]))
tally.note_batch(3.5, 6.0, recognition_s=0.25)
tally.note_out_of_memory()
tally.note_transcribed(3600.0)
tally.note_attempt("completed", took_s=60.0)
tally.note_attempt("failed: no_audio", took_s=1.0)
tally.note_attempt("lost the lease; another worker has the job", took_s=1.0)
"""


@pytest.fixture(autouse=True)
def nothing_counted_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "tally", Tally())


def a_child(folder: Path, main_pid: int) -> None:
    subprocess.run(
        [sys.executable, "-c", _CHILD, str(folder), str(main_pid)], check=True, cwd=REPOSITORY
    )


def test_what_children_counted_outlives_them(tmp_path: Path) -> None:
    worker = CountsOfWorker(tmp_path, 1, lives=lambda _: False)
    for children in (1, 2):
        a_child(tmp_path, 1)
        a_child(tmp_path, 11)  # of another worker
        for _ in range(2):  # asked again, nothing counts twice
            total = worker()
            assert total.batches == children
            assert (total.speech_s, total.padded_s) == (3.5 * children, 6.0 * children)
            assert total.recognition_s == 0.25 * children
            assert total.audio_s == 3600 * children
            assert total.attempt_s == 62 * children
            assert total.attempts == {
                "completed": children,
                "failed": children,
                "lost": children,
            }
        assert list(tmp_path.glob("1.*")) == []
    assert len(list(tmp_path.glob("11.*.counts"))) == 2


def test_a_child_that_lives_and_the_main_process_are_counted(tmp_path: Path) -> None:
    child = Tally()
    child.keep_in(tmp_path, 1)
    worker = CountsOfWorker(tmp_path, 1, lives=lambda pid: pid == os.getpid())
    child.note_transcribed(10.0)
    assert worker().audio_s == 10
    child.note_transcribed(5.0)
    counts.tally.note_lost()
    assert (worker().audio_s, worker().lost_attempts) == (15, 1)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"attempts": []}', '{"attempts": 1'])
def test_a_file_that_says_nothing_counts_nothing(tmp_path: Path, content: str) -> None:
    counts_file(tmp_path, 1, 2).write_text(content)
    assert CountsOfWorker(tmp_path, 1, lives=lambda _: False)() == Counts()


def test_a_folder_that_cannot_be_written_to_keeps_nobody_from_counting(tmp_path: Path) -> None:
    child = Tally()
    child.keep_in(tmp_path / "gone", 1)
    child.note_lost()
    assert child.counts.lost_attempts == 1


def test_every_outcome_of_an_attempt_has_its_label() -> None:
    modules = (tasks, failed_attempt, device_failure)
    source = "".join(Path(module.__file__ or "").read_text() for module in modules)
    for beginning in counts.OUTCOMES:
        assert f'"{beginning}"' in source or f'"{beginning}: ' in source, beginning
    samples = {sample.labels.get("outcome") for one in families(Counts()) for sample in one.samples}
    assert samples >= {*counts.OUTCOMES.values(), "lost"}
