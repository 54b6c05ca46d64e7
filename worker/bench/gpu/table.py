"""The figures of `make bench-gpu` as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from worker.bench.gpu.steps import DONE

Figures = Mapping[str, Any]

_FILES = ("m4a", "wav", "short_wav")
_RESIDUE = ("precision", "batch_size_s", "characters", "from a segment alone", "from float32")
_ROUND = ("precision", "workers", "x real time together", "wall s", "CPU s", "same text")
_STOCK = ("batch_size_s", "x real time", "wall s", "peak memory", "failure")
_WHOLE = ("from file to text", "x real time", "wall s", "CPU s", "batches", "padding")
_MEMORY = ("memory model: spans", "longest s", "predicted MB", "measured MB", "ratio")
_SIZE = (
    *("batch_size_s", "recognition s", "x real time", "peak GB", "predicted GB", "batches"),
    *("padding", "largest s", "retries", "segments differing"),
)


def as_markdown(report: Figures) -> str:
    """Write all tables that there are figures for; a step without any is named with the reason."""
    return "\n".join(_lines(report))


def _lines(report: Figures) -> Iterator[str]:
    measured: Mapping[str, Figures] = report["precisions"]
    yield "# Longscribe on a device"
    yield ""
    for figures in list(measured.values())[:1]:
        yield ", ".join(f"{name} {value}" for name, value in figures["device"].items()) + "."
        yield (
            f"{figures['audio_s'] / 60:.0f} minutes of audio, {figures['segments']} segments, "
            f"{figures['speech_s']:.0f} s of speech; model {report['model']}."
        )
    yield ""
    yield from _table(("step", "outcome", "s", "why"), [_step(step) for step in report["steps"]])
    for precision, figures in measured.items():
        yield from _precision(precision, figures)
    if report["residue"]:
        yield "## Characters that differ"
        yield ""
        yield from _table(_RESIDUE, [_residue(row) for row in report["residue"]])
    if report["sharing"]:
        yield "## Several workers, an hour each or what was asked for"
        yield ""
        yield from _table(_ROUND, [_round(row) for row in report["sharing"]])
    if report["stock"]:
        yield "## Stock FunASR, generate() on the short recording"
        yield ""
        yield from _table(_STOCK, [_stock(run) for run in report["stock"]])
    if report["out_of_memory"]:
        out: Figures = report["out_of_memory"]
        yield "## Out of memory"
        yield ""
        yield (
            f"{out['how']}, for batches of up to {out['largest_batch_s']:.0f} padded seconds: "
            f"{out['halved']} of {out['batches']} batches ran out and were halved; "
            f"{out['segments_differing']} of {out['segments']} segments have another text."
        )
        yield ""


def _precision(precision: str, figures: Figures) -> Iterator[str]:
    yield f"## {precision}"
    yield ""
    cost = figures["pass_cost"]
    measured = "measured" if figures["calibrated"] else "NOT measured, estimates"
    yield (
        f"Loading {figures['loading_s']:.1f} s, calibrating {figures['calibrating_s']:.1f} s "
        f"({measured}); another pass costs {cost['fixed_s']:.1f} padded seconds, "
        f"and {cost['per_longest_s']:.1f} for each second of its longest segment. "
        f"Waits for the device in a pass: {_waits(figures.get('waits'))}."
    )
    yield ""
    for problem in figures["problems"]:
        yield f"- FAILED: {problem}"
    yield ""
    yield from _table(
        _WHOLE, [_whole(name, figures) for name in _FILES if f"whole_{name}" in figures]
    )
    audio_s = figures["audio_s"]
    yield from _table(_SIZE, [_size(size, audio_s) for size in figures["sizes"]])
    stages: Mapping[str, float] = figures.get("stages", {})
    shares = sorted(stages.items(), key=lambda stage: -stage[1])
    yield from _table(
        ("stage, each waited for", "s", "x real time"),
        [(name, f"{s:.3f}", f"{audio_s / s:.0f}" if s > 0 else "") for name, s in shares],
    )
    if figures.get("memory"):
        yield from _table(_MEMORY, [_memory(row) for row in figures["memory"]])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _step(step: Figures) -> tuple[str, ...]:
    status = step["status"]
    return step["name"], status, f"{step['seconds']:.1f}", "" if status == DONE else step["why"]


def _waits(waits: Sequence[str] | None) -> str:
    return "not counted here" if waits is None else f"{len(waits)} ({', '.join(waits)})"


def _whole(name: str, figures: Figures) -> tuple[str, ...]:
    run = figures[f"whole_{name}"]
    return (
        f"{name.replace('_', ' ')}, {run['audio_s'] / 60:.0f} min",
        f"{run['x_real_time']:.1f}",
        f"{run['wall_s']:.2f}",
        f"{run['cpu_s']:.2f}",
        str(run["batches"]),
        f"{run['padding']:.3f}",
    )


def _size(size: Figures, audio_s: float) -> tuple[str, ...]:
    return (
        f"{size['asked']}: {size['batch_size_s']:g}",
        f"{size['wall_s']:.2f}",
        f"{audio_s / size['wall_s']:.1f}",
        f"{size['peak_bytes'] / 1e9:.2f}",
        f"{size['predicted_peak_bytes'] / 1e9:.2f}",
        str(size["batches"]),
        f"{size['padding']:.3f}",
        f"{size['largest_batch_s']:.1f}",
        str(size["oom_retries"]),
        str(size["segments_differing"]),
    )


def _memory(row: Figures) -> tuple[str, ...]:
    predicted, seen = row["predicted_bytes"], row["measured_bytes"]
    return (
        str(row["spans"]),
        f"{row['longest_s']:g}",
        f"{predicted / 1e6:.1f}",
        f"{seen / 1e6:.1f}",
        f"{predicted / seen:.3f}",
    )


def _residue(row: Figures) -> tuple[str, ...]:
    exact = row["against_float32"]
    return (
        row["precision"],
        row["asked"],
        str(row["characters"]),
        str(row["against_alone"]),
        "other segments" if exact is None else str(exact),
    )


def _round(row: Figures) -> tuple[str, ...]:
    return (
        row["precision"],
        str(row["workers"]),
        f"{row['x_real_time']:.1f}",
        f"{row['wall_s']:.2f}",
        f"{row['cpu_s']:.1f}",
        "yes" if row["same_text"] else "no",
    )


def _stock(run: Figures) -> tuple[str, ...]:
    size = run["batch_size_s"]
    return (
        "a segment at a time" if size is None else f"{size:g}",
        f"{run['x_real_time']:.1f}",
        f"{run['whole']['wall_s']:.2f}",
        f"{run['peak_bytes'] / 1e9:.2f} GB",
        run["failure"],
    )
