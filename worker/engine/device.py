"""Device on which the networks run, its free memory, and the errors when that runs out."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from shared.errors import ModelUnavailable, OutOfMemory
from worker.memory.batch_memory_model import C_LIBRARY, Allocator, RamProbe
from worker.memory.share import device_limit, share_below_limit
from worker.recogniser import BatchOutOfMemory, MemoryProbe, Pcm

TORCH_VERSION: str = torch.__version__
CUDA_VERSION: str | None = torch.version.cuda
"""Version of the build of torch; None of one for the CPU."""

Result = TypeVar("Result")

_OUT_OF_MEMORY = re.compile(
    r"out of memory|not enough memory|can't allocate memory|cannot allocate memory"
    r"|(CUBLAS|CUDNN|CUSOLVER|CUFFT)\w*ALLOC_FAILED",
    re.IGNORECASE,
)


def resolve_device(name: str) -> torch.device:
    """'auto' is the first GPU or else the CPU; 'cpu', 'cuda' and 'cuda:1' are what they say.

    Raises ModelUnavailable for a device that is not there: FunASR would quietly use the CPU.
    """
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    match = re.fullmatch(r"cuda(?::(\d+))?", name)
    if not match:
        raise ModelUnavailable(
            f"LONGSCRIBE_DEVICE is {name!r}; it must be auto, cpu, or cuda:0, cuda:1, ..."
        )
    index, count = int(match[1] or 0), torch.cuda.device_count()
    if index >= count:
        raise ModelUnavailable(
            f"LONGSCRIBE_DEVICE asks for {name}, but torch {torch.__version__} sees {count} GPUs "
            "here. Check the driver (nvidia-smi) and that the container was given the GPU, or set "
            "LONGSCRIBE_DEVICE=cpu."
        )
    return torch.device("cuda", index)


def device_name(device: torch.device) -> str:
    """The name of a GPU as its maker gives it; of a CPU an empty string."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else ""


