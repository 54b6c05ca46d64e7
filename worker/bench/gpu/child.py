"""`python -m worker.bench.gpu.child TASK.json RESULT.json`: one step, in a process of its own.

A task names the model, the device, the precision and the files; `share` answers on its standard
output instead, for it is asked several times.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from shared.errors import LongscribeError
from shared.settings import Settings
from worker.audio.decode import decode
from worker.audio.spool import AudioSpool
from worker.bench.measure import find_speech
from worker.bench.results import Cost
from worker.bench.sizes import ALONE, AUTO, SizeBench, recognise_plan
from worker.bench.stopwatch import Stopwatch
from worker.bench.whole_file import WholeFile, transcribe_file
from worker.configured_recogniser import load_configured_recogniser
from worker.pass_cost import PassCost

SHAPES = (
    *((2, 8.0), (6, 4.0), (20, 1.0), (3, 20.0), (8, 10.0), (2, 60.0), (40, 3.5), (10, 20.0)),
    *((60, 5.0), (24, 25.0), (10, 60.0), (240, 5.0)),
)
"""Spans and the seconds of the longest; none of them is a probe."""
CPU_SHAPES = (*SHAPES[:3], (3, 10.0))
"""Shapes that a CPU computes in the time."""

READY, ANSWER = "@@ready", "@@answer "
"""Begin the lines of `share` that are meant for the parent; FunASR prints others."""


def settings_of(task: dict[str, Any]) -> Settings:
    return Settings(
        model=task["model"],
        device=task["device"],
        precision=task["precision"],
        data_dir=Path(task["folder"]) / "data",
        model_offline=True,
    )


class Notes:
    """Figures of a step so far, written to disk after each part; parts that fail are named."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.figures: dict[str, Any] = {"problems": []}

    def take(self, name: str, part: Callable[[], Any]) -> None:
        """Put what `part` gives under `name`."""
        try:
            self.figures[name] = part()
        except Exception as error:  # noqa: BLE001 - one figure less, and the reason is told
            why = str(error).strip().splitlines() or [type(error).__name__]
            self.figures["problems"].append(f"{name}: {why[-1]}")
        self._path.write_text(json.dumps(self.figures, ensure_ascii=False), encoding="utf-8")


def measure(task: dict[str, Any], notes: Notes) -> None:
    """Measure one precision: memory, sizes, whole files, stages."""
    settings = settings_of(task)
    with Stopwatch() as loading:
        recogniser: Any = load_configured_recogniser(settings, calibrate=False)

    from worker.engine.reference import instruments  # after torch was imported in the short way

    facts = instruments.device_facts(recogniser)
    with Stopwatch() as calibrating:
        recogniser.calibrate(settings.calibration_dir)
    with _spool(Path(task["wav"])) as spool:
        spans, listening = find_speech(recogniser, spool)
        bench = SizeBench(recogniser, settings, spool, spans)
        bench.warm_up()
        notes.figures |= {
            "device": facts,
            "precision": recogniser.identity.dtype,
            "loading_s": loading.cost.wall_s,
            "calibrating_s": calibrating.cost.wall_s,
            "pass_cost": asdict(recogniser.pass_cost),
            "calibrated": recogniser.memory_model.calibrated,
            "audio_s": spool.seconds,
            "segments": len(spans),
            "speech_s": sum(span.seconds for span in spans),
            "sizes": [],
        }
        for asked in (ALONE, "60", "300", "600", AUTO):
            notes.take("size", partial(_size, bench, asked))
            notes.figures["sizes"] += [notes.figures.pop("size")] if "size" in notes.figures else []
        for name in ("m4a", "wav", "short_wav"):
            notes.take(
                f"whole_{name}", partial(_whole_file, recogniser, settings, task, Path(task[name]))
            )
        notes.take("stages", lambda: _stages(recogniser, bench, listening, Path(task["m4a"])))
        largest = bench.largest_batch(AUTO)
        notes.take("waits", lambda: instruments.waits_of_a_pass(recogniser, largest))
    if task["memory"]:
        shapes = SHAPES if "name" in facts else CPU_SHAPES
        notes.take(
            "memory",
            lambda: instruments.memory_errors(recogniser, settings.calibration_dir, shapes),
        )


def _stages(recogniser: Any, bench: SizeBench, listening: Cost, m4a: Path) -> dict[str, float]:
    from worker.engine.reference import instruments

    with instruments.stage_seconds(recogniser) as stages, Stopwatch() as whole:
        bench.measure(AUTO)
    words = [word.word for said in bench.words for word in said]
    with Stopwatch() as punctuating:
        recogniser.punctuate(words)
    with Stopwatch() as decoding, decode(m4a) as audio:
        for _ in audio:
            pass
    return {
        **stages,
        "rest of recognition": whole.cost.wall_s - sum(stages.values()),
        "voice activity": listening.wall_s,
        "punctuation": punctuating.cost.wall_s,
        "decoding AAC": decoding.cost.wall_s,
    }


