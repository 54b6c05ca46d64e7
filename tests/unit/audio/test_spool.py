"""Samples on disk come back as they went in, and a full disk is an error with a code."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InsufficientStorage, TransientError
from worker.audio.spool import AudioSpool


def ramp(start: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return (np.arange(start, start + count) % 30_000).astype(np.int16)


@given(lengths=st.lists(st.integers(0, 3000), max_size=8), data=st.data())
def test_any_span_comes_back_as_it_went_in(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], data: st.DataObject
) -> None:
    with AudioSpool(tmp_path_factory.mktemp("job") / "pcm") as spool:
        for length in lengths:
            spool.append(ramp(spool.samples, length))
        total = sum(lengths)
        assert spool.samples == total
        assert spool.seconds == total / 16_000
        start = data.draw(st.integers(0, total))
        end = data.draw(st.integers(start, total))
        assert np.array_equal(spool.read(start, end), ramp(start, end - start))


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (0, 11), (6, 5)])
def test_a_span_outside_is_refused(tmp_path: Path, start: int, end: int) -> None:
    with AudioSpool(tmp_path / "pcm") as spool:
        spool.append(ramp(0, 10))
        with pytest.raises(ValueError, match="of 10"):
            spool.read(start, end)


def test_the_file_is_flat_private_and_gone_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "pcm"
    with pytest.raises(RuntimeError), AudioSpool(path) as spool:
        spool.append(ramp(0, 100))
        assert path.read_bytes() == ramp(0, 100).astype("<i2").tobytes()
        assert path.stat().st_mode & 0o777 == 0o600
        raise RuntimeError("the job failed")
    assert not path.exists()
    spool.remove()


def test_close_keeps_the_file(tmp_path: Path) -> None:
    spool = AudioSpool(tmp_path / "pcm")
    spool.append(ramp(0, 3))
    spool.close()
    spool.close()
    assert spool.path.stat().st_size == 6


def test_an_existing_file_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "pcm").write_bytes(b"another job's")
    with pytest.raises(FileExistsError):
        AudioSpool(tmp_path / "pcm")


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_can_be_tried_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    real = os.pwrite

    def half_then_full(file: int, data: memoryview, offset: int) -> int:
        if offset >= 150:
            raise OSError(reason, os.strerror(reason))
        return real(file, data[:50], offset)

    with AudioSpool(tmp_path / "pcm") as spool:
        spool.append(ramp(0, 50))
        monkeypatch.setattr(os, "pwrite", half_then_full)
        with pytest.raises(InsufficientStorage) as caught:
            spool.append(ramp(50, 500))
        assert isinstance(caught.value, TransientError)
        assert spool.samples == 50
        assert spool.path.stat().st_size == 100
        assert np.array_equal(spool.read(0, 50), ramp(0, 50))


LIMITED = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from shared.errors import InsufficientStorage
from worker.audio.spool import AudioSpool
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
with AudioSpool(Path(sys.argv[1])) as spool:
    try:
        while True:
            spool.append(np.ones(16_000, np.int16))
    except InsufficientStorage as error:
        print(error.code, spool.samples, spool.path.stat().st_size)
"""


def test_a_limit_of_the_kernel_counts_as_a_full_disk(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "pcm")],
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["insufficient_storage", "48000", "96000"]


def test_reading_does_not_grow_the_process(tmp_path: Path) -> None:
    """An hour read span by span: its pages are the kernel's, not ours."""
    with AudioSpool(tmp_path / "pcm") as spool:
        minute = np.ones(60 * 16_000, np.int16)
        for _ in range(60):
            spool.append(minute)
        before = resident_bytes()
        for start in range(0, spool.samples, 160_000):
            spool.read(start, start + 160_000)
        assert resident_bytes() - before < 8 << 20


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
