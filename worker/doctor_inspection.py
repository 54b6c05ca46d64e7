"""Find what a worker would find on this machine, for `longscribe doctor`.

`python -m worker.doctor_inspection [--quick]`

Writes a line of JSON for each topic as soon as it is known.  Downloads nothing and keeps nothing;
with --quick it loads no network either.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from shared.errors import ModelUnavailable
from shared.settings import Settings, load_settings
from worker.configured_recogniser import load_configured_encoder, load_configured_recogniser
from worker.engine.device import (
    CUDA_VERSION,
    TORCH_VERSION,
    NoRoomForModel,
    device_name,
    resolve_device,
)
from worker.engine.precision import Precision
from worker.model_store.locate import (
    ModelNotDownloaded,
    locate_configured,
    locate_configured_speakers,
)


def model(settings: Settings) -> dict[str, Any]:
    """{"path"}, or {"error", "to_be_downloaded"}."""
    try:
        folders = locate_configured(settings, offline=True)
    except ModelUnavailable as error:
        return {
            "error": error.message,
            "to_be_downloaded": isinstance(error, ModelNotDownloaded),
        }
    return {"path": str(folders.asr.path)}


def device(settings: Settings) -> dict[str, Any]:
    """{"torch", "cuda", "device", "name"}, or {"torch", "cuda", "error"}."""
    told: dict[str, Any] = {"torch": TORCH_VERSION, "cuda": CUDA_VERSION}
    try:
        found = resolve_device(settings.device)
        Precision(settings.precision, found, settings.cpu_runtime)
    except ModelUnavailable as error:
        return {**told, "error": error.message}
    return {**told, "device": str(found), "name": device_name(found)}


def recognition(settings: Settings) -> dict[str, Any]:
    """Load the three networks as a worker does, which tries each on a second of sound.

    {"seconds", "device", "dtype", "model_bytes", "free_bytes"}, or {"error", "no_room"}.
    """
    begun = time.monotonic()
    offline = settings.model_copy(update={"model_offline": True})
    try:
        recogniser = load_configured_recogniser(offline, calibrate=False)
    except ModelUnavailable as error:
        return {"error": error.message, "no_room": isinstance(error, NoRoomForModel)}
    return {
        "seconds": time.monotonic() - begun,
        "device": recogniser.identity.device,
        "dtype": recogniser.identity.dtype,
        "model_bytes": recogniser.memory_model.resident_bytes,
        "free_bytes": recogniser.memory.headroom_bytes(),
    }


def speakers(settings: Settings, *, load: bool) -> dict[str, Any]:
    """Find the network that tells voices apart and, with `load`, try it as a worker does.

    {"path"}, or {"error", "to_be_downloaded"}.
    """
    offline = settings.model_copy(update={"model_offline": True})
    try:
        folder = locate_configured_speakers(offline)
        if load:
            load_configured_encoder(offline)
    except ModelUnavailable as error:
        return {
            "error": error.message,
            "to_be_downloaded": isinstance(error, ModelNotDownloaded),
        }
    return {"path": str(folder.path)}


def tell(topic: str, told: dict[str, Any]) -> bool:
    """Write what was found; whether it is well."""
    print(json.dumps({"topic": topic, **told}), flush=True)  # noqa: T201 - the answer
    return "error" not in told


def main() -> None:
    """Recognition is tried only where a model and a device are there."""
    settings = load_settings()
    model_is_there = tell("model", model(settings))
    device_is_there = tell("device", device(settings))
    load = model_is_there and device_is_there and "--quick" not in sys.argv[1:]
    if load:
        tell("recognition", recognition(settings))
    tell("speakers", speakers(settings, load=load))


if __name__ == "__main__":
    main()
