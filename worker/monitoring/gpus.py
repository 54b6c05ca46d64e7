"""Values of NVIDIA's driver for the GPUs: memory, use, temperature and power.

A driver that hangs would hang whoever asks it, so a thread of its own asks, and others take what it
heard last.  This is the management library (NVML): it makes no context on a device and takes no
memory there.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import structlog

from shared.jobs import Gpu

log = structlog.get_logger(__name__)

_LOOK_S = 5.0
_FORGET_S = 60.0
"""Seconds without an answer of the driver after which no values are reported."""
_STOP_WITHIN_S = 1.0

T = TypeVar("T")


def read_gpus(nvml: Any) -> list[Gpu]:
    """Read all GPUs that this machine or container has, by the library `nvml`, which was
    initialised.

    What a GPU does not tell is None: a virtual one has no temperature, one that is divided no use,
    and one that is lost tells nothing, not even its name.  Raises the library's NVMLError where the
    driver does not answer.
    """
    return [_read(nvml, index) for index in range(nvml.nvmlDeviceGetCount())]


def _read(nvml: Any, index: int) -> Gpu:
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
    except nvml.NVMLError:  # it fell off the bus, or is somebody else's; the others go on
        return Gpu(index=index, uuid="", name="")

    def told(ask: Callable[..., T], *more: Any) -> T | None:
        try:
            return ask(handle, *more)
        except nvml.NVMLError:
            return None

    memory = told(nvml.nvmlDeviceGetMemoryInfo)
    rates = told(nvml.nvmlDeviceGetUtilizationRates)
    power_mw = told(nvml.nvmlDeviceGetPowerUsage)
    degrees = told(nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU)
    return Gpu(
        index=index,
        uuid=_text(told(nvml.nvmlDeviceGetUUID)),
        name=_text(told(nvml.nvmlDeviceGetName)),
        memory_used_bytes=None if memory is None else int(memory.used),
        memory_total_bytes=None if memory is None else int(memory.total),
        use=None if rates is None else rates.gpu / 100,
        temperature_c=None if degrees is None else float(degrees),
        power_w=None if power_mw is None else power_mw / 1000,
    )


def _text(told: str | bytes | None) -> str:
    """Older releases of the library give bytes."""
    return told.decode(errors="replace") if isinstance(told, bytes) else told or ""


def load_nvml() -> Any:
    """The library, initialised. Raises ImportError without nvidia-ml-py, and NVMLError without a
    driver."""
    nvml = importlib.import_module("pynvml")
    nvml.nvmlInit()
    return nvml


class GpuWatch:
    """Reads the GPUs every few seconds from `start` to `stop`; once, where there is no driver."""

    def __init__(self, load: Callable[[], Any] = load_nvml, *, look_s: float = _LOOK_S) -> None:
        self._load = load
        self._look_s = look_s
        self._stopped = threading.Event()
        self._seen: tuple[float, tuple[Gpu, ...]] | None = None
        self._thread = threading.Thread(target=self._run, name="gpus", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_WITHIN_S)

    def gpus(self) -> tuple[Gpu, ...]:
        """The GPUs as they were a few seconds ago; none where there are none, or the driver
        hangs."""
        seen = self._seen
        return () if seen is None or time.monotonic() - seen[0] > _FORGET_S else seen[1]

    def _run(self) -> None:
        try:
            nvml = self._load()
        except ImportError as error:
            log.warning("no GPU is watched: nvidia-ml-py is missing", reason=repr(error))
            return
        except Exception as error:  # noqa: BLE001 - a machine without NVIDIA's driver
            log.debug("no GPU is watched", reason=repr(error))
            return
        answers = self._look(nvml, is_news=True)
        while not self._stopped.wait(self._look_s):
            if not answers:
                nvml = self._begun_anew(nvml)
            answers = self._look(nvml, is_news=answers)
        with suppress(Exception):
            nvml.nvmlShutdown()

    def _look(self, nvml: Any, *, is_news: bool) -> bool:
        """Read the values and return whether the driver answers; a failure is logged once, by
        `is_news`."""
        try:
            self._seen = time.monotonic(), tuple(read_gpus(nvml))
        except Exception as error:  # noqa: BLE001 - whatever it is, until it is over
            if is_news:
                log.warning("the driver does not tell of its GPUs", reason=repr(error))
            return False
        if not is_news:
            log.info("the driver tells of its GPUs again")
        return True

    def _begun_anew(self, nvml: Any) -> Any:
        """The library for a driver that was loaded again, to which what was opened before is of no
        use."""
        with suppress(Exception):
            nvml.nvmlShutdown()
        try:
            return self._load()
        except Exception:  # noqa: BLE001 - not back yet
            return nvml
