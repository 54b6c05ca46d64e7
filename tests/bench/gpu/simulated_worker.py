"""A GPU worker played through on paper, to predict what `make bench-gpu` would show.

    a child decodes -> a thread mixes, finds speech and plans -> passes on the GPU -> SQL

What a core does was measured on a machine with a CPU (`tests/bench/test_host_costs.py`), what a GPU
does is reckoned (`prices`).  Where a run on a GPU contradicts the outcome, one of these is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.bench.gpu.prices import Gpu
from tests.support.speech.span_lengths import spans_of_talk
from worker.batching.batch_packing import Batch, plan_batches
from worker.batching.windows import PlanningWindows
from worker.recogniser import SAMPLE_RATE, SpeechSpan

HOUR_S = 3_600.0
BLOCK_S = 5.0
SPEECH_SHARE = 0.9
"""Share of speech in a meeting; 537.6 of the 600 s of `longscribe bench`'s."""


@dataclass(frozen=True, slots=True)
class HostCosts:
    """Seconds of one core, for an hour of AAC where nothing else is said."""

    decoding: float = 2.73
    """Cost of the child: its start, decoding, both channels through the pipe."""
    mixing: float = 1.30
    speech_found: float = 0.47 + 0.16
    """Cost of voice activity without its network: frames, spans, loudness, the spool."""
    sql_and_text: float = 0.26 + 0.10 + 0.36
    launched_per_block: int = 70
    """Operations of filter banks and voice activity's network for 5 s."""
    punctuation: float = 0.2
    """Cost of punctuation, reckoned: some 40 passes of a small network over 15,000 characters."""

    def listening_s(self, gpu: Gpu) -> float:
        """For one block, in the worker."""
        once = (self.mixing + self.speech_found) / (HOUR_S / BLOCK_S)
        return once + self.launched_per_block * gpu.launch_s


@dataclass(slots=True)
class Played:
    """One recording of an hour on a worker of its own."""

    wall_s: float = 0.0
    worker_core_s: float = 0.0
    child_core_s: float = 0.0
    device_s: float = 0.0
    first_text_s: float = 0.0
    batches: list[Batch] = field(default_factory=list)

    @property
    def core_s(self) -> float:
        return self.worker_core_s + self.child_core_s


def play_one(gpu: Gpu, host: HostCosts | None = None, seed: int = 0) -> Played:
    """From the claim to the transcript; nobody else is on the GPU.

    Two threads share the worker's core: one takes the child's blocks, one launches passes.  A pass
    is launched when the one before has given its results, and computes while it is launched.
    """
    host = host or HostCosts()
    cost = gpu.pass_cost
    size_s = cost.gaining_batch_s
    windows = PlanningWindows(size_s, cost)
    talk = spans_of_talk(HOUR_S * SPEECH_SHARE, seed)
    stretch = HOUR_S * SAMPLE_RATE / talk[-1].end
    speech = sum(span.end - span.start for span in talk)
    listening_s, blocks = host.listening_s(gpu), round(HOUR_S / BLOCK_S)
    played = Played(child_core_s=host.decoding)
    waiting: list[Batch] = []
    core_free = results = 0.0
    heard = block = 0
    while block < blocks or waiting:
        next_block = host.decoding * (block + 1) / blocks if block < blocks else float("inf")
        next_pass = results if waiting else float("inf")
        if next_pass <= max(next_block, core_free):
            batch = waiting.pop(0)
            begun = max(core_free, results)
            launched = begun + gpu.host_s()
            results = max(launched, begun + gpu.device_s(batch))
            stored_s = host.sql_and_text * sum(batch.samples) / speech
            core_free = launched + stored_s
            played.worker_core_s += gpu.host_s() + stored_s
            played.device_s += gpu.device_s(batch)
            played.batches.append(batch)
            played.first_text_s = played.first_text_s or results
            continue
        core_free = max(core_free, next_block) + listening_s
        played.worker_core_s += listening_s
        block += 1
        begin = heard
        while heard < len(talk) and talk[heard].end * stretch <= block * BLOCK_S * SAMPLE_RATE:
            heard += 1
        found = windows.add(talk[begin:heard])
        if block == blocks:
            found = [*found, *windows.add(talk[heard:]), windows.rest()]
        waiting += [batch for window in found for batch in _planned(window, size_s, gpu)]
    played.worker_core_s += host.punctuation
    played.wall_s = max(results, core_free) + host.punctuation  # marks need all of the words
    return played


def _planned(window: list[SpeechSpan], size_s: float, gpu: Gpu) -> tuple[Batch, ...]:
    return plan_batches(window, size_s, pass_cost=gpu.pass_cost).batches


@dataclass(frozen=True, slots=True)
class Together:
    """Many recordings of an hour, so many workers at once."""

    workers: int
    x_real_time: float
    limited_by: str


def play_many(gpu: Gpu, workers: int, cores: int) -> Together:
    """Once all of them are under way: whichever of worker, cores and GPU is used up first.

    Passes of different workers follow each other on the GPU.
    """
    one = play_one(gpu)
    limits = {
        "workers": workers * HOUR_S / one.wall_s,
        "cores": cores * HOUR_S / one.core_s,
        "GPU": HOUR_S / one.device_s,
    }
    name = min(limits, key=lambda limit: limits[limit])
    return Together(workers, limits[name], name)
