"""One device divided among the processes of a worker: memory that torch refuses, cores, words."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import pytest
import torch

from shared.errors import ModelUnavailable
from worker.engine import device as devices
from worker.engine.device import VramProbe, threads_on_cpu
from worker.engine.funasr_recogniser import load_recogniser
from worker.memory.share import CONTEXT_BYTES

CPU = torch.device("cpu")
GPU = torch.device("cuda", 0)


class TestGpuDivided:
    TOTAL = 24 * 2**30

    @pytest.fixture(autouse=True)
    def gpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gibibytes = {"free": 16, "reserved": 3, "allocated": 1}
        used = {name: size * 2**30 for name, size in gibibytes.items()}
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (used["free"], self.TOTAL))
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: used["reserved"])
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: used["allocated"])
        monkeypatch.setattr(
            torch.cuda,
            "get_device_properties",
            lambda device: SimpleNamespace(total_memory=self.TOTAL),
        )

    def test_a_part_of_what_is_free_and_what_the_allocator_holds_unused_are_headroom(self) -> None:
        assert VramProbe(GPU, processes=2).headroom_bytes() == (8 + 2) * 2**30

    def test_nobody_plans_beyond_the_limit_that_torch_keeps(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limits: list[float] = []
        monkeypatch.setattr(
            torch.cuda,
            "set_per_process_memory_fraction",
            lambda fraction, device: limits.append(fraction * self.TOTAL),
        )
        devices.limit_to_share(GPU, 4)
        (limit,) = limits
        assert 4 * (limit + CONTEXT_BYTES) <= self.TOTAL
        assert 1 * 2**30 + VramProbe(GPU, processes=4).headroom_bytes() <= limit
        devices.limit_to_share(GPU, 1)
        devices.limit_to_share(CPU, 4)
        assert len(limits) == 1

    def test_too_many_are_told_what_to_lower(self) -> None:
        with pytest.raises(ModelUnavailable, match="Lower LONGSCRIBE_WORKER_CONCURRENCY"):
            devices.limit_to_share(GPU, 40)


def test_a_device_without_room_for_the_networks_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(
        importlib.import_module("worker.engine.funasr_recogniser"), "load_speech_network", refuse
    )
    with pytest.raises(ModelUnavailable, match="no room for 2 copies of the model"):
        load_recogniser("demo", device="cpu", cpu_threads=1, processes=2)
    with pytest.raises(ModelUnavailable, match="no room for the model"):
        load_recogniser("demo", device="cpu", cpu_threads=1)


@pytest.mark.parametrize(
    ("wanted", "is_demo", "processes", "threads"),
    [
        (0, False, 1, 6),
        (0, False, 2, 3),
        (0, False, 4, 1),
        (0, False, 9, 1),
        (0, True, 2, 1),
        (5, False, 4, 5),
    ],
)
def test_processes_divide_the_cores_unless_told_how_many_to_take(
    monkeypatch: pytest.MonkeyPatch, wanted: int, is_demo: bool, processes: int, threads: int
) -> None:
    monkeypatch.setattr(devices, "usable_cores", lambda: 6)
    assert threads_on_cpu(wanted, is_demo, processes) == threads
