"""Checks of `longscribe doctor` on the model and the device.

A process of its own asks the engine, since this side does not know torch and a driver may hang.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from shared.cli.doctor.driver import check_driver, read_driver
from shared.cli.doctor.finding import Finding, ok, problem, unchecked, warning
from shared.settings import Settings

ENGINE_WITHIN_S = 280.0
"""Importing torch takes 5 s and loading Paraformer-large 20 s, several times that from a cold
disk; a model that nobody has loaded here before is read once more to hash it."""
QUICK_WITHIN_S = 50.0
"""Seconds for what is done without loading the model."""


def check_speech(settings: Settings, *, quick: bool = False) -> list[Finding]:
    """Check whether a worker could load the model here, on which device it would run, and, unless
    `quick`, that it loads and runs."""
    missing = [name for name in ("worker", "torch", "funasr") if find_spec(name) is None]
    if missing:
        finding = f"{' and '.join(missing)} cannot be found here"
        if settings.redis_url.get_secret_value():
            return [
                warning(
                    "model",
                    f"not looked at: {finding}, so no worker runs in this environment",
                    "Run longscribe doctor where the worker runs, too.",
                )
            ]
        return [
            problem("model", finding, "Install longscribe[worker] and torch, or use make serve.")
        ]
    told, complaint = _ask_the_engine(settings, quick=quick)
    driver = read_driver()
    found = [
        judge_model(settings, told.get("model"), complaint),
        judge_device(settings, told.get("device"), complaint, driver.gpus),
        *check_driver(settings, told.get("device"), driver),
    ]
    if not quick and all("error" not in told.get(topic, {}) for topic in ("model", "device")):
        found.append(judge_recognition(settings, told.get("recognition"), complaint))
    return [*found, *judge_speakers(told.get("speakers", {}))]


def _ask_the_engine(settings: Settings, *, quick: bool) -> tuple[dict[str, Any], str]:
    """Answers of the engine by topic, and the reason why there are no more."""
    within_s = QUICK_WITHIN_S if quick else ENGINE_WITHIN_S
    environment = {**os.environ, "LONGSCRIBE_MODEL": settings.model}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "worker.doctor_inspection", *(["--quick"] if quick else [])],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=within_s,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return _parse(late.stdout or b""), f"no answer within {within_s:.0f} s"
    last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    return _parse(done.stdout), last or f"the engine ended with status {done.returncode}"


def _parse(output: bytes) -> dict[str, Any]:
    """Read lines of JSON, each with a `topic`; a library may have printed others between them."""
    told = {}
    for line in output.decode(errors="replace").splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and "topic" in said:
            told[said["topic"]] = said
    return told


def judge_model(settings: Settings, told: dict[str, Any] | None, complaint: str) -> Finding:
    """Make the finding about the model. `told` is the engine's answer, None if it did not get so
    far because of `complaint`."""
    if told is None:
        return unchecked(
            "model",
            f"the engine could not be asked: {complaint}",
            "Reinstall longscribe[worker] and torch if this stays.",
        )
    if told.get("to_be_downloaded") and not settings.model_offline:
        return warning(
            "model",
            f"{settings.model} is not on this machine yet; the worker's first start downloads it",
            "Give the worker access to the ModelScope hub, or set LONGSCRIBE_MODEL to a folder.",
        )
    if "error" in told:
        return problem("model", f"{settings.model} cannot be loaded", told["error"])
    return ok("model", f"{settings.model} is in {told['path']}")


def judge_speakers(told: dict[str, Any]) -> list[Finding]:
    """Make the finding about the network that tells voices apart; none where it is fine, or is
    downloaded by the first job that asks for it."""
    if "error" not in told or told.get("to_be_downloaded"):
        return []
    return [warning("speakers", "jobs that ask who speaks will fail", told["error"])]


def judge_device(
    settings: Settings, told: dict[str, Any] | None, complaint: str, driver: Sequence[str]
) -> Finding:
    """Compare LONGSCRIBE_DEVICE with what torch sees; `driver` is what nvidia-smi lists."""
    if told is None:
        return unchecked("device", f"the engine could not be asked: {complaint}")
    lists = f"nvidia-smi lists {', '.join(driver)}" if driver else "nvidia-smi lists no GPU"
    if "error" in told:
        return problem("device", f"{settings.device} cannot be used ({lists})", told["error"])
    if told["device"] == "cpu" and settings.device == "auto" and driver:
        return warning(
            "device",
            f"{lists}, but torch {told['torch']} cannot use it; jobs run on the CPU",
            "Install the CUDA build of torch that fits the driver, or set LONGSCRIBE_DEVICE=cpu.",
        )
    note = f"; {lists}, not used" if told["device"] == "cpu" and driver else ""
    name = f" ({told['name']})" if told.get("name") else ""
    return ok(
        "device",
        f"{settings.device} is {told['device']}{name} in {settings.precision}, torch "
        f"{told['torch']}{note}",
    )


def judge_recognition(settings: Settings, told: dict[str, Any] | None, complaint: str) -> Finding:
    """Finding about loading the model as a worker does and recognising a second of sound."""
    thing = "recognition"
    if told is None:
        return unchecked(
            thing,
            f"the engine did not get so far: {complaint}",
            "See whether the machine has the memory for the model, then try again.",
        )
    if told.get("no_room"):
        return warning(
            thing,
            f"the model has no room beside what runs here now: {told['error']}",
            "Where a worker runs, this is as it should be: look with --quick, or stop it first.",
        )
    if "error" in told:
        return problem(thing, f"{settings.model} cannot be loaded", told["error"])
    return ok(
        thing,
        f"{settings.model} was loaded in {told['seconds']:.1f} s and heard a second of sound, on "
        f"{told['device']} in {told['dtype']}; it takes {told['model_bytes'] / 1e9:.1f} GB, and "
        f"{told['free_bytes'] / 1e9:.1f} GB are free beside it",
    )
