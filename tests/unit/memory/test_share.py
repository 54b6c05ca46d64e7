"""Children of one worker divide a device's memory, and together never plan for more than it has."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.batching.choose_size import SMALLEST_BATCH_S, choose_batch_size_s
from worker.memory.batch_memory_model import MIB, MemoryModel, RamProbe, Reserve
from worker.memory.share import (
    CONTEXT_BYTES,
    device_limit,
    even_share,
    share_below_limit,
    siblings_bytes,
)

GIB = 1024 * MIB


@dataclass(frozen=True)
class Moment:
    """What each process holds when one of them plans; one that has died or not yet started holds
    nothing."""

    planner: int
    held: tuple[int, ...]


@st.composite
def planning(draw: st.DrawFn) -> tuple[int, list[Moment]]:
    """A capacity in bytes, and the moments at which each of some processes plans for a job.

    Others may be starting, idle or in the middle of a batch; nobody is above its part.
    """
    capacity = draw(st.integers(64 * MIB, 200 * GIB))
    processes = draw(st.integers(1, 8))
    holding = st.integers(0, capacity // processes)
    moments = [
        Moment(planner, tuple(draw(holding) for _ in range(processes)))
        for planner in range(processes)
    ]
    return capacity, moments


models = st.builds(
    MemoryModel,
    fixed_bytes=st.floats(0, 1e8),
    bytes_per_second=st.floats(1e4, 1e7),
    bytes_per_second_squared=st.one_of(st.just(0.0), st.floats(0, 1e5)),
)


def planned_peak(
    held: int, headroom: int, model: MemoryModel, audio_s: float, processes: int
) -> float:
    """What a process holds at the peak of its largest batch, by its own plan."""
    decision = choose_batch_size_s(
        audio_s, headroom, model, reserve=Reserve(fraction=0, floor_bytes=0), jobs_at_once=processes
    )
    if decision.memory_cap_s < SMALLEST_BATCH_S:
        return held  # no room: spans go one by one, whoever plans
    return held + model.activation_bytes(decision.batch_size_s, 60.0)


@given(planning(), models, st.floats(1, 36_000))
def test_however_many_plan_in_ram_at_whatever_moments_their_peaks_fit_together(
    ram: tuple[int, list[Moment]], model: MemoryModel, audio_s: float
) -> None:
    capacity, moments = ram
    processes = len(moments)
    together = 0.0
    for moment in moments:
        own = moment.held[moment.planner]
        others = sum(moment.held) - own
        headroom = even_share(capacity - sum(moment.held), own, others, processes)
        together += planned_peak(own, headroom, model, audio_s, processes)
    assert together <= capacity


@given(planning(), models, st.floats(1, 36_000))
def test_however_many_plan_on_a_gpu_of_their_own_their_peaks_fit_together(
    vram: tuple[int, list[Moment]], model: MemoryModel, audio_s: float
) -> None:
    capacity, moments = vram
    processes = len(moments)
    total = capacity + processes * (CONTEXT_BYTES + 1)
    together = 0.0
    for moment in moments:
        own = moment.held[moment.planner]
        free = capacity - sum(moment.held)
        headroom = share_below_limit(free, own, total, processes)
        together += planned_peak(own, headroom, model, audio_s, processes)
    assert together + processes * CONTEXT_BYTES <= total


@given(st.integers(0, 80 * GIB), st.integers(1, 8), st.data())
def test_on_a_gpu_that_others_use_too_those_who_plan_at_once_share_what_is_free(
    free: int, processes: int, data: st.DataObject
) -> None:
    total = 80 * GIB
    held = [data.draw(st.integers(0, 10 * GIB)) for _ in range(processes)]
    assert sum(share_below_limit(free, own, total, processes) for own in held) <= free


@given(st.integers(0, 200 * GIB), st.integers(0, 200 * GIB))
def test_one_process_has_all_that_is_free(free: int, own: int) -> None:
    assert even_share(free, own, 0, 1) == free


@given(st.integers(0, 200 * GIB), st.integers(0, 10 * GIB), st.integers(0, 70 * GIB))
def test_nobody_is_given_more_than_is_free(free: int, own: int, others: int) -> None:
    assert 0 <= even_share(free, own, others, 2) <= free


def test_a_process_has_its_part_while_its_sibling_is_busy_or_away() -> None:
    loaded, part = 2 * GIB, 10 * GIB
    busy = even_share(20 * GIB - 2 * loaded - 6 * GIB, loaded, loaded + 6 * GIB, 2)
    idle = even_share(20 * GIB - 2 * loaded, loaded, loaded, 2)
    away = even_share(20 * GIB - loaded, loaded, 0, 2)
    assert busy == idle == away == part - loaded


def test_too_many_for_a_gpu_leave_no_room() -> None:
    assert device_limit(24 * GIB, 2) == 12 * GIB - CONTEXT_BYTES
    assert device_limit(4 * GIB, 8) <= 0
    assert share_below_limit(4 * GIB, 0, 4 * GIB, 8) == 0


# --- reading /proc -----------------------------------------------------------------------------


class Processes:
    """A /proc of our own; number 7 looks at it."""

    def __init__(self, root: Path) -> None:
        self.proc = root
        (root / "self").mkdir()

    def add(self, pid: int, parent: int, anonymous: int, files: int = 0, name: str = "w") -> None:
        for folder in {str(pid), "self" if pid == 7 else str(pid)}:
            place = self.proc / folder
            place.mkdir(exist_ok=True)
            (place / "stat").write_text(f"{pid} ({name}) S {parent} 1 1 0 -1")
            (place / "status").write_text(
                f"Name:\t{name}\nVmRSS:\t{(anonymous + files) // 1024} kB\n"
                f"RssAnon:\t{anonymous // 1024} kB\nRssFile:\t{files // 1024} kB\n"
                "RssShmem:\t0 kB\n"
            )


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    made = Processes(tmp_path)
    made.add(7, parent=5, anonymous=100 * MIB, files=40 * MIB)
    return made


def test_children_of_one_parent_are_counted_without_the_files_they_share(
    processes: Processes,
) -> None:
    processes.add(8, parent=5, anonymous=300 * MIB, files=40 * MIB, name="a (strange) name")
    processes.add(9, parent=7, anonymous=50 * MIB)
    processes.add(5, parent=1, anonymous=60 * MIB)
    assert siblings_bytes(processes.proc) == (100 * MIB, 300 * MIB)


def test_a_process_that_ends_meanwhile_is_no_error(processes: Processes) -> None:
    (processes.proc / "11").mkdir()
    assert siblings_bytes(processes.proc) == (100 * MIB, 0)


def test_a_real_sibling_is_seen() -> None:
    hold = "import time; held = bytearray(200 * 2**20); print('held', flush=True); time.sleep(60)"
    look = "from worker.memory.share import siblings_bytes; print(*siblings_bytes(), flush=True)"
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE) as sibling:
        assert sibling.stdout is not None and sibling.stdout.readline() == b"held\n"
        seen = subprocess.run([sys.executable, "-c", look], capture_output=True, check=True)
        sibling.kill()
    own, others = map(int, seen.stdout.split())
    assert 1 * MIB < own < 150 * MIB
    assert others >= 200 * MIB


def test_the_probe_for_ram_divides_what_a_container_may_use(processes: Processes) -> None:
    processes.add(8, parent=5, anonymous=500 * MIB)
    (processes.proc / "meminfo").write_text(f"MemAvailable: {8 * GIB // 1024} kB\n")
    (processes.proc / "self" / "cgroup").write_text("0::/\n")
    cgroup = processes.proc / "cgroup"
    cgroup.mkdir()
    (cgroup / "memory.max").write_text(f"{2 * GIB}\n")
    (cgroup / "memory.current").write_text(f"{1000 * MIB}\n")
    free = 2 * GIB - 1000 * MIB

    def headroom(processes_: int) -> int:
        return RamProbe(processes.proc, cgroup, processes=processes_).headroom_bytes()

    assert headroom(1) == free
    assert headroom(2) == (free + 600 * MIB) // 2 - 100 * MIB
    assert headroom(3) == (free + 600 * MIB) // 3 - 100 * MIB
