"""The memory model, and the probe for RAM against trees of files like the kernel's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.engine.paraformer.uncalibrated_memory import NetworkShape, estimate_memory
from worker.memory.batch_memory_model import (
    MIB,
    MemoryModel,
    RamProbe,
    Reserve,
    ResidentPeak,
    machine_available_bytes,
)

GIB = 1024 * MIB

models = st.builds(
    MemoryModel,
    fixed_bytes=st.floats(0, 1e9),
    bytes_per_second=st.floats(1, 1e8),
    bytes_per_second_squared=st.one_of(st.just(0.0), st.floats(0, 1e7)),
    resident_bytes=st.floats(0, 1e10),
)


# --- the model ---------------------------------------------------------------------------------


@given(models, st.integers(0, 10**11), st.floats(0.01, 120))
def test_what_fits_uses_the_memory_up_and_no_more(
    model: MemoryModel, available: int, longest_s: float
) -> None:
    fits_s = model.padded_seconds_within(available, longest_s)
    if fits_s == 0.0:
        assert available <= model.fixed_bytes
    else:
        assert model.activation_bytes(fits_s, longest_s) == pytest.approx(available, rel=1e-6)


@given(models, st.floats(0, 5_000), st.floats(0, 5_000), st.floats(0.1, 60))
def test_more_padded_seconds_never_need_less(
    model: MemoryModel, one: float, other: float, longest_s: float
) -> None:
    less, more = sorted((one, other))
    assert model.activation_bytes(less, longest_s) <= model.activation_bytes(more, longest_s)


def test_the_peak_includes_what_is_resident() -> None:
    model = MemoryModel(fixed_bytes=1, bytes_per_second=10, resident_bytes=1_000)
    assert model.peak_bytes(5, 5) == 1_051


def test_attention_without_fusion_charges_the_longest_span() -> None:
    model = MemoryModel(0, bytes_per_second=1, bytes_per_second_squared=1)
    assert model.activation_bytes(100, longest_seconds=50) == 100 + 100 * 50
    assert model.activation_bytes(10, longest_seconds=50) == 10 + 10 * 10


def test_paraformer_large_is_predicted_from_its_architecture() -> None:
    """80 kB a padded frame of 60 ms for the predictor, and the input features."""
    model = estimate_memory(NetworkShape(model_dim=512, vocabulary=8404))
    assert model.bytes_per_second == pytest.approx((80_000 + 4 * 560) / 0.06)
    assert model.bytes_per_second_squared == 0
    assert not model.calibrated
    # The largest batch of an hour: 0.1 to 1.0 GB were seen.
    assert 0.5e9 < model.activation_bytes(600, 60) < 1.0e9


def test_a_model_survives_being_stored() -> None:
    model = MemoryModel(1.5, 2.5, 3.5, 4.5, calibrated=True)
    assert MemoryModel.from_json(json.loads(json.dumps(model.to_json()))) == model


@pytest.mark.parametrize(
    "terms", [(-1.0, 1.0), (0.0, 0.0), (0.0, float("nan")), (float("inf"), 1.0)]
)
def test_impossible_terms_are_refused(terms: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        MemoryModel(*terms)


@given(st.integers(0, 2**45))
def test_the_reserve_never_exceeds_the_headroom(headroom: int) -> None:
    assert 0 <= Reserve().usable_bytes(headroom) <= headroom


def test_the_reserve_is_a_tenth_and_at_least_a_quarter_gib() -> None:
    assert Reserve().usable_bytes(10 * GIB) == 9 * GIB
    assert Reserve().usable_bytes(1 * GIB) == 768 * MIB


# --- the probe for RAM -------------------------------------------------------------------------


class Machine:
    """A /proc and a /sys/fs/cgroup of our own."""

    def __init__(self, root: Path) -> None:
        self.proc = root / "proc"
        self.cgroup = root / "cgroup"
        (self.proc / "self").mkdir(parents=True)
        self.cgroup.mkdir()

    def write(self, path: str, text: str) -> None:
        file = self.proc.parent / path
        file.parent.mkdir(parents=True, exist_ok=True)
        # In one step, for the sampling thread may be reading.
        new = file.with_name(file.name + ".new")
        new.write_text(text)
        new.replace(file)

    def available(self, value: int) -> None:
        self.write("proc/meminfo", f"MemTotal: 99 kB\nMemAvailable:   {value // 1024} kB\n")

    def v2_group(self, path: str, limit: int | str, usage: int, **stat: int) -> None:
        self.write(f"cgroup/{path}/memory.max", f"{limit}\n")
        self.write(f"cgroup/{path}/memory.current", f"{usage}\n")
        self.write(f"cgroup/{path}/memory.stat", "".join(f"{k} {v}\n" for k, v in stat.items()))

    def v1_group(self, path: str, limit: int, usage: int, **stat: int) -> None:
        self.write(f"cgroup/memory/{path}/memory.limit_in_bytes", f"{limit}\n")
        self.write(f"cgroup/memory/{path}/memory.usage_in_bytes", f"{usage}\n")
        text = "".join(f"{k} {v}\n" for k, v in stat.items())
        self.write(f"cgroup/memory/{path}/memory.stat", text)

    def headroom(self) -> int:
        return RamProbe(self.proc, self.cgroup).headroom_bytes()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.available(10 * GIB)
    return machine


def test_without_a_cgroup_the_machine_decides(machine: Machine) -> None:
    assert machine.headroom() == 10 * GIB


def test_a_v2_limit_below_the_machines_memory_decides(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "0::/job\n")
    machine.v2_group("job", limit=4 * GIB, usage=3 * GIB)
    assert machine.headroom() == 1 * GIB


def test_file_cache_counts_as_free_unless_mapped_or_dirty(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "0::/\n")
    machine.v2_group(
        ".",
        limit=4 * GIB,
        usage=3 * GIB,
        anon=1 * GIB,
        active_file=512 * MIB,
        inactive_file=1024 * MIB,
        file_mapped=200 * MIB,
        file_dirty=56 * MIB,
    )
    assert machine.headroom() == (1024 + 512 + 1024 - 256) * MIB


def test_no_v2_limit_is_no_limit(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "0::/job\n")
    machine.v2_group("job", limit="max", usage=3 * GIB)
    assert machine.headroom() == 10 * GIB


def test_the_limit_of_a_group_above_binds_too(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "0::/slice/job\n")
    machine.v2_group("slice", limit=2 * GIB, usage=1536 * MIB)
    machine.v2_group("slice/job", limit=8 * GIB, usage=1 * GIB)
    assert machine.headroom() == 512 * MIB


def test_a_v1_limit_decides(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "9:cpu,cpuacct:/job\n4:memory:/job\n")
    machine.v1_group("job", limit=3 * GIB, usage=2 * GIB, total_inactive_file=256 * MIB)
    assert machine.headroom() == (1024 + 256) * MIB


def test_a_v1_container_that_sees_the_hosts_path_uses_its_own_mount(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "4:memory:/docker/0123456789ab\n")
    machine.v1_group(".", limit=3 * GIB, usage=2 * GIB)
    assert machine.headroom() == 1 * GIB


def test_the_v1_figure_for_no_limit_leaves_the_machine_to_decide(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "4:memory:/\n")
    machine.v1_group(".", limit=9_223_372_036_854_771_712, usage=2 * GIB)
    assert machine.headroom() == 10 * GIB


def test_a_group_above_its_limit_has_no_headroom(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "0::/job\n")
    machine.v2_group("job", limit=1 * GIB, usage=2 * GIB)
    assert machine.headroom() == 0


def test_a_path_that_points_outside_the_mount_is_not_followed(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "0::/../other\n")
    machine.v2_group(".", limit=4 * GIB, usage=3 * GIB)
    assert machine.headroom() == 1 * GIB


def test_without_proc_half_of_the_physical_memory_is_assumed(tmp_path: Path) -> None:
    assert machine_available_bytes(tmp_path) > 64 * MIB


def test_this_machine_has_memory_to_spare() -> None:
    assert RamProbe().headroom_bytes() > 64 * MIB


# --- the peak of this process ------------------------------------------------------------------


def allocate_and_free(size: int) -> None:
    np.ones(size, dtype=np.uint8)


def test_the_peak_sees_memory_that_is_free_again_and_can_be_reset() -> None:
    probe = RamProbe()
    probe.reset_peak()
    before = probe.peak_bytes()
    allocate_and_free(200 * MIB)
    assert probe.peak_bytes() >= before + 190 * MIB
    probe.reset_peak()
    assert probe.peak_bytes() < before + 100 * MIB


def test_where_the_mark_cannot_be_reset_memory_is_sampled(machine: Machine) -> None:
    machine.write("proc/self/statm", "0 1000 0 0 0 0 0\n")
    (machine.proc / "self" / "clear_refs").mkdir()  # writing to it is an OSError
    peak = ResidentPeak(machine.proc)
    peak.reset()
    machine.write("proc/self/statm", "0 5000 0 0 0 0 0\n")
    assert peak.bytes() == 5000 * 4096
    machine.write("proc/self/statm", "0 2000 0 0 0 0 0\n")
    assert peak.bytes() == 5000 * 4096
