"""Stock FunASR in a process of its own: it changes torch's threads, the random generators and the
root logger, and its second copy of the weights must not count as our memory.

`python -m worker.bench.stock_process SAMPLES RESULTS SIZE...` is that process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from shared.errors import LongscribeError
from shared.settings import Settings, load_settings
from worker.bench.results import Cost, StockResult
from worker.bench.stopwatch import Stopwatch
from worker.recogniser import SAMPLE_RATE, BatchOutOfMemory

_FUNASR_DEFAULT_S = 300.0
_WARM_UP_SAMPLES = 30 * SAMPLE_RATE


class StockRuns:
    """Results reported by the process, to be compared once our own words are known."""

    def __init__(self, runs: Sequence[dict[str, Any]]) -> None:
        self._runs = runs

    def results(self, our_words: str) -> tuple[StockResult, ...]:
        """Results compared with `our_words`, those of each segment alone, without marks."""
        return tuple(
            StockResult(
                batch_size_s=run["batch_size_s"],
                whole=Cost(**run["whole"]),
                peak_bytes=run["peak_bytes"],
                same_words=only_words(run["text"]) == only_words(our_words),
                failure=run["failure"],
            )
            for run in self._runs
        )


def run_stock(
    settings: Settings,
    samples: Path,
    sizes: Sequence[float],
    folder: Path,
    timeout_s: float | None = None,
) -> StockRuns:
    """Measure generate() on `samples`, 16 kHz int16, at each of `sizes`.

    A run that fails is a result too; it ends the process and with it the comparison, and so does
    the end of `timeout_s`.
    """
    report = folder / "stock.json"
    report.unlink(missing_ok=True)
    try:
        failure = _run_process(settings, samples, report, sizes, timeout_s)
    except subprocess.TimeoutExpired:
        failure = f"not done within {timeout_s:.0f} s"
    runs = json.loads(report.read_text(encoding="utf-8")) if report.exists() else []
    if failure:
        runs.append(_run(None, Cost(0.0, 0.0), 0, failure=failure))
    return StockRuns(runs)


def _run_process(
    settings: Settings,
    samples: Path,
    report: Path,
    sizes: Sequence[float],
    timeout_s: float | None,
) -> str:
    """Run the process and return the error that ended it, '' if none did."""
    done = subprocess.run(
        [sys.executable, "-m", "worker.bench.stock_process", samples, report, *map(str, sizes)],
        env={
            **os.environ,
            "LONGSCRIBE_MODEL": settings.model,
            "LONGSCRIBE_DEVICE": settings.device,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]


def only_words(text: str) -> str:
    """Drop marks, spaces, case and unknown tokens, in which FunASR's text differs from our words in
    a row."""
    return "".join(filter(str.isalnum, text.lower().replace("<unk>", "")))


def _run(
    size: float | None, whole: Cost, peak_bytes: int, text: str = "", failure: str = ""
) -> dict[str, Any]:
    return {
        "batch_size_s": size,
        "whole": asdict(whole),
        "peak_bytes": peak_bytes,
        "text": text,
        "failure": failure,
    }


def _measure(samples: Path, report: Path, sizes: Sequence[float], settings: Settings) -> None:
    from worker.engine.device import return_freed_memory, threads_on_cpu
    from worker.engine.reference.stock_funasr import load_stock
    from worker.model_store.locate import locate_configured

    folders = locate_configured(settings)
    stock = load_stock(
        folders,
        settings.device,
        cpu_threads=threads_on_cpu(settings.cpu_threads, folders.is_demo),
        end_silence_ms=settings.vad_end_silence_ms,
    )
    pcm = np.fromfile(samples, dtype="<i2")
    stock.generate(pcm[:_WARM_UP_SAMPLES], _FUNASR_DEFAULT_S)
    wanted = list(sizes) or [_FUNASR_DEFAULT_S]
    runs = []
    for size in wanted if stock.batches else wanted[:1]:
        return_freed_memory()
        stock.memory.reset_peak()
        text, failure = "", ""
        with Stopwatch() as watch:
            try:
                text = stock.generate(pcm, size)
            except BatchOutOfMemory:
                failure = "out of memory"
        asked = size if stock.batches else None
        runs.append(_run(asked, watch.cost, stock.memory.peak_bytes(), text, failure))
        # After each, for the next may not come back.
        report.write_text(json.dumps(runs, ensure_ascii=False), encoding="utf-8")


def _main(samples: str, report: str, *sizes: str) -> None:
    try:
        _measure(Path(samples), Path(report), [float(size) for size in sizes], load_settings())
    except LongscribeError as error:
        sys.exit(error.message)


if __name__ == "__main__":
    _main(*sys.argv[1:])
