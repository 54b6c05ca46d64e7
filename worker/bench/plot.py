"""Speed and memory over the batch size, as a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from worker.bench.results import CannotMeasure, Cost, Measurement
from worker.bench.sizes import ALONE, AUTO

_INK, _SOFT, _LINE = "#22262a", "#5d646b", "#e4e2dc"
_SPEED, _MEMORY, _STOCK = "#2b6a3f", "#1f5a87", "#9a7b2f"

_STYLE: Any = {
    "font.size": 9.5,
    "text.color": _INK,
    "axes.titlesize": 10.5,
    "axes.titlecolor": _INK,
    "axes.labelcolor": _SOFT,
    "axes.edgecolor": _LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": _LINE,
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
    "xtick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.major.size": 0,
}

_HEADROOM = 1.22
"""The vertical axes end so far above the highest value, which leaves room for what is written."""


@dataclass(frozen=True, slots=True)
class _Series:
    """Values over batch sizes; `sizes` is empty for one value that no size belongs to."""

    sizes: Sequence[float]
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    unit: Callable[[float], str]
    colour: str
    ours: _Series
    auto: tuple[float, float] | None
    stock: _Series


def require_matplotlib() -> None:
    """Check that matplotlib is installed, before minutes of measuring. Raises CannotMeasure."""
    if find_spec("matplotlib") is None:
        raise CannotMeasure(
            "--plot needs matplotlib: pip install matplotlib, or install longscribe[bench]."
        )


def draw(measured: Measurement, file: Path) -> None:
    """Write a PNG. Raises CannotMeasure if the file cannot be written."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with rc_context(_STYLE):
        layout = ConstrainedLayoutEngine(wspace=0.06, h_pad=0.1)
        figure = Figure(figsize=(8, 3.7), layout=layout)
        figure.suptitle(_heading(measured), x=0.012, ha="left", fontsize=11.5)
        for axes, panel in zip(
            figure.subplots(1, 2), (_speed(measured), _memory(measured)), strict=True
        ):
            _draw_panel(axes, panel)
        try:
            figure.savefig(file, dpi=144, format="png")
        except OSError as error:
            raise CannotMeasure(f"The picture cannot be written to {file}: {error}") from error


def _heading(measured: Measurement) -> str:
    model = measured.model
    return (
        f"{measured.recording.name}, {measured.recording.seconds / 60:.0f} minutes: "
        f"{model.name} on {model.device}, {model.dtype}"
    )


def _speed(measured: Measurement) -> _Panel:
    """Speed by the clock; on a CPU by processor time, which other programs there do not change."""
    on_cpu = measured.model.device == "cpu"

    def speed(cost: Cost) -> float:
        seconds = cost.cpu_s if on_cpu else cost.wall_s
        return measured.recording.seconds / seconds if seconds > 0 else 0.0

    return _panel(
        measured,
        "Seconds of audio a processor second" if on_cpu else "Speed, times real time",
        lambda value: f"{value:.0f}×" if value >= 20 else f"{value:.1f}×",
        _SPEED,
        [speed(measured.whole(size)) for size in measured.sizes],
        [0.0 if run.failure else speed(run.whole) for run in measured.stock],
    )


def _memory(measured: Measurement) -> _Panel:
    return _panel(
        measured,
        "Peak memory, the model included",
        lambda value: f"{value:.2f} GB",
        _MEMORY,
        [size.peak_bytes / 1e9 for size in measured.sizes],
        [0.0 if run.failure else run.peak_bytes / 1e9 for run in measured.stock],
    )


def _panel(
    measured: Measurement,
    title: str,
    unit: Callable[[float], str],
    colour: str,
    values: Sequence[float],
    stock_values: Sequence[float],
) -> _Panel:
    """`values` and `stock_values` in the order of the measured sizes and stock runs."""
    pairs = [
        (size.asked, size.decision.batch_size_s, value)
        for size, value in zip(measured.sizes, values, strict=True)
    ]
    asked = sorted((size, value) for name, size, value in pairs if name != AUTO)
    auto = [(size, value) for name, size, value in pairs if name == AUTO]
    ran = [
        (run.batch_size_s, value)
        for run, value in zip(measured.stock, stock_values, strict=True)
        if not run.failure
    ]
    sized = sorted((size, value) for size, value in ran if size is not None)
    stock = (
        _Series([size for size, _ in sized], [value for _, value in sized])
        if sized
        else _Series([], [value for _, value in ran])  # on a CPU it has no size
    )
    return _Panel(
        title=title,
        unit=unit,
        colour=colour,
        ours=_Series([size for size, _ in asked], [value for _, value in asked]),
        auto=auto[0] if auto else None,
        stock=stock,
    )


def _draw_panel(axes: Any, panel: _Panel) -> None:
    sizes, values = panel.ours.sizes, panel.ours.values
    stock_below = bool(panel.stock.values) and panel.stock.values[0] <= values[0]
    axes.set_title(panel.title, loc="left", pad=10)
    axes.plot(sizes, values, "o-", color=panel.colour, linewidth=2, markersize=5)
    above = stock_below or not panel.stock.values
    _write(axes, (sizes[0], values[0]), panel.unit(values[0]), panel.colour, above=above)
    if panel.auto is not None:
        _mark_auto(axes, panel, panel.auto)
    if panel.stock.values:
        _draw_stock(axes, panel, above=not stock_below)
    highest = max([*values, *panel.stock.values, panel.auto[1] if panel.auto else 0.0])
    axes.set_ylim(0, _HEADROOM * highest)
    axes.locator_params(axis="y", nbins=5)
    axes.set_xscale("log")
    axes.margins(x=0.08)
    axes.set_xticks(sizes, [_size_name(size) for size in sizes])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("batch_size_s, padded seconds")


def _mark_auto(axes: Any, panel: _Panel, auto: tuple[float, float]) -> None:
    """A ring, and its words above it and above the line there."""
    size, value = auto
    axes.plot(size, value, "o", markersize=11, fillstyle="none", color=panel.colour)
    near = [
        known
        for at, known in zip(panel.ours.sizes, panel.ours.values, strict=True)
        if size / 2 <= at <= size * 2
    ]
    said = f"auto: {size:g} s\n{panel.unit(value)}"
    _write(axes, (size, max([value, *near])), said, panel.colour, above=True)


def _draw_stock(axes: Any, panel: _Panel, *, above: bool) -> None:
    stock = panel.stock
    if stock.sizes:
        axes.plot(stock.sizes, stock.values, "x:", color=_STOCK)
    else:
        axes.axhline(stock.values[0], linestyle=":", color=_STOCK)
    place = min([*stock.sizes, *panel.ours.sizes]), stock.values[0]
    said = f"stock FunASR, {panel.unit(stock.values[0])}"
    _write(axes, place, said, _STOCK, above=above, to_the_right=True)


def _write(
    axes: Any,
    place: tuple[float, float],
    said: str,
    colour: str,
    *,
    above: bool,
    to_the_right: bool = False,
) -> None:
    """Write a text before the grid and behind the lines, so that both stay legible."""
    axes.annotate(
        said,
        place,
        (-12 if to_the_right else 0, 9 if above else -9),
        textcoords="offset points",
        color=colour,
        ha="left" if to_the_right else "center",
        va="bottom" if above else "top",
        bbox={"boxstyle": "square,pad=0.12", "color": "white"},
        zorder=1.5,
    )


def _size_name(size: float) -> str:
    """A segment alone is measured as the smallest size."""
    return ALONE if size <= 1 else f"{size:g}"
