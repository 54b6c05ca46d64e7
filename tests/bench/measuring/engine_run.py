"""One way through a recording, in a process of its own: FunASR's generate(), or our engine.

`python -m tests.bench.measuring.engine_run stock|ours MODEL SAMPLES REPORT [PRECISION [CPU_RUNTIME
[BATCH_SIZE_S]]]` writes what was said and what it took.  From samples to marked words; decoding
comes before both.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from worker.bench.stock_process import only_words
from worker.bench.stopwatch import Stopwatch
from worker.recogniser import EMPTY_REQUEST, SAMPLE_RATE, Pcm

_WARM_UP = 30 * SAMPLE_RATE
_BLOCK = 5 * SAMPLE_RATE
_BATCH_SIZE_S = 300.0
_SAMPLES_PER_MS = SAMPLE_RATE // 1000
END_SILENCE_MS = 800


@dataclass(frozen=True)
class Run:
    cpu_s: float
    words: str
    """Recognised text without marks and spaces."""
    times: list[list[int]]
    """Beginning and end of each token in the recording, in milliseconds."""
    segments: list[list[int]]
    """Beginning and end of each segment in the recording, in milliseconds."""


def _stock(model: str, pcm: Pcm) -> Run:
    from worker.engine.reference.stock_funasr import load_stock
    from worker.model_store.locate import locate

    stock = load_stock(locate(model), "cpu", cpu_threads=1, end_silence_ms=END_SILENCE_MS)
    floats = pcm.astype(np.float32) / 32_768
    auto_model = stock.auto_model
    settings = {"batch_size_s": _BATCH_SIZE_S, "max_end_silence_time": END_SILENCE_MS}
    auto_model.generate(floats[:_WARM_UP], **settings)
    with Stopwatch() as watch:
        (result,) = auto_model.generate(floats, **settings)
    (spans,) = auto_model.inference(
        floats,
        model=auto_model.vad_model,
        kwargs=auto_model.vad_kwargs,
        max_end_silence_time=END_SILENCE_MS,
    )
    return Run(watch.cost.cpu_s, only_words(result["text"]), result["timestamp"], spans["value"])


def _ours(model: str, pcm: Pcm, precision: str, cpu_runtime: str, batch_size_s: float) -> Run:
    from worker.batching.batch_packing import plan_batches
    from worker.batching.windows import PlanningWindows
    from worker.engine.funasr_recogniser import load_recogniser

    recogniser = load_recogniser(
        model, device="cpu", cpu_threads=1, precision=precision, cpu_runtime=cpu_runtime
    )
    heard: dict[int, tuple[Any, ...]] = {}

    def recognise(window: list[Any]) -> None:
        plan = plan_batches(window, batch_size_s, pass_cost=recogniser.pass_cost)
        for batch in plan.batches:
            spans = [window[index] for index in batch.indices]
            speech = [pcm[span.start : span.end] for span in spans]
            recognised = recogniser.recognise(speech, EMPTY_REQUEST)
            for span, said in zip(spans, recognised, strict=True):
                heard[span.start] = (span, said.words)

    def run(samples: Pcm) -> list[str]:
        heard.clear()
        detector, windows = (
            recogniser.voice_activity(),
            PlanningWindows(batch_size_s, recogniser.pass_cost),
        )
        for start in range(0, len(samples), _BLOCK):
            for window in windows.add(detector.feed(samples[start : start + _BLOCK])):
                recognise(window)
        for window in windows.add(detector.finish()):
            recognise(window)
        recognise(windows.rest())
        words = [word.word for start in sorted(heard) for word in heard[start][1]]
        recogniser.punctuate(words)
        return words

    run(pcm[:_WARM_UP])
    with Stopwatch() as watch:
        words = run(pcm)
    in_order = [heard[start] for start in sorted(heard)]
    return Run(
        watch.cost.cpu_s,
        only_words("".join(words)),
        [
            [span.start // _SAMPLES_PER_MS + round(second * 1000) for second in (w.start, w.end)]
            for span, said in in_order
            for w in said
        ],
        [[span.start // _SAMPLES_PER_MS, span.end // _SAMPLES_PER_MS] for span, _ in in_order],
    )


def _main(
    kind: str,
    model: str,
    samples: str,
    report: str,
    precision: str = "float32",
    cpu_runtime: str = "auto",
    batch_size_s: float | str = _BATCH_SIZE_S,
) -> None:
    pcm = np.fromfile(samples, dtype="<i2")
    if kind == "stock":
        run = _stock(model, pcm)
    else:
        run = _ours(model, pcm, precision, cpu_runtime, float(batch_size_s))
    Path(report).write_text(json.dumps(asdict(run)), encoding="utf-8")


if __name__ == "__main__":
    _main(*sys.argv[1:])
