"""Check whether NVIDIA's driver is new enough for the CUDA that torch was built with."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

from shared.cli.doctor.finding import Finding, ok, problem
from shared.settings import Settings

_WITHIN_S = 5.0

OLDEST_DRIVERS = {11: (450, 80, 2), 12: (525, 60, 13), 13: (580,)}
"""Oldest driver that runs any release on Linux of a major version of CUDA, as NVIDIA's table of
minor version compatibility has it."""


@dataclass(frozen=True, slots=True)
class Driver:
    """Facts from nvidia-smi about this machine."""

    version: str = ""
    """Version, such as 580.65.06; in a container it is the host's."""
    gpus: tuple[str, ...] = ()
    """Names of the GPUs, such as 'NVIDIA H100 80GB HBM3'."""


def read_driver() -> Driver:
    """Ask nvidia-smi; nothing is told without one, and by one that fails or hangs."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return Driver()
    try:
        listed = subprocess.run(
            [program, "--query-gpu=driver_version,name", "--format=csv,noheader"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_WITHIN_S,
            check=True,
            text=True,
        )
    except (OSError, subprocess.SubprocessError):
        return Driver()
    rows = [line.partition(",") for line in listed.stdout.splitlines() if "," in line]
    if not rows:
        return Driver()
    return Driver(rows[0][0].strip(), tuple(name.strip() for _, _, name in rows))


def check_driver(settings: Settings, told: dict[str, Any] | None, driver: Driver) -> list[Finding]:
    """Compare the driver with what the engine tells of its CUDA ("cuda", as '13.0'); nothing where
    no GPU is asked for, none is there, or torch has no CUDA."""
    cuda = str((told or {}).get("cuda") or "")
    major = int(cuda.partition(".")[0]) if cuda.partition(".")[0].isdigit() else 0
    oldest = OLDEST_DRIVERS.get(major)
    if settings.device == "cpu" or not driver.gpus or oldest is None:
        return []
    needs = f"torch's CUDA {cuda} needs {_text(oldest)} or newer"
    if _numbers(driver.version) >= oldest:
        return [ok("driver", f"{driver.version}; {needs}")]
    older = max((known for known in OLDEST_DRIVERS if known < major), default=None)
    instead = (
        f", or install a build of torch for CUDA {older}, which runs from "
        f"{_text(OLDEST_DRIVERS[older])} on"
        if older
        else ""
    )
    return [
        problem(
            "driver",
            f"{driver.version} is too old: {needs}",
            f"Update NVIDIA's driver, of the host where this is a container{instead}.",
        )
    ]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _text(version: tuple[int, ...]) -> str:
    return ".".join(f"{part:02}" if place else f"{part}" for place, part in enumerate(version))
