"""What `longscribe doctor` makes of NVIDIA's driver."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.cli.doctor.driver import Driver, check_driver, read_driver
from shared.cli.doctor.finding import Level
from shared.settings import Settings


def an_nvidia_smi(folder: Path, script: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}")
    program.chmod(0o755)


def test_the_driver_s_program_tells_its_version_and_the_gpus(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    an_nvidia_smi(tmp_path, "echo '580.65.06, NVIDIA H200'; echo '580.65.06, NVIDIA H200'")
    assert read_driver() == Driver("580.65.06", ("NVIDIA H200",) * 2)
    an_nvidia_smi(tmp_path, "echo 'Failed to initialize NVML'; exit 18")
    assert read_driver() == Driver()
    an_nvidia_smi(tmp_path, "echo 'No devices were found'")
    assert read_driver() == Driver()


@pytest.mark.parametrize(
    ("version", "cuda", "level", "says"),
    [
        ("580.65.06", "13.0", Level.OK, "CUDA 13.0 needs 580 or newer"),
        ("570.211.01", "13.0", Level.PROBLEM, "570.211.01 is too old"),
        ("525.60.13", "12.6", Level.OK, "needs 525.60.13"),
        ("525.60.09", "12.6", Level.PROBLEM, "too old"),
    ],
)
def test_a_driver_older_than_torch_s_cuda_needs_is_a_problem(
    version: str, cuda: str, level: Level, says: str
) -> None:
    [found] = check_driver(Settings(), {"cuda": cuda}, Driver(version, ("H200",)))
    assert found.level is level
    assert says in found.finding
    if level is Level.PROBLEM and cuda == "13.0":
        assert "for CUDA 12, which runs from 525.60.13 on" in found.what_to_do


@pytest.mark.parametrize(
    ("settings", "told", "driver"),
    [
        (Settings(device="cpu"), {"cuda": "13.0"}, Driver("1", ("H200",))),
        (Settings(), {"cuda": None}, Driver("1", ("H200",))),
        (Settings(), {"cuda": "13.0"}, Driver()),
        (Settings(), None, Driver("1", ("H200",))),
        (Settings(), {"cuda": "99.0"}, Driver("1", ("H200",))),
    ],
)
def test_nothing_is_said_where_no_driver_is_needed_or_nobody_knows(
    settings: Settings, told: dict[str, object] | None, driver: Driver
) -> None:
    assert check_driver(settings, told, driver) == []
