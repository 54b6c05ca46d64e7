"""Memory that a batch needs, and memory that is free: a pure model and the probe for RAM.

The model is plain arithmetic, so that the batch planner can be tested without a device.  The probe
for VRAM needs torch and lives in `worker.engine.device`.

Units: bytes, and *padded seconds*, the length of the longest span of a batch times the number of
its spans.  That is what the network computes on, whatever the spans hold.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from worker.memory.share import even_share, siblings_bytes

MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Allocator:
    """Bytes that an allocator takes from the system for the bytes that are live at the peak."""

    per_live_byte: float = 1.0
    fixed_bytes: float = 0.0


C_LIBRARY = Allocator(per_live_byte=2.2, fixed_bytes=32e6)
"""Allocator on a CPU: freed blocks that glibc keeps, and what oneDNN takes beside torch.

Growth of the resident set over live bytes, with glibc and torch 2.13 and networks 128 and 512 wide:
1.1 to 2.8 times in batches of 150 padded seconds and more, up to 4.7 times in smaller ones.  No
growth of some 60 batches was above 2.2 times and 32 MB.
"""


@dataclass(frozen=True, slots=True)
class MemoryModel:
    """Padded seconds to bytes and back: fixed + linear in the frames + quadratic for attention.

    With P padded seconds whose longest span lasts L seconds a forward pass needs
    `fixed_bytes + P * bytes_per_second + P * L * bytes_per_second_squared` on top of
    `resident_bytes`, which are there before it (weights, and on a CPU the interpreter).  Fused
    attention keeps no matrix of scores, so the quadratic term is zero unless a calibration finds
    one.
    """

    fixed_bytes: float
    bytes_per_second: float
    bytes_per_second_squared: float = 0.0
    resident_bytes: float = 0.0
    calibrated: bool = False
    """False while the figures come from the architecture, True once measured on the device."""

    def __post_init__(self) -> None:
        terms = (self.fixed_bytes, self.bytes_per_second_squared, self.resident_bytes)
        if not all(math.isfinite(term) and term >= 0 for term in terms):
            raise ValueError(f"memory terms must be finite and not negative: {self}")
        if not (math.isfinite(self.bytes_per_second) and self.bytes_per_second > 0):
            raise ValueError(f"a padded second must cost something: {self}")

    def activation_bytes(self, padded_seconds: float, longest_seconds: float) -> float:
        """Bytes that one forward pass adds at its peak.

        A batch cannot hold a span longer than itself, so a smaller one is charged its own length.
        """
        longest = min(longest_seconds, padded_seconds)
        slope = self.bytes_per_second + longest * self.bytes_per_second_squared
        return self.fixed_bytes + padded_seconds * slope

    def peak_bytes(self, padded_seconds: float, longest_seconds: float) -> float:
        """Bytes in use at the peak, resident ones included: what `MemoryProbe.peak_bytes` sees."""
        return self.resident_bytes + self.activation_bytes(padded_seconds, longest_seconds)

    def padded_seconds_within(self, available_bytes: float, longest_seconds: float) -> float:
        """The inverse of `activation_bytes`: most padded seconds that fit; 0.0 where none do."""
        spare = available_bytes - self.fixed_bytes
        if spare <= 0:
            return 0.0
        a, q = self.bytes_per_second, self.bytes_per_second_squared
        several = spare / (a + q * longest_seconds)
        if several >= longest_seconds or q == 0.0:
            return several
        # One span fills the batch, so its own length is the longest: a*P + q*P**2 = spare, in the
        # form of the root that does not cancel when q is small.
        return 2.0 * spare / (a + math.sqrt(a * a + 4.0 * q * spare))

    def held_by(self, allocator: Allocator) -> MemoryModel:
        """Convert this model to bytes that the system must give, not only those in live tensors."""
        return replace(
            self,
            fixed_bytes=allocator.fixed_bytes + allocator.per_live_byte * self.fixed_bytes,
            bytes_per_second=allocator.per_live_byte * self.bytes_per_second,
            bytes_per_second_squared=allocator.per_live_byte * self.bytes_per_second_squared,
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> MemoryModel:
        """Decode what `to_json` wrote. Raises TypeError or ValueError when the value is not one
        that `to_json` wrote."""
        return cls(**value)


@dataclass(frozen=True, slots=True)
class Reserve:
    """Memory left alone: for other programs, the allocator's fragments, the model's error."""

    fraction: float = 0.10
    floor_bytes: int = 256 * MIB

    def usable_bytes(self, headroom_bytes: int) -> int:
        """Bytes of the headroom that a batch may take. Never negative."""
        reserve = max(float(self.floor_bytes), self.fraction * headroom_bytes)
        return max(0, math.floor(headroom_bytes - reserve))


class RamProbe:
    """RAM of this process's world: the machine's, or the cgroup's where that is less.

    Implements `worker.recogniser.MemoryProbe`.  `processes` is how many children of the same parent
    divide the memory, this one included.  `proc` and `cgroup` are where the kernel's trees are
    mounted.
    """

    def __init__(
        self,
        proc: Path = Path("/proc"),
        cgroup: Path = Path("/sys/fs/cgroup"),
        *,
        processes: int = 1,
    ) -> None:
        self._proc = proc
        self._cgroup = cgroup
        self._processes = processes
        self._peak = ResidentPeak(proc)

    def headroom_bytes(self) -> int:
        """Bytes that this process may allocate now without swapping or being killed, even if all
        the others do the same."""
        free = self._free_bytes()
        if self._processes == 1:
            return free
        own, others = siblings_bytes(self._proc)
        # Twice, for one of the others may just have freed what was counted as held.
        return even_share(min(free, self._free_bytes()), own, others, self._processes)

    def _free_bytes(self) -> int:
        return max(0, min([machine_available_bytes(self._proc), *self._cgroup_headrooms()]))

    def reset_peak(self) -> None:
        self._peak.reset()

    def peak_bytes(self) -> int:
        """The most resident bytes of this process since `reset_peak`."""
        return self._peak.bytes()

    def _cgroup_headrooms(self) -> Iterator[int]:
        for limit_file, usage_file, prefix, folder in self._cgroup_folders():
            limit, usage = _read_int(folder / limit_file), _read_int(folder / usage_file)
            if limit is not None and usage is not None:
                yield limit - usage + _reclaimable_bytes(folder / "memory.stat", prefix)

    def _cgroup_folders(self) -> Iterator[tuple[str, str, str, Path]]:
        """Yield every folder whose limit binds this process: its own and all above, v2 and v1."""
        try:
            lines = (self._proc / "self" / "cgroup").read_text().splitlines()
        except OSError:
            return
        for line in lines:
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                names = ("memory.max", "memory.current", "")
                root = self._cgroup
            elif "memory" in controllers.split(","):
                names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
                root = self._cgroup / "memory"
            else:
                continue
            # A container may see the host's path without having those folders mounted; then the
            # root of the mount is its own group.
            inner = Path(path.lstrip("/"))
            for part in (inner, *inner.parents):
                if ".." not in part.parts and (root / part).is_dir():
                    yield *names, root / part


def machine_available_bytes(proc: Path = Path("/proc")) -> int:
    """MemAvailable; where there is no /proc/meminfo (macOS), half of the physical memory."""
    try:
        for line in (proc / "meminfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "MemAvailable":
                return int(value.split()[0]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _read_int(path: Path) -> int | None:
    """The number in a cgroup file; None for a missing file and for 'max', which is no limit."""
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _reclaimable_bytes(stat_file: Path, prefix: str) -> int:
    """File cache that the kernel drops before it refuses memory.

    Mapped files (the shared libraries in use) and dirty pages are left out, for they cannot simply
    be dropped.
    """
    try:
        pairs = (line.split() for line in stat_file.read_text().splitlines())
        stat = {name: int(value) for name, value in pairs}
    except (OSError, ValueError):
        return 0
    mapped, dirty = ("mapped_file", "dirty") if prefix else ("file_mapped", "file_dirty")
    cached = stat.get(f"{prefix}active_file", 0) + stat.get(f"{prefix}inactive_file", 0)
    return max(0, cached - stat.get(prefix + mapped, 0) - stat.get(prefix + dirty, 0))


class ResidentPeak:
    """The most resident memory of this process since `reset`.

    The kernel keeps that mark in VmHWM and resets it when '5' is written to clear_refs; where that
    is not allowed, a thread looks every 20 ms.
    """

    SAMPLE_SECONDS = 0.02

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._self = proc / "self"
        self._sampled = 0
        self._lock = threading.Lock()  # of _sampled: the sampler and the asker both raise it
        self._sampler: threading.Thread | None = None

    def reset(self) -> None:
        try:
            (self._self / "clear_refs").write_text("5")
        except OSError:
            with self._lock:
                self._sampled = self._resident_bytes()
            if self._sampler is None:
                self._sampler = threading.Thread(target=self._sample, daemon=True)
                self._sampler.start()

    def bytes(self) -> int:
        if self._sampler is not None:
            return self._raise_sampled()
        with contextlib.suppress(OSError):
            for line in (self._self / "status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return self._resident_bytes()

    def _sample(self) -> None:
        while True:
            self._raise_sampled()
            time.sleep(self.SAMPLE_SECONDS)

    def _raise_sampled(self) -> int:
        with self._lock:
            self._sampled = max(self._sampled, self._resident_bytes())
            return self._sampled

    def _resident_bytes(self) -> int:
        try:
            pages = int((self._self / "statm").read_text().split()[1])
        except OSError:
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")
