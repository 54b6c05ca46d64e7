"""Probe batches: what a pass really takes on this device, for `worker.memory.calibration_fit`.

The probes are noise, for the memory depends on shapes alone.  Their lengths fall a little, as in a
planned batch, so that the recurrent layer packs them the way it packs real ones.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch

from worker.engine.device import return_freed_memory, within_memory
from worker.engine.family import ProbeShape, SpeechNetwork
from worker.engine.precision import TORCH
from worker.memory.batch_memory_model import MemoryModel, ResidentPeak
from worker.memory.calibration_fit import Measurement, Timing, fit_pass_cost
from worker.pass_cost import PassCost
from worker.recogniser import EMPTY_REQUEST, SAMPLE_RATE, BatchOutOfMemory, Pcm

log = logging.getLogger(__name__)

SHORTEST = 0.9
"""The shortest span of a probe over its longest, near what the planner puts together."""

HEADROOM_SHARE = 0.1
"""A probe that by the architecture's estimate takes more of the free memory is left out."""

TIME_LIMIT_S = 10.0
"""A probe that would end later is left out, by the speed of the one before."""

TIMED_RUNS = 3
"""The fastest counts: whatever else the machine does can only slow a run down."""


def noise(shape: ProbeShape, shortest: float = SHORTEST) -> list[Pcm]:
    """Spans of white noise at -24 dB, the same at every call; `shortest` as a share of longest."""
    random = np.random.default_rng(0)
    seconds = np.linspace(1.0, shortest, shape.spans) * shape.longest_s
    return [
        random.normal(0.0, 2_000.0, round(length * SAMPLE_RATE)).astype(np.int16)
        for length in seconds
    ]


def memory_probes(network: SpeechNetwork, device: torch.device) -> tuple[ProbeShape, ...]:
    """The batches that measure memory on a device, smallest first."""
    probes = network.probes
    return probes.memory + (probes.memory_on_gpu if device.type == "cuda" else ())


def measure(
    network: SpeechNetwork,
    device: torch.device,
    headroom_bytes: int,
    *,
    time_limit_s: float = TIME_LIMIT_S,
) -> list[Measurement]:
    """Run the probes that fit into the memory and the time; never raises for want of memory."""
    started = time.monotonic()
    seconds_per_padded = 0.0
    measurements: list[Measurement] = []
    try:
        within_memory(
            device, lambda: network.recognise(noise(network.probes.warm_up), EMPTY_REQUEST)
        )
        for shape in memory_probes(network, device):
            needed = network.memory_estimate.activation_bytes(shape.padded_s, shape.longest_s)
            if needed > HEADROOM_SHARE * headroom_bytes:
                log.info("a probe of %.0f padded seconds would take too much", shape.padded_s)
                break
            begun = time.monotonic()
            if begun + seconds_per_padded * shape.padded_s > started + time_limit_s:
                log.info("a probe of %.0f padded seconds would take too long", shape.padded_s)
                continue
            speech = noise(shape)
            peak = within_memory(device, partial(live_peak_bytes, device, network, speech))
            seconds_per_padded = (time.monotonic() - begun) / shape.padded_s
            measurements.append(Measurement(shape.padded_s, shape.longest_s, float(peak)))
    except BatchOutOfMemory as error:
        log.warning("a probe batch ran out of memory: %s", error)
    if device.type == "cuda":
        torch.cuda.empty_cache()
    return measurements


def measure_cost(
    network: SpeechNetwork,
    device: torch.device,
    memory: MemoryModel,
    headroom_bytes: int,
    shapes: tuple[ProbeShape, ProbeShape, ProbeShape],
) -> PassCost | None:
    """Measure the cost of one more forward pass; None where the largest probe would take too much
    memory."""
    largest = shapes[2]
    needed = memory.activation_bytes(largest.padded_s, largest.longest_s)
    if needed > HEADROOM_SHARE * headroom_bytes:
        return None
    try:
        short, long, large = (_timed(network, device, shape) for shape in shapes)
    except BatchOutOfMemory as error:
        log.warning("a probe batch ran out of memory: %s", error)
        return None
    return fit_pass_cost(short, long, large)


def _timed(network: SpeechNetwork, device: torch.device, shape: ProbeShape) -> Timing:
    speech = noise(shape)
    seconds = []
    for _ in range(1 + TIMED_RUNS):
        begun = time.perf_counter()
        within_memory(
            device, lambda: network.recognise(speech, EMPTY_REQUEST)
        )  # ends with words: all is done
        seconds.append(time.perf_counter() - begun)
    return Timing(shape.padded_s, shape.longest_s, min(seconds[1:]))


def live_peak_bytes(device: torch.device, network: SpeechNetwork, speech: Sequence[Pcm]) -> int:
    """The most bytes in tensors during one forward pass, over what was there before; exact.

    On a GPU it is the allocator's own mark.  On a CPU the resident set is too coarse (the C library
    holds what is freed), so every allocation and release of torch's is added up; what oneDNN takes
    beside torch is not among them.  Of a network that another runtime computes the resident set is
    all there is to see; what was freed is given back before.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        network.recognise(speech, EMPTY_REQUEST)
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    if network.runtime != TORCH:
        return _resident_growth_bytes(lambda: network.recognise(speech, EMPTY_REQUEST))
    return _cpu_live_peak_bytes(lambda: network.recognise(speech, EMPTY_REQUEST))


def _resident_growth_bytes(forward: Callable[[], object]) -> int:
    return_freed_memory()
    peak = ResidentPeak()
    peak.reset()
    before = peak.bytes()
    forward()
    return peak.bytes() - before


def _cpu_live_peak_bytes(forward: Callable[[], object]) -> int:
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # or it writes to standard error
    # Not torch.profiler, which imports the compiler first: over a second.
    with torch.autograd.profiler.profile(profile_memory=True) as profile:
        forward()
    assert profile.kineto_results is not None
    events = [event for event in profile.kineto_results.events() if event.name() == "[memory]"]
    live = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return peak
