"""Calibration of a device: fitted to probe batches, checked, and kept on disk.

The memory of a batch everywhere; on a GPU also what one more forward pass costs in time.

Pure but for the file that it keeps; `worker.engine.calibration.probe_batches` runs the
batches.  Units are those of `worker.memory.batch_memory_model`: bytes, and padded seconds.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from worker.memory.batch_memory_model import MemoryModel
from worker.pass_cost import PassCost

VERSION = 6
"""Raise it when probes, fit or the network's memory change, so that older files count as stale."""

MOST_OFF = 0.10
"""A fit further than this from one of its own measurements is no model of them."""

MOST_OFF_COARSELY = 0.30
"""The same of the resident set, which the C library lets grow by steps: with Paraformer-large's
sizes 12 to 24 % off.  What is planned for is more than twice what is measured."""

ATTENTION_WORTH = 0.02
"""The quadratic term is kept only if it brings the worst error down by this much."""

ARCHITECTURE_FACTOR = 3.0
"""A measured batch of `TYPICAL_PADDED_S` differs from the architecture's by less than this, or
something else was measured: on a CPU both widths tried, 128 and 512, stand at 0.7."""

TYPICAL_PADDED_S = 400.0
TYPICAL_LONGEST_S = 10.0


class ImplausibleFit(Exception):
    """The probe batches give no model that one could plan with; the message says why."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Bytes that one probe batch added to the memory in use, at its peak."""

    padded_s: float
    longest_s: float
    peak_bytes: float


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall seconds that one batch took."""

    padded_s: float
    longest_s: float
    seconds: float


LEAST_FIXED_S, MOST_FIXED_S = 0.5, 3_000.0
"""Padded seconds that a forward pass may be charged whatever it holds."""

MOST_PER_LONGEST_S = 300.0
"""Padded seconds that a forward pass may be charged for each second of its longest span."""


def fit_pass_cost(short: Timing, long: Timing, large: Timing) -> PassCost:
    """The parts of a pass's time that do not grow with the batch, over what a padded second adds;
    within the limits above.

    Three batches for three unknowns: `large` holds more than `long` with spans no longer, and
    `long` has longer spans than `short` with hardly more in all.
    """
    slope = (large.seconds - long.seconds) / (large.padded_s - long.padded_s)
    if slope <= 0:  # the larger batch cost nothing more: all is the pass's own
        return PassCost(MOST_FIXED_S)
    more_s = long.seconds - short.seconds - slope * (long.padded_s - short.padded_s)
    serial_s = max(0.0, more_s / (long.longest_s - short.longest_s))
    fixed_s = short.seconds - slope * short.padded_s - serial_s * short.longest_s
    return PassCost(
        min(MOST_FIXED_S, max(LEAST_FIXED_S, fixed_s / slope)),
        min(MOST_PER_LONGEST_S, serial_s / slope),
    )


@dataclass(frozen=True, slots=True)
class Calibration:
    """Measured memory and pass cost of a device."""

    memory: MemoryModel
    pass_cost: PassCost | None = None
    """Cost of a pass, measured on GPUs only; None: what is usual for the network."""


@dataclass(frozen=True, slots=True)
class CalibrationKey:
    """Key of a measurement: everything it depends on. A different value of any field gives another
    file."""

    device: str
    """The processor's or the GPU's own name."""
    total_memory_bytes: int
    model_revision: str
    dtype: str
    torch_version: str
    version: int = VERSION

    def file_in(self, folder: Path) -> Path:
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        return folder / f"memory-{digest[:16]}.json"


def fit_memory_model(
    measurements: Sequence[Measurement], architecture: MemoryModel, *, coarse: bool = False
) -> MemoryModel:
    """Weighted least squares of bytes = fixed + a * P + q * P * L, no term negative.

    Measurements of the resident set are coarse: q is 0 then, for it could not be told from nothing.

    Each measurement is weighted by its inverse, so that relative errors are made small, for a large
    batch and a small one alike.  Raises ImplausibleFit for measurements, or a fit to them, that
    cannot be right; `architecture` says what to expect.
    """
    _require_usable(measurements)
    linear = _least_squares(measurements, with_attention=False)
    squared = None if coarse else _least_squares(measurements, with_attention=True)
    candidates = [model for model in (linear, squared) if model is not None]
    if not candidates:
        raise ImplausibleFit("a padded second costs nothing in it")
    model = candidates[0]
    for other in candidates[1:]:
        if worst_error(other, measurements) < worst_error(model, measurements) - ATTENTION_WORTH:
            model = other
    off = worst_error(model, measurements)
    if off > (MOST_OFF_COARSELY if coarse else MOST_OFF):
        raise ImplausibleFit(f"it is {off:.0%} off one of its own measurements")
    _require_plausible(model, architecture)
    return model


def _require_plausible(model: MemoryModel, architecture: MemoryModel) -> None:
    expected = architecture.activation_bytes(TYPICAL_PADDED_S, TYPICAL_LONGEST_S)
    ratio = model.activation_bytes(TYPICAL_PADDED_S, TYPICAL_LONGEST_S) / expected
    if not 1 / ARCHITECTURE_FACTOR < ratio < ARCHITECTURE_FACTOR:
        raise ImplausibleFit(f"it gives {ratio:.2g} times what the architecture does")


def worst_error(model: MemoryModel, measurements: Sequence[Measurement]) -> float:
    """The largest |predicted over measured - 1|."""
    return max(
        abs(model.activation_bytes(seen.padded_s, seen.longest_s) / seen.peak_bytes - 1)
        for seen in measurements
    )


def _require_usable(measurements: Sequence[Measurement]) -> None:
    if not all(math.isfinite(seen.peak_bytes) and seen.peak_bytes > 0 for seen in measurements):
        raise ImplausibleFit("a batch took no memory")
    if len({seen.padded_s for seen in measurements}) < 2:
        raise ImplausibleFit("two batches of different sizes are the least")
    by_size = sorted(measurements, key=lambda seen: (seen.padded_s, seen.peak_bytes))
    for less, more in pairwise(by_size):
        if more.peak_bytes < less.peak_bytes and more.longest_s >= less.longest_s:
            raise ImplausibleFit("a larger batch took less memory than a smaller one")


def _least_squares(
    measurements: Sequence[Measurement], *, with_attention: bool
) -> MemoryModel | None:
    """The best of all choices of terms whose factors come out positive; None if none does."""
    padded = np.array([seen.padded_s for seen in measurements])
    longest = np.array([seen.longest_s for seen in measurements])
    weight = 1.0 / np.array([seen.peak_bytes for seen in measurements])
    terms = np.stack([np.ones_like(padded), padded, padded * longest], axis=1) * weight[:, None]
    best: tuple[float, MemoryModel] | None = None
    # So few terms that trying every choice is the plainest way to keep all of them positive.
    for chosen in ([1, 2], [0, 1, 2]) if with_attention else ([1], [0, 1]):
        if len(chosen) > len(measurements):
            continue
        factors = np.zeros(3)
        factors[chosen] = np.linalg.lstsq(terms[:, chosen], np.ones(len(padded)), rcond=None)[0]
        if (factors[chosen] <= 0).any():
            continue
        error = float(((terms @ factors - 1.0) ** 2).sum())
        if best is None or error < best[0]:
            fixed, linear, squared = (float(factor) for factor in factors)
            best = error, MemoryModel(fixed, linear, squared, calibrated=True)
    return best[1] if best else None


def store(folder: Path, key: CalibrationKey, measured: Calibration) -> None:
    """Keep `measured` for the next start, in one step. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "key": asdict(key),
        "model": measured.memory.to_json(),
        "pass_cost": None if measured.pass_cost is None else asdict(measured.pass_cost),
    }
    text = json.dumps(content, indent=2)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".memory-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(key.file_in(folder))
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def stored(folder: Path, key: CalibrationKey, architecture: MemoryModel) -> Calibration | None:
    """Calibration kept under this key; None if there is none.

    Raises ValueError for a file that is damaged or was written for something else.
    """
    try:
        text = key.file_in(folder).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"it cannot be read: {error}") from error
    try:
        content = json.loads(text)
        if content["key"] != asdict(key):
            raise ValueError("it was measured on something else")
        model = MemoryModel.from_json(content["model"])
        kept = content["pass_cost"]
        cost = None if kept is None else PassCost(**kept)
        if cost is not None and not _is_possible(cost):
            raise ValueError("a forward pass costs what none can")
        _require_plausible(model, architecture)
    except (KeyError, TypeError) as error:
        raise ValueError(f"it is not what was written: {error!r}") from error
    except ImplausibleFit as error:
        raise ValueError(str(error)) from error
    if not model.calibrated:
        raise ValueError("it was not measured")
    return Calibration(model, cost)


def _is_possible(cost: PassCost) -> bool:
    return (
        LEAST_FIXED_S <= cost.fixed_s <= MOST_FIXED_S and cost.per_longest_s <= MOST_PER_LONGEST_S
    )
