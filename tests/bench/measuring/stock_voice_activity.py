"""FunASR's own voice activity detection, in a process of its own: it changes torch's threads and
the root logger.

`python -m tests.bench.measuring.stock_voice_activity FOLDER SAMPLES REPORT`
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from worker.bench.stopwatch import Stopwatch
from worker.engine.loading.funasr_modules import process_unchanged
from worker.engine.reference.stock_funasr import import_auto_model
from worker.engine.voice_activity.endpoints import DEFAULT_OPTIONS
from worker.recogniser import SAMPLE_RATE, SpeechSpan

_SAMPLES_PER_MS = SAMPLE_RATE // 1000
_WARM_UP_SAMPLES = 30 * SAMPLE_RATE


def stock_voice_activity(
    folder: Path, samples: Path, report: Path
) -> tuple[float, list[SpeechSpan]]:
    """Processor seconds and spans of AutoModel with the network in `folder` on 16 kHz int16."""
    subprocess.run([sys.executable, "-m", __name__, folder, samples, report], check=True)
    told = json.loads(report.read_text())
    spans = [
        SpeechSpan(start * _SAMPLES_PER_MS, end * _SAMPLES_PER_MS) for start, end in told["spans"]
    ]
    return told["cpu_s"], spans


def _main(folder: str, samples: str, report: str) -> None:
    with process_unchanged():
        auto_model = import_auto_model()(
            model=folder,
            device="cpu",
            ncpu=1,
            disable_update=True,
            disable_pbar=True,
            log_level="ERROR",
        )
    torch.set_num_threads(1)
    audio = np.fromfile(samples, dtype="<i2").astype(np.float32) / 32_768

    def find(heard: np.ndarray) -> list[list[int]]:
        # In the call itself: otherwise FunASR moves the threshold as it goes.
        with contextlib.redirect_stdout(io.StringIO()):
            (result,) = auto_model.generate(
                heard, max_end_silence_time=DEFAULT_OPTIONS.end_silence_ms
            )
        return [list(span) for span in result["value"]]

    find(audio[:_WARM_UP_SAMPLES])
    with Stopwatch() as watch:
        spans = find(audio)
    Path(report).write_text(json.dumps({"cpu_s": watch.cost.cpu_s, "spans": spans}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
