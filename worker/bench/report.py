"""The measurement as columns for people."""

from __future__ import annotations

from collections.abc import Sequence

from shared.states import BatchLimit
from worker.batching.choose_size import BatchSizeDecision
from worker.bench.results import Measurement, SizeResult, StockResult

_HEADER = [
    tuple(line.split("|"))
    for line in (
        "|recognition||whole run||x real|peak||padded|largest|same",
        "batch_size_s|wall s|CPU s|wall s|CPU s|time|memory|batches|/ speech|batch s|text",
    )
]

_LIMITS = {
    BatchLimit.LENGTH: "the recording's length",
    BatchLimit.MEMORY: "the free memory",
    BatchLimit.SETTING: "the setting",
    BatchLimit.DEVICE: "what the device gains by",
    BatchLimit.LEARNED: "a larger batch that ran out of memory",
}


def as_text(measured: Measurement) -> str:
    """The whole report, without a final newline."""
    facts, machine, model = measured.recording, measured.machine, measured.model
    threads = f", {machine.threads} of {machine.cores} cores" if model.device == "cpu" else ""
    lines = [
        f"Recording  {facts.name}: {facts.seconds:.1f} s, {facts.segments} segments, "
        f"{facts.speech_s:.1f} s of speech",
        f"Model      {model.name} ({model.revision}), {model.dtype}",
        f"Machine    {model.device}{threads}; {machine.processor}; "
        f"Python {machine.python}, torch {machine.torch}, funasr {machine.funasr}",
        f"           instructions: {machine.instructions}",
        "",
        *_columns(_stage_rows(measured)),
        "",
        *_columns([*_HEADER, *_size_rows(measured), *_stock_rows(measured)]),
        "",
        "Whole run: voice activity, recognition and punctuation; decoding comes before it. "
        "Peak memory includes the loaded model.",
        *_repeats(measured.repeat),
        *_decisions(measured.sizes),
        *(f"Stock FunASR failed: {run.failure}." for run in measured.stock if run.failure),
    ]
    return "\n".join(line.rstrip() for line in lines)


def _stage_rows(measured: Measurement) -> list[tuple[str, ...]]:
    stages = {
        "decode": measured.decode,
        "voice activity": measured.voice_activity,
        "punctuation": measured.punctuation,
    }
    rows = [(name, f"{cost.wall_s:.2f}", f"{cost.cpu_s:.2f}") for name, cost in stages.items()]
    return [("stage", "wall s", "CPU s"), *rows]


def _size_rows(measured: Measurement) -> list[tuple[str, ...]]:
    return [_size_row(measured, size) for size in measured.sizes]


def _size_row(measured: Measurement, size: SizeResult) -> tuple[str, ...]:
    whole = measured.whole(size)
    return (
        label(size),
        f"{size.recognition.wall_s:.2f}",
        f"{size.recognition.cpu_s:.2f}",
        f"{whole.wall_s:.2f}",
        f"{whole.cpu_s:.2f}",
        f"{whole.times_real_time(measured.recording.seconds):.1f}",
        gigabytes(size.peak_bytes),
        str(size.batches),
        f"{size.padding:.3f}",
        f"{size.largest_batch_s:.1f}",
        _sameness(size, measured.recording.segments),
    )


def _stock_rows(measured: Measurement) -> list[tuple[str, ...]]:
    return [_stock_row(measured, run) for run in measured.stock]


def _stock_row(measured: Measurement, run: StockResult) -> tuple[str, ...]:
    if run.batch_size_s is not None:
        name = f"stock, {run.batch_size_s:g}"
    else:
        name = "stock" if run.failure else "stock, alone"
    return (
        name,
        "-",
        "-",
        f"{run.whole.wall_s:.2f}",
        f"{run.whole.cpu_s:.2f}",
        f"{run.whole.times_real_time(measured.recording.seconds):.1f}",
        gigabytes(run.peak_bytes),
        "-",
        "-",
        "-",
        "failed" if run.failure else "yes" if run.same_words else "no",
    )


def label(size: SizeResult) -> str:
    """'60', or 'auto: 400' where the size was not the one asked for."""
    chosen = f"{size.decision.batch_size_s:g}"
    return size.asked if size.asked in (chosen, "alone") else f"{size.asked}: {chosen}"


def gigabytes(count: int) -> str:
    return f"{count / 1e9:.2f} GB"


def _sameness(size: SizeResult, segments: int) -> str:
    if size.segments_differing:
        return f"no, {size.segments_differing} of {segments}"
    return "yes" if size.times_equal else "times differ"


def _repeats(repeat: int) -> list[str]:
    said = f"Each size was run {repeat} times; the least times of recognition are given."
    return [said] if repeat > 1 else []


def _decisions(sizes: Sequence[SizeResult]) -> list[str]:
    notes = [
        f"{label(size)}: {_limits(size.decision)}." for size in sizes if label(size) != size.asked
    ]
    notes += [
        f"{label(size)}: {size.oom_retries} batches ran out of memory and were halved."
        for size in sizes
        if size.oom_retries
    ]
    return notes


def _limits(decision: BatchSizeDecision) -> str:
    """Text about the value that each limit allowed, and the limit that decided."""
    ceiling = "the setting asks for" if decision.sized_for_s is None else "the length allows"
    said = (
        f"limited by {_LIMITS[decision.limited_by]}; {ceiling} {decision.length_ceiling_s:.0f} s, "
        f"{gigabytes(decision.headroom_bytes)} of free memory {decision.memory_cap_s:,.0f} s"
    )
    if decision.learned_ceiling_s is None:
        return said
    return f"{said}, what ran out of memory before {decision.learned_ceiling_s:.0f} s"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """The first column to the left, figures to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if position == 0 else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