def uploaded(speech: Sequence[Pcm], device: torch.device, *, multiple: int = 1) -> Tensor:
    """The samples of all spans in a row, on the device: one copy, which nobody waits for.

    Every span takes a multiple of `multiple` samples, filled up with zeros.
    """
    if device.type != "cuda" and len(speech) == 1 and len(speech[0]) % multiple == 0:
        return torch.as_tensor(speech[0])
    places = [-(-len(pcm) // multiple) * multiple for pcm in speech]
    together = torch.zeros(sum(places), dtype=torch.int16, pin_memory=device.type == "cuda")
    begin = 0
    for pcm, place in zip(speech, places, strict=True):
        together.numpy()[begin : begin + len(pcm)] = pcm
        begin += place
    return together.to(device, non_blocking=True)


def uploaded_numbers(numbers: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    """Rows of integers as one tensor on the device, which nobody waits for."""
    table = torch.tensor(numbers)
    return table.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else table


def fetched(*tensors: Tensor) -> list[list[float]]:
    """The numbers of all tensors, flattened, in one trip; waits until the device has them.

    As double precision, which holds every integer below 2**53.
    """
    together = torch.cat([tensor.double().flatten() for tensor in tensors]).tolist()
    lists, begin = [], 0
    for tensor in tensors:
        lists.append(together[begin : begin + tensor.numel()])
        begin += tensor.numel()
    return lists


class Arriving:
    """Numbers on their way from the device; what is queued behind them does not delay them."""

    def __init__(self, numbers: Tensor) -> None:
        self._numbers = numbers
        self._arrived: torch.cuda.Event | None = None
        if numbers.device.type == "cuda":
            self._numbers = torch.empty(numbers.shape, dtype=numbers.dtype, pin_memory=True)
            self._numbers.copy_(numbers, non_blocking=True)
            self._arrived = torch.cuda.Event()
            self._arrived.record(torch.cuda.current_stream(numbers.device))

    def wait(self) -> Tensor:
        """The numbers on the CPU, once they have arrived there."""
        if self._arrived is not None:
            self._arrived.synchronize()
        return self._numbers


def limit_to_share(device: torch.device, processes: int) -> None:
    """Have torch refuse this process more than its part of a GPU that `processes` divide.

    Raises ModelUnavailable where so many have no room.
    """
    if device.type != "cuda" or processes == 1:
        return
    total = torch.cuda.get_device_properties(device).total_memory
    limit = device_limit(total, processes)
    if limit <= 0:
        raise no_room_for_the_model(device, processes)
    torch.cuda.set_per_process_memory_fraction(limit / total, device)


class NoRoomForModel(ModelUnavailable):
    """The model is sound, and the device's memory is in use."""


def no_room_for_the_model(device: torch.device, processes: int) -> NoRoomForModel:
    if processes == 1:
        return NoRoomForModel(
            f"{device} has no room for the model. Free memory that other programs use, or name "
            "another device with LONGSCRIBE_DEVICE."
        )
    return NoRoomForModel(
        f"{device} has no room for {processes} copies of the model. Lower "
        "LONGSCRIBE_WORKER_CONCURRENCY, or free memory that other programs use."
    )


class VramProbe:
    """The memory of one NVIDIA GPU, divided by `processes`, this one included.

    Implements `worker.recogniser.MemoryProbe`.
    """

    def __init__(self, device: torch.device, processes: int = 1) -> None:
        self._device = device
        self._processes = processes

    def headroom_bytes(self) -> int:
        """Bytes that the driver has free, or our part of it, plus what torch's allocator holds
        without using it."""
        free, total = torch.cuda.mem_get_info(self._device)
        held = torch.cuda.memory_reserved(self._device)
        if self._processes > 1:
            free = share_below_limit(free, held, total, self._processes)
        return free + held - torch.cuda.memory_allocated(self._device)

    def reset_peak(self) -> None:
        torch.cuda.reset_peak_memory_stats(self._device)

    def peak_bytes(self) -> int:
        """The most bytes in live tensors, weights included; the CUDA context (0.3-0.5 GB) is
        not."""
        return torch.cuda.max_memory_allocated(self._device)


def usable_cores(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Cores that this process may really use at once.

    torch counts the machine's cores; with more threads than a container's quota they wait for each
    other.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:  # macOS
        cores = os.cpu_count() or 1
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        return cores
    return cores if quota == "max" else max(1, min(cores, int(quota) // int(period)))


def threads_on_cpu(wanted: int, is_demo: bool, processes: int = 1) -> int:
    """torch's threads: as many as `wanted`, or for 0 this process's part of the cores, and one for
    the demo model, whose layers are too small to be worth dividing."""
    return wanted or (1 if is_demo else max(1, usable_cores() // processes))


def memory_probe(device: torch.device, processes: int = 1) -> MemoryProbe:
    """Make the probe for one of `processes` on the device."""
    if device.type == "cuda":
        return VramProbe(device, processes)
    return RamProbe(processes=processes)


def allocator(device: torch.device) -> Allocator:
    """Bytes that a live byte takes of the device's headroom.

    torch's own allocator on a GPU is counted live, and its fragments are what the reserve is for.
    """
    return Allocator() if device.type == "cuda" else C_LIBRARY


def return_freed_memory() -> None:
    """Give the C library's freed memory back to the system.

    glibc keeps what loading freed, where nothing else can have it.  Other C libraries do without.
    """
    gc.collect()
    trim_heap()


def trim_heap() -> None:
    """Give back what is free in the C library's heap, without looking for garbage first."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def resident_bytes(device: torch.device) -> int:
    """Bytes in use before the first batch, in the measure that the device's probe uses."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    probe = RamProbe()
    probe.reset_peak()
    return probe.peak_bytes()


def computes(device: torch.device) -> bool:
    """Return whether a small sum on the device gives the right result.

    An error that breaks a CUDA context (an illegal access, an assertion on the device, an Xid)
    fails every later call, this one too.  Out of memory is no such error.
    """
    if device.type != "cuda":
        return True
    try:
        torch.cuda.synchronize(device)
        return float(torch.ones(64, device=device).sum().item()) == 64.0
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return is_out_of_memory(error)


def within_memory(device: torch.device, forward: Callable[[], Result]) -> Result:
    """Run one forward pass; raise BatchOutOfMemory where the device has no room for it.

    Other errors pass unchanged.
    """
    try:
        return forward()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        said = str(error)
    # Only out here is `error` gone, and with its traceback every tensor of the failed pass.
    # Nowhere else is the cache emptied: that would make the next batch allocate all of it again.
    if device.type == "cuda":
        torch.cuda.empty_cache()
    raise BatchOutOfMemory(said)


def must_fit(device: torch.device, forward: Callable[[], Result]) -> Result:
    """Run one forward pass that cannot be halved: no room for it ends the attempt (OutOfMemory)."""
    try:
        return within_memory(device, forward)
    except BatchOutOfMemory as error:
        raise OutOfMemory from error


def is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and bool(_OUT_OF_MEMORY.search(str(error)))
