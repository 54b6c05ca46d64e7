"""What the driver tells of GPUs, by a stand-in for its library: no GPU is needed, and none was
there."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from shared.jobs import Gpu
from tests.support.stack import wait_for
from tests.support.thorough import needs
from worker.monitoring.gpus import GpuWatch, load_nvml, read_gpus
from worker.supervision.health import Health, Pulse
from worker.supervision.monitor import Readiness

BUSY = Gpu(0, "GPU-5f", "NVIDIA H200", 60 * 2**30, 140 * 2**30, 0.87, 64.0, 410.5)
VIRTUAL = Gpu(1, "GPU-77", "GRID", 2**30, 8 * 2**30)


class NotSupported(Exception):
    """As the library says it."""


@dataclass
class Nvml:
    """pynvml with some GPUs; `lost`: the driver answers nothing any more, `off_the_bus`: these
    GPUs do not."""

    gpus: list[Gpu]
    lost: bool = False
    off_the_bus: tuple[int, ...] = ()
    asked: threading.Event = field(default_factory=threading.Event)
    shut_down: threading.Event = field(default_factory=threading.Event)
    NVMLError = NotSupported
    NVML_TEMPERATURE_GPU = 0

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802 - the library's names
        self.asked.set()
        if self.lost:
            raise NotSupported("GPU is lost")
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Gpu:  # noqa: N802
        if index in self.off_the_bus:
            raise NotSupported("GPU is lost")
        return self.gpus[index]

    def nvmlDeviceGetUUID(self, gpu: Gpu) -> str:  # noqa: N802
        return gpu.uuid

    def nvmlDeviceGetName(self, gpu: Gpu) -> bytes:  # noqa: N802 - bytes, as older releases
        return gpu.name.encode()

    def nvmlDeviceGetMemoryInfo(self, gpu: Gpu) -> Any:  # noqa: N802
        return SimpleNamespace(used=gpu.memory_used_bytes, total=gpu.memory_total_bytes)

    def nvmlDeviceGetUtilizationRates(self, gpu: Gpu) -> Any:  # noqa: N802
        return SimpleNamespace(gpu=round(100 * self._told(gpu.use)), memory=0)

    def nvmlDeviceGetTemperature(self, gpu: Gpu, sensor: int) -> int:  # noqa: N802
        assert sensor == self.NVML_TEMPERATURE_GPU
        return int(self._told(gpu.temperature_c))

    def nvmlDeviceGetPowerUsage(self, gpu: Gpu) -> int:  # noqa: N802
        return round(1000 * self._told(gpu.power_w))

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.shut_down.set()

    @staticmethod
    def _told(value: float | None) -> float:
        if value is None:
            raise NotSupported
        return value


def test_all_is_read_that_each_gpu_tells() -> None:
    assert read_gpus(Nvml([BUSY, VIRTUAL])) == [BUSY, VIRTUAL]


def test_a_gpu_that_is_lost_hides_no_other() -> None:
    assert read_gpus(Nvml([BUSY, VIRTUAL], off_the_bus=(0,))) == [Gpu(0, "", ""), VIRTUAL]


def test_a_driver_that_comes_back_is_asked_by_a_library_that_was_begun_anew() -> None:
    other = replace(BUSY, uuid="GPU-60")
    first, second = Nvml([BUSY]), Nvml([other])
    loads = iter([first, second])
    watch = GpuWatch(lambda: next(loads), look_s=0.01)
    with capture_logs() as logs:
        watch.start()
        wait_for(lambda: watch.gpus() == (BUSY,), what="the first look")
        second.lost = True  # first, for the watch may look in between
        first.lost = True
        assert second.asked.wait(60)
        second.asked.clear()
        assert second.asked.wait(60)
        second.lost = False
        wait_for(lambda: watch.gpus() == (other,), what="the driver to be back")
        watch.stop()
    assert first.shut_down.is_set()
    assert [one["log_level"] for one in logs] == ["warning", "info"]


def test_the_library_has_the_functions_that_are_asked() -> None:
    pynvml = needs("pynvml", "worker")
    asked = [name for name in dir(Nvml) if name.startswith(("nvml", "NVML"))]
    assert len(asked) >= 10
    assert [name for name in asked if not hasattr(pynvml, name)] == []


def test_a_machine_without_a_driver_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)

    def without() -> Any:
        raise OSError("libnvidia-ml.so.1: cannot open shared object file")

    watch = GpuWatch(without)
    watch.start()
    watch.stop()
    assert watch.gpus() == ()
    assert failed == []


def test_the_real_library_is_loaded_or_says_why_not() -> None:
    try:
        nvml = load_nvml()
    except Exception as error:  # noqa: BLE001 - no package, or no driver
        assert isinstance(error, ImportError) or type(error).__name__.startswith("NVMLError")
    else:  # a machine with a GPU
        assert all(gpu.memory_total_bytes for gpu in read_gpus(nvml))


def test_what_was_seen_last_is_told_until_the_driver_is_silent_for_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nvml = Nvml([BUSY])
    watch = GpuWatch(lambda: nvml, look_s=0.01)
    watch.start()
    wait_for(lambda: watch.gpus() == (BUSY,), what="the first look")
    nvml.gpus = [replace(BUSY, use=0.5)]
    wait_for(lambda: watch.gpus()[0].use == 0.5, what="another look")
    nvml.lost = True
    nvml.asked.clear()
    assert nvml.asked.wait(60)
    assert watch.gpus() != ()
    monkeypatch.setattr("worker.monitoring.gpus._FORGET_S", 0.0)
    assert watch.gpus() == ()
    watch.stop()
    assert nvml.shut_down.wait(60)


def test_a_driver_that_hangs_hangs_nobody_else() -> None:
    hangs, is_over = threading.Event(), threading.Event()

    def load() -> Any:
        hangs.wait(60)
        is_over.set()
        raise OSError("the driver gave up")

    watch = GpuWatch(load)
    watch.start()
    assert watch.gpus() == ()
    assert not is_over.is_set()
    hangs.set()
    watch.stop()
    assert is_over.wait(60)


def test_a_worker_tells_them_as_gauges_and_in_its_health() -> None:
    health = Health(
        "here:1",
        readiness=lambda: Readiness(()),
        living_children=dict,
        threads={},
        pulse=Pulse(),
        gpus=lambda: (BUSY, VIRTUAL),
    )
    assert health.report()["gpus"][0]["memory_used_bytes"] == BUSY.memory_used_bytes
    told = {
        (sample.name.removeprefix("longscribe_worker_gpu_"), sample.labels["gpu"]): sample.value
        for family in text_string_to_metric_families(health.metrics().decode())
        for sample in family.samples
        if "_gpu_" in sample.name
    }
    assert told == {
        ("memory_used_bytes", "0"): 60 * 2**30,
        ("memory_used_bytes", "1"): 2**30,
        ("memory_total_bytes", "0"): 140 * 2**30,
        ("memory_total_bytes", "1"): 8 * 2**30,
        ("use_ratio", "0"): 0.87,
        ("temperature_celsius", "0"): 64.0,
        ("power_watts", "0"): 410.5,
    }


@pytest.mark.parametrize("gpus", [(), (BUSY,), (BUSY, VIRTUAL)])
def test_they_come_back_from_a_worker_s_row(gpus: tuple[Gpu, ...]) -> None:
    assert Gpu.read(Gpu.write(gpus)) == gpus


@pytest.mark.parametrize("damaged", ["{", "7", '[{"index": 0}]', '["GPU"]', '[{"index": ['])
def test_a_damaged_row_tells_of_none(damaged: str) -> None:
    assert Gpu.read(damaged) == ()


def test_of_a_later_version_s_row_what_is_known_is_read() -> None:
    later = '[{"index": 0, "uuid": "GPU-5f", "name": "NVIDIA", "fans": 2}]'
    assert Gpu.read(later) == (Gpu(0, "GPU-5f", "NVIDIA"),)
