"""`python -m worker.bench.gpu`: what `make bench-gpu` runs."""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from shared.settings import Settings
from worker.bench.gpu.recordings import Recordings, make_recordings
from worker.bench.gpu.residue import residue
from worker.bench.gpu.sharing import share
from worker.bench.gpu.steps import Steps, in_child
from worker.bench.gpu.table import as_markdown
from worker.bench.stock_process import run_stock

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_CHILD = "worker.bench.gpu.child"
LARGE = "large"
SHORT_S = 600.0
"""Seconds of the recording that stock FunASR and the out-of-memory step get."""


@app.command()
def bench_gpu(
    device: Annotated[str, typer.Option(help="cuda:0, or cpu to try the command.")] = "cuda:0",
    model: Annotated[
        str, typer.Option(help="large (random weights, made here), demo, or a folder.")
    ] = LARGE,
    minutes: Annotated[float, typer.Option(help="Length of the recording.")] = 60.0,
    precisions: Annotated[str, typer.Option()] = "float32,bfloat16,float16",
    workers: Annotated[str, typer.Option(help="How many share the device.")] = "1,2,4,8",
    budget_s: Annotated[float, typer.Option(help="Steps that would end later are skipped.")] = 420,
    out: Annotated[Path, typer.Option()] = Path("bench-gpu.json"),
) -> None:
    """Measure one device from end to end; prints Markdown and writes JSON."""
    with tempfile.TemporaryDirectory(prefix="longscribe-bench-gpu-") as folder:
        bench = _Bench(Path(folder), device, model, Steps(budget_s, _say), out)
        bench.run(minutes * 60, precisions.split(","), [int(count) for count in workers.split(",")])
        report = bench.report()
    typer.echo(as_markdown(report))
    _say(f"Written: {out}")
    if not report["precisions"]:
        raise typer.Exit(1)


class _Bench:
    """The steps, the most wanted first."""

    def __init__(self, folder: Path, device: str, model: str, steps: Steps, out: Path) -> None:
        self._folder = folder
        self._device = device
        self._model_name = model
        self._model = str(folder / "model") if model == LARGE else model
        self._steps = steps
        self._out = out
        self._recordings: Recordings | None = None
        self._precisions: dict[str, dict[str, Any]] = {}
        self._sharing: list[dict[str, Any]] = []
        self._stock: dict[str, Any] | None = None
        self._out_of_memory: dict[str, Any] | None = None

    def run(self, seconds: float, precisions: list[str], workers: list[int]) -> None:
        made = self._steps.run("recordings and model", 0, lambda: self._make(seconds))
        self._save()
        if made is None:
            return
        first, *others = precisions
        self._measure(first)
        self._stock = self._steps.run("stock FunASR", 30, self._measure_stock)
        self._save()
        for precision in others[:1]:
            self._measure(precision)
        self._out_of_memory = self._steps.run(
            "out of memory", 20, lambda: self._in_child("run_out", first)
        )
        self._save()
        for precision in precisions[:2]:
            if precision in self._precisions:
                self._share(precision, workers)
        for precision in others[1:]:
            self._measure(precision)

    def report(self) -> dict[str, Any]:
        return {
            "model": self._model_name,
            "steps": [step | {"figures": None} for step in self._steps.to_json()],
            "precisions": self._precisions,
            "residue": residue(self._precisions),
            "sharing": self._sharing,
            "stock": [] if self._stock is None else self._stock["runs"],
            "out_of_memory": self._out_of_memory,
        }

    def _save(self) -> None:
        """Write all figures known by now, without the texts, so that they are kept when the command
        is interrupted."""
        report = self.report()
        report["precisions"] = {
            precision: figures | {"sizes": [size | {"texts": None} for size in figures["sizes"]]}
            for precision, figures in report["precisions"].items()
        }
        self._out.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")

    def _make(self, seconds: float) -> dict[str, Any]:
        """Make both recordings at the same time, since each keeps one core busy."""
        errors: list[BaseException] = []

        def record() -> None:
            try:
                short_s = min(seconds, SHORT_S)
                self._recordings = make_recordings(self._folder, seconds, short_s)
            except BaseException as error:  # noqa: BLE001 - raised below, on the main thread
                errors.append(error)

        recording = threading.Thread(target=record)
        recording.start()
        made: dict[str, Any] = {}
        try:
            if self._model_name == LARGE:
                task = {"task": "make_model", "into": self._model}
                made = in_child(_CHILD, task, self._folder, self._steps.left_s)
        finally:
            recording.join()
        if errors:
            raise errors[0]
        return made

    def _measure(self, precision: str) -> None:
        figures = self._steps.run(precision, 40, lambda: self._in_child("measure", precision))
        if figures is not None and "device" in figures:
            self._precisions[precision] = figures
        self._save()

    def _measure_stock(self) -> dict[str, Any]:
        recordings = self._made()
        settings = Settings(model=self._model, device=self._device, model_offline=True)
        sizes = [1.0, 60.0, 300.0, 600.0]
        stock = run_stock(
            settings,
            recordings.short_pcm,
            sizes,
            self._folder,
            timeout_s=min(120.0, self._steps.left_s),
        )
        audio_s = recordings.short_seconds
        runs = [
            {
                "batch_size_s": run.batch_size_s,
                "whole": {"wall_s": run.whole.wall_s, "cpu_s": run.whole.cpu_s},
                "x_real_time": run.whole.times_real_time(audio_s),
                "peak_bytes": run.peak_bytes,
                "failure": run.failure,
            }
            for run in stock.results("")
        ]
        return {"runs": runs}

    def _share(self, precision: str, workers: list[int]) -> None:
        def together() -> dict[str, Any]:
            rounds, why = share(self._task("share", precision), workers, self._steps.left_s)
            self._sharing += [{"precision": precision, **row} for row in rounds]
            return {"rounds": rounds, "ended": why}

        self._steps.run(f"{max(workers)} workers, {precision}", 45, together)
        self._save()

    def _in_child(self, task: str, precision: str) -> dict[str, Any]:
        return in_child(
            _CHILD, self._task(task, precision), self._folder, self._steps.left_s, threads=4
        )

    def _task(self, task: str, precision: str) -> dict[str, Any]:
        recordings = self._made()
        return {
            "task": task,
            "folder": str(self._folder),
            "model": self._model,
            "device": self._device,
            "precision": precision,
            "memory": not self._precisions,
            "wav": str(recordings.wav),
            "m4a": str(recordings.m4a),
            "short_wav": str(recordings.short_wav),
        }

    def _made(self) -> Recordings:
        assert self._recordings is not None, "recordings come first"
        return self._recordings


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    app(prog_name="bench-gpu")
