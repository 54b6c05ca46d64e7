"""What a worker would find on this machine: `python -m worker.engine.inspection`, for
`longscribe doctor`.

Writes a line of JSON for each topic as soon as it is known.  Loads no network, downloads nothing.
"""

from __future__ import annotations

import json
from typing import Any

import torch

from shared.errors import ModelUnavailable
from shared.settings import Settings, load_settings
from worker.engine.catalogue import ModelNotDownloaded, locate_configured
from worker.engine.device import resolve_device
from worker.engine.precision import Precision


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
    """{"torch", "device", "name"}, or {"torch", "error"}."""
    told: dict[str, Any] = {"torch": torch.__version__}
    try:
        found = resolve_device(settings.device)
        Precision(settings.precision, found)
    except ModelUnavailable as error:
        return {**told, "error": error.message}
    name = torch.cuda.get_device_name(found) if found.type == "cuda" else ""
    return {**told, "device": str(found), "name": name}


def main() -> None:
    settings = load_settings()
    for topic, look in (("model", model), ("device", device)):
        print(json.dumps({"topic": topic, **look(settings)}), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
