"""Speed and memory over the batch size, as a picture."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from worker.bench.results import CannotMeasure, Measurement


def require_matplotlib() -> None:
    """Asked before minutes of measuring. Raises CannotMeasure."""
    if find_spec("matplotlib") is None:
        raise CannotMeasure(
            "--plot needs matplotlib: pip install matplotlib, or install longscribe[bench]."
        )


def draw(measured: Measurement, file: Path) -> None:
    """Write a PNG. Raises CannotMeasure if the file cannot be written."""
    from matplotlib.figure import Figure

    audio_s = measured.recording.seconds
    sizes = sorted(measured.sizes, key=lambda size: size.decision.batch_size_s)
    asked = [size.decision.batch_size_s for size in sizes]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    speed = figure.subplots()
    memory = speed.twinx()
    speeds = [measured.whole(size).times_real_time(audio_s) for size in sizes]
    peaks = [size.peak_bytes / 1e9 for size in sizes]
    speed.plot(asked, speeds, "o-", color="tab:blue", label="Longscribe, speed")
    memory.plot(asked, peaks, "s--", color="tab:red", label="Longscribe, memory")
    runs = [run for run in measured.stock if not run.failure]
    batched = [run.batch_size_s for run in runs if run.batch_size_s is not None]
    for axes, colour, what, values in (
        (speed, "tab:blue", "speed", [run.whole.times_real_time(audio_s) for run in runs]),
        (memory, "tab:red", "memory", [run.peak_bytes / 1e9 for run in runs]),
    ):
        label = f"stock FunASR, {what}"
        if batched:
            axes.plot(batched, values, "x:", color=colour, alpha=0.5, label=label)
        elif values:  # on a CPU it has no size
            axes.axhline(values[0], linestyle=":", color=colour, alpha=0.5, label=label)
    speed.set(xlabel="batch_size_s (padded seconds)", ylabel="times real time")
    speed.set_ylim(bottom=0)
    memory.set_ylabel("peak memory, GB")
    memory.set_ylim(bottom=0)
    speed.set_title(
        f"{measured.recording.name}, {audio_s / 60:.1f} min; "
        f"{measured.model.name} on {measured.model.device}"
    )
    handles = [line for axes in (speed, memory) for line in axes.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    try:
        figure.savefig(file, dpi=144, format="png")
    except OSError as error:
        raise CannotMeasure(f"The picture cannot be written to {file}: {error}") from error
