"""Measurements of the device for `worker.bench.gpu`, which the pipeline does not need."""

from __future__ import annotations

import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from worker.engine.calibration.calibrate import calibrated
from worker.engine.calibration.probe_batches import live_peak_bytes, noise
from worker.engine.family import ProbeShape
from worker.engine.funasr_recogniser import FunASRRecogniser
from worker.engine.instruction_sets import instruction_sets
from worker.recogniser import EMPTY_REQUEST, SAMPLE_RATE, Pcm, RecognisedSpan, RecognitionRequest


def device_facts(recogniser: FunASRRecogniser) -> dict[str, Any]:
    device = recogniser._device
    facts: dict[str, Any] = {"device": str(device), "torch": str(torch.__version__)}
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        facts |= {
            "name": properties.name,
            "memory_bytes": properties.total_memory,
            "capability": f"{properties.major}.{properties.minor}",
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    else:
        facts["instructions"] = instruction_sets()
    return facts


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def stage_seconds(recogniser: FunASRRecogniser) -> Iterator[dict[str, float]]:
    """Seconds by stage of all recognition meanwhile, the device waited for after each.

    Waiting makes the whole slower than it is otherwise.
    """
    network, device = recogniser._speech_network, recogniser._device
    seconds: dict[str, float] = defaultdict(float)

    def timed(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            synchronise(device)
            begun = time.perf_counter()
            result = method(*arguments)
            synchronise(device)
            seconds[name] += time.perf_counter() - begun
            return result

        return run

    for method, name in network.stages.items():
        setattr(network, method, timed(name, getattr(network, method)))
    try:
        yield seconds
    finally:
        for method in network.stages:
            delattr(network, method)


def waits_of_a_pass(recogniser: FunASRRecogniser, speech: Sequence[Pcm]) -> list[str] | None:
    """Places where one forward pass makes the program wait for the GPU, as torch warns of them;
    None on a CPU."""
    if recogniser._device.type != "cuda":
        return None
    recogniser.recognise(speech, EMPTY_REQUEST)
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            recogniser.recognise(speech, EMPTY_REQUEST)
    finally:
        torch.cuda.set_sync_debug_mode(before)
    return [
        f"{Path(warning.filename).name}:{warning.lineno}"
        for warning in caught
        if "synchroniz" in str(warning.message)
    ]


def memory_errors(
    recogniser: FunASRRecogniser, folder: Path, shapes: Sequence[tuple[int, float]]
) -> list[dict[str, float]]:
    """Predicted and measured bytes of batches of noise, (spans, longest seconds) each.

    Empty where the device could not be calibrated; a shape that takes more than half of the free
    memory is left out.
    """
    headroom = recogniser.memory.headroom_bytes()
    kept = calibrated(
        recogniser._speech_network, recogniser._device, recogniser.identity, headroom, folder
    )
    if kept is None:
        return []
    errors = []
    for spans, longest_s in shapes:
        shape = ProbeShape(spans, longest_s)
        predicted = kept.memory.activation_bytes(shape.padded_s, shape.longest_s)
        if predicted > headroom / 2:
            continue
        measured = live_peak_bytes(recogniser._device, recogniser._speech_network, noise(shape))
        errors.append(
            {
                "spans": spans,
                "longest_s": longest_s,
                "predicted_bytes": predicted,
                "measured_bytes": float(measured),
            }
        )
    return errors


def take_memory_away(recogniser: FunASRRecogniser, largest_batch_s: float) -> str:
    """Leave room for less than `largest_batch_s` padded seconds from now on; says how.

    On a GPU torch's allocator is held to what is in use and half of what such a batch takes; on a
    CPU, whose memory cannot be taken away without harm, the network is made to say so.
    """
    device, allowed_s = recogniser._device, largest_batch_s / 2
    if device.type == "cuda":
        torch.cuda.empty_cache()
        model, longest_s = recogniser.memory_model, min(60.0, allowed_s)
        allowed = torch.cuda.memory_reserved(device) + model.activation_bytes(allowed_s, longest_s)
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, allowed / total), device)
        return f"torch may allocate {allowed / 1e9:.2f} GB"
    network = recogniser._speech_network
    recognise = network.recognise

    def refusing(speech: Sequence[Pcm], request: RecognitionRequest) -> list[RecognisedSpan]:
        padded_s = len(speech) * max(map(len, speech), default=0) / SAMPLE_RATE
        if len(speech) > 1 and padded_s > allowed_s:
            raise torch.OutOfMemoryError("injected: out of memory")
        return recognise(speech, request)

    network.recognise = refusing  # type: ignore[method-assign]
    return f"injected: the network refuses more than {allowed_s:.0f} padded seconds"
