"""What hotwords cost: recognition with them against the same without, in turns on one thread."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.speech import speech_models
from worker.batching.plan import plan_batches
from worker.engine.device import memory_probe
from worker.engine.funasr_recogniser import load_recogniser
from worker.engine.reference.random_model import SIZES, make_random_model
from worker.recogniser import EMPTY_REQUEST, RecognitionRequest

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

SECONDS = 90
ROUNDS = 3
COUNTS = (50, 3_000)


def made_up(count: int) -> RecognitionRequest:
    rng = random.Random(count)
    characters = [chr(0x4E00 + number) for number in range(8_000)]
    words: set[str] = set()
    while len(words) < count:
        words.add("".join(rng.sample(characters, rng.randint(2, 5))))
    return RecognitionRequest(hotwords=tuple(words))


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
    probe = memory_probe(recogniser._device)
    print(f"\n{sum(len(b) for b in batches)} spans, {SECONDS} s in {len(batches)} batches")
    for count in COUNTS:
        probe.reset_peak()
        before, begun = probe.peak_bytes(), time.process_time()
        assert recogniser._speech_network._hotwords is not None  # type: ignore[attr-defined]
        recogniser._speech_network._hotwords.encoded(requests[count].hotwords)  # type: ignore[attr-defined]
        spent, grown = time.process_time() - begun, probe.peak_bytes() - before
        print(f"{count} words: encoded in {spent:.2f} CPU s, {grown / 1e6:.0f} MB more")
    taken: dict[int, list[float]] = {count: [] for count in requests}
    for _ in range(ROUNDS):
        for count, request in requests.items():
            taken[count].append(once(request))
    without = min(taken[0])
    for count, seconds in taken.items():
        each = ", ".join(f"{one:.2f}" for one in seconds)
        print(
            f"{count:>5} words: {each} CPU s; the least is {min(seconds) / without:.3f} of none's"
        )