def _whole_file(
    recogniser: Any, settings: Settings, task: dict[str, Any], recording: Path
) -> dict[str, Any]:
    return _whole(transcribe_file(recogniser, settings, recording, _new(task["folder"])))


def _size(bench: SizeBench, asked: str) -> dict[str, Any]:
    result = bench.measure(asked)
    return {
        "asked": asked,
        "batch_size_s": result.decision.batch_size_s,
        "limited_by": result.decision.limited_by,
        "wall_s": result.recognition.wall_s,
        "peak_bytes": result.peak_bytes,
        "predicted_peak_bytes": result.decision.predicted_peak_bytes,
        "batches": result.batches,
        "padding": result.padding,
        "largest_batch_s": result.largest_batch_s,
        "oom_retries": result.oom_retries,
        "segments_differing": result.segments_differing,
        "times_equal": result.times_equal,
        "texts": ["".join(word.word for word in said) for said in bench.words],
    }


def _whole(done: WholeFile) -> dict[str, Any]:
    return {
        "audio_s": done.audio_s,
        "wall_s": done.cost.wall_s,
        "cpu_s": done.cost.cpu_s,
        "x_real_time": done.cost.times_real_time(done.audio_s),
        "batches": done.batches,
        "padding": done.padding,
        "characters": len(done.text),
        "text_sha256": hashlib.sha256(done.text.encode()).hexdigest(),
    }


def run_out(task: dict[str, Any], notes: Notes) -> None:
    """Recognise the same batches before and after most of the memory is taken away."""
    from worker.batching.batch_packing import plan_batches

    # Calibrated, to know exactly what to take away.
    recogniser: Any = load_configured_recogniser(settings_of(task), calibrate=True)

    from worker.engine.reference import instruments  # after torch was imported in the short way

    with _spool(Path(task["short_wav"])) as spool:
        spans, _ = find_speech(recogniser, spool)
        plan = plan_batches(spans, 600, pass_cost=PassCost(600.0), max_padding=4.0)
        largest_s = max(batch.padded_s for batch in plan.batches if len(batch) > 1)
        before, _ = recognise_plan(recogniser, spool, spans, plan)
        how = instruments.take_memory_away(recogniser, largest_s)
        after, halved = recognise_plan(recogniser, spool, spans, plan)
    texts = [["".join(word.word for word in said) for said in words] for words in (before, after)]
    notes.figures |= {
        "how": how,
        "largest_batch_s": largest_s,
        "batches": len(plan.batches),
        "halved": halved,
        "segments": len(spans),
        "segments_differing": sum(a != b for a, b in zip(*texts, strict=True)),
    }


def share(task: dict[str, Any]) -> None:
    """Transcribe the recording once for every line on standard input."""
    settings = settings_of(task)
    recogniser: Any = load_configured_recogniser(settings, calibrate=True)
    transcribe_file(recogniser, settings, Path(task["short_wav"]), _new(task["folder"]))
    print(READY, flush=True)
    for _ in sys.stdin:
        done = _whole_file(recogniser, settings, task, Path(task["m4a"]))
        print(ANSWER + json.dumps(done), flush=True)


def make_model(task: dict[str, Any], notes: Notes) -> None:
    from worker import demo_model
    from worker.engine.reference.random_model import SIZES, make_random_model

    with decode(demo_model.SAMPLE_MEETING) as audio:
        speech = np.concatenate(list(audio))
    with Stopwatch() as watch:
        make_random_model(Path(task["into"]), speech, SIZES["large"])
    notes.figures |= {"cpu_s": watch.cost.cpu_s, "wall_s": watch.cost.wall_s}


def _spool(wav: Path) -> AudioSpool:
    spool = AudioSpool(_new(str(wav.parent)))
    with decode(wav) as audio:
        for block in audio:
            spool.append(block)
    return spool


def _new(folder: str) -> Path:
    return Path(tempfile.mkdtemp(dir=folder)) / "audio.pcm"


_STEPS = {"measure": measure, "run_out": run_out, "make_model": make_model}


def _main(asked: str, answer: str) -> None:
    task = json.loads(Path(asked).read_text(encoding="utf-8"))
    try:
        if task["task"] == "share":
            share(task)
            return
        notes = Notes(Path(answer))
        _STEPS[task["task"]](task, notes)
    except LongscribeError as error:
        sys.exit(error.message)
    Path(answer).write_text(json.dumps(notes.figures, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    _main(*sys.argv[1:])
