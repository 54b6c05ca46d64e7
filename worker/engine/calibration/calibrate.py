"""Calibration of this process's device: read from disk, or else measured now."""

from __future__ import annotations

import logging
import os
import platform
import time
from pathlib import Path

import torch

from worker.engine.calibration.probe_batches import measure, measure_cost
from worker.engine.family import SpeechNetwork
from worker.engine.precision import TORCH
from worker.memory.calibration_fit import (
    Calibration,
    CalibrationKey,
    ImplausibleFit,
    fit_memory_model,
    store,
    stored,
)
from worker.recogniser import ModelIdentity

log = logging.getLogger(__name__)


def calibrated(
    network: SpeechNetwork,
    device: torch.device,
    identity: ModelIdentity,
    headroom_bytes: int,
    folder: Path,
) -> Calibration | None:
    """Calibration kept in `folder`, its memory model in live bytes, or else measured now and kept
    there.

    None, with the reason in the log, if the device cannot be measured.
    """
    architecture = network.memory_estimate
    key = calibration_key(device, identity)
    try:
        kept = stored(folder, key, architecture)
    except ValueError as error:
        log.warning("the memory model in %s is measured anew: %s", key.file_in(folder), error)
    else:
        if kept is not None:
            log.info("memory model of %s taken from %s", key.device, key.file_in(folder))
            return kept
    started = time.monotonic()
    try:
        model = fit_memory_model(
            measure(network, device, headroom_bytes),
            architecture,
            coarse=network.runtime != TORCH,  # counted by the resident set
        )
    except ImplausibleFit as error:
        log.warning("the memory model stays the architecture's estimate; measured: %s", error)
        return None
    log.info(
        "memory model of %s measured in %.1f s: %.0f kB a padded second, estimated were %.0f",
        key.device,
        time.monotonic() - started,
        model.bytes_per_second / 1e3,
        architecture.bytes_per_second / 1e3,
    )
    cost = None
    if device.type == "cuda":  # elsewhere it would cost seconds, and is known
        cost = measure_cost(network, device, model, headroom_bytes, network.probes.cost)
        log.info("what another forward pass costs, in padded seconds: %s", cost)
    measured = Calibration(model, cost)
    try:
        store(folder, key, measured)
    except OSError as error:
        log.warning("the memory model could not be kept in %s: %s", folder, error)
    return measured


def calibration_key(device: torch.device, identity: ModelIdentity) -> CalibrationKey:
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        name, total = properties.name, properties.total_memory
    else:
        name = _processor_name()
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return CalibrationKey(
        device=name,
        total_memory_bytes=total,
        model_revision=identity.revision,
        dtype=identity.dtype,
        torch_version=str(torch.__version__),
    )


def _processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    try:
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()
