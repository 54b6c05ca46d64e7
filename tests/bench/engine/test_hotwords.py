"""What hotwords cost: recognition with them against the same without, in turns on one thread."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.speech import speech_models
from worker.batching.batch_packing import plan_batches
from worker.engine.device import return_freed_memory
from worker.engine.funasr_recogniser import load_recogniser
from worker.engine.paraformer.hotwords.apply_hotwords import Hotwords
from worker.engine.reference.random_model import SIZES, make_random_model
from worker.memory.batch_memory_model import ResidentPeak
from worker.recogniser import EMPTY_REQUEST, RecognitionRequest

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

SECONDS = 90
ROUNDS = 3
COUNTS = (49, 50, 3_000)
"""The most that are looked for as they are; one more, so that words are weighed; a long list."""


def made_up(count: int) -> RecognitionRequest:
    rng = random.Random(count)
    characters = [chr(0x4E00 + number) for number in range(8_000)]
    words: set[str] = set()
    while len(words) < count:
        words.add("".join(rng.sample(characters, rng.randint(2, 5))))
    return RecognitionRequest(hotwords=tuple(words))


@contextmanager
def parts_timed(hotwords: Hotwords) -> Iterator[dict[str, float]]:
    """CPU seconds of looking for hotwords meanwhile, in all and by part."""
    spent: dict[str, float] = {}

    def timed(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            begun = time.process_time()
            result = method(*given)
            spent[name] = spent.get(name, 0.0) + time.process_time() - begun
            return result

        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hotwords, "apply", timed("in all", hotwords.apply))
        for name in ("begin", "weigh", "decode", "decode_chosen"):
            part = getattr(hotwords._decoder, name)
            patch.setattr(hotwords._decoder, name, timed(name, part))
        yield spent


def test_hotwords_cost_little_beside_paraformer_large(tmp_path: Path) -> None:
    sizes = replace(
        SIZES["large-seaco"], punc_width=16, punc_blocks=1, punc_heads=2, punc_linear=32,
        punc_vocabulary=9_000, punc_words=0,
    )  # fmt: skip
    make_random_model(tmp_path, speech_models.meeting(), sizes)
    recogniser = load_recogniser(str(tmp_path), device="cpu", cpu_threads=1)
    pcm = speech_models.excerpt(0, SECONDS)
    detector = recogniser.voice_activity()
    spans = detector.feed(pcm) + detector.finish()
    plan = plan_batches(spans, 60.0, pass_cost=recogniser.pass_cost)
    batches = [
        [pcm[spans[i].start : spans[i].end] for i in batch.indices] for batch in plan.batches
    ]
    requests = {0: EMPTY_REQUEST, **{count: made_up(count) for count in COUNTS}}

    def once(request: RecognitionRequest) -> float:
        begun = time.process_time()
        for speech in batches:
            recogniser.recognise(speech, request)
        return time.process_time() - begun

    once(EMPTY_REQUEST)
    print(f"\n{sum(len(b) for b in batches)} spans, {SECONDS} s in {len(batches)} batches")
    hotwords = recogniser._speech_network._hotwords  # type: ignore[attr-defined]
    assert hotwords is not None
    for count in COUNTS:
        print(f"{count} words: {encoded(hotwords, requests[count].hotwords)}")
    parts: dict[int, list[dict[str, float]]] = {count: [] for count in requests}
    taken: dict[int, list[float]] = {count: [] for count in requests}
    for _ in range(ROUNDS):
        for count, request in requests.items():
            hotwords.encoded(request.hotwords)  # once a job, and only two lists are kept
            with parts_timed(hotwords) as spent:
                taken[count].append(once(request))
            parts[count].append(spent)
    without = min(taken[0])
    for count, seconds in taken.items():
        each = ", ".join(f"{one:.2f}" for one in seconds)
        print(
            f"{count:>5} words: {each} CPU s; the least is {min(seconds) / without:.3f} of none's"
        )
        for name in parts[count][0]:
            least = min(spent[name] for spent in parts[count])
            print(f"      {name:<14} {least:.3f} CPU s, {least / without:.1%} of none's")


def encoded(hotwords: Hotwords, words: tuple[str, ...]) -> str:
    """What encoding a list took, and what it holds by the estimate and by the resident set."""
    return_freed_memory()
    peak = ResidentPeak()
    peak.reset()
    before, begun = peak.bytes(), time.process_time()
    assert hotwords.encoded(words) is not None
    spent, highest = time.process_time() - begun, peak.bytes() - before
    return_freed_memory()
    peak.reset()
    held, estimated = peak.bytes() - before, len(words) * hotwords._decoder.bytes_per_word
    return (
        f"encoded in {spent:.2f} CPU s, {highest / 1e6:.0f} MB at the peak; holds "
        f"{held / 1e6:.1f} MB, estimated at {estimated / 1e6:.1f}, {estimated / held:.2f} of it"
    )
