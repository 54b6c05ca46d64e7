"""A checkpoint's parameters into a network that was built for them."""

from __future__ import annotations

import contextlib
import pathlib
import pickle
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from worker.engine.loading.load_errors import unusable
from worker.model_store.locate import ModelFolder

_WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Keys under which, one within the other, a training run keeps the parameters."""

_FROM_TRAINING = re.compile(r"^(?:module\.|_orig_mod\.)+|(?<=\.)_orig_mod\.")
"""Parts of names that training adds: DistributedDataParallel and torch.compile, around the network
or a part of it."""
_ALL_BELOW = "model."
"""Prefix that Lightning puts before every name."""

_SCALAR, _ARRAY = np.float64(0).__reduce__()[0], np.zeros(0).__reduce__()[0]
_BESIDE_PARAMETERS: tuple[Any, ...] = (
    *(pathlib.PosixPath, np.dtype, np.ndarray),
    *(type(np.dtype(kind)) for kind in "?bhilqBHILQefdSU"),
    *((_SCALAR, "numpy.core.multiarray.scalar"), (_ARRAY, "numpy.core.multiarray._reconstruct")),
    *((_SCALAR, "numpy._core.multiarray.scalar"), (_ARRAY, "numpy._core.multiarray._reconstruct")),
)
"""Plain values that a training run keeps beside the parameters, with NumPy's by the names that its
versions give them."""
_NOT_PLAIN = re.compile(r"GLOBAL ([\w.]+)")

_ROWS = 16_384
"""Rows of a parameter that are looked at together: 8 million numbers where it is 512 wide."""

_SHOWN = 3
"""Names in a message; a checkpoint of another network has hundreds that do not fit."""


@contextlib.contextmanager
def without_initial_values() -> Iterator[None]:
    """Leave the parameters of modules made inside as the memory happens to be.

    The checkpoint overwrites them; drawing 290 million random numbers first takes seconds.
    """
    with _NoInitialValues():
        yield


class _NoInitialValues(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


def load_parameters(
    model: nn.Module, folder: ModelFolder, checkpoint: Path, run: tuple[str, ...], not_run: str
) -> None:
    """Copy from a file every parameter and buffer below the prefixes `run`, but for those below
    `not_run`; raises what `fill_parameters` raises, and whatever torch.load raises."""
    stored = parameters_of(read_checkpoint(checkpoint))
    fill_parameters(model, folder, checkpoint, stored, run, not_run)


def fill_parameters(
    model: nn.Module,
    folder: ModelFolder,
    checkpoint: Path,
    stored: Mapping[str, Tensor],
    run: tuple[str, ...] = ("",),
    not_run: str = "-",
    described_by: str = "config.yaml",
) -> None:
    """Copy what was read into the network that `described_by` describes.

    Float16 in the file becomes what the model has.  Raises ModelUnavailable with the first names
    that are missing or of another shape, or whose numbers are not finite.
    """
    wanted = {
        name: value
        for name, value in model.state_dict().items()
        if name.startswith(run) and not name.startswith(not_run)
    }
    _require_shapes(folder, checkpoint, wanted, stored, described_by)
    for name, value in wanted.items():
        value.copy_(stored[name])
        if not _is_finite(value):
            raise unusable(folder, f"{name} in {checkpoint.name} holds numbers that are not finite")


def _is_finite(value: Tensor) -> bool:
    """Return whether no number is infinite or NaN.

    Some rows at a time: torch.isfinite of the large CT-Transformer's embedding makes 1.4 GB beside
    its 1.0 GB.
    """
    return all(bool(torch.isfinite(rows).all()) for rows in torch.atleast_1d(value).split(_ROWS))


def read_checkpoint(checkpoint: Path, *allowed: type) -> Any:
    """Read a checkpoint, its tensors mapped from the file rather than read into memory.

    Nothing but numbers, texts, their collections and the classes `allowed`, plain containers of
    such: no code of a model is run.  Raises TypeError where there is more, and whatever torch.load
    raises.
    """
    with torch.serialization.safe_globals([*allowed, *_BESIDE_PARAMETERS]):
        try:
            return torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
        except pickle.UnpicklingError as error:
            more = _NOT_PLAIN.search(str(error))
            if more is None:
                raise
            raise TypeError(
                f"beside numbers and texts it holds {more[1]}, and code of a model is never run; "
                "save its state_dict() alone"
            ) from error
        except RuntimeError as error:
            if "mmap can only be used" not in str(error):
                raise
            # torch before 1.6 wrote no archive; its files can only be read whole.
            return torch.load(checkpoint, map_location="cpu", weights_only=True)


def parameters_of(state: Any) -> dict[str, Tensor]:
    """The tensors of what a checkpoint holds, by name. Raises TypeError where it holds none."""
    for wrapper in _WRAPPERS:
        if isinstance(state, Mapping) and isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
    if not isinstance(state, Mapping):
        raise TypeError(f"it holds a {type(state).__name__} instead of parameters by name")
    found = {
        _FROM_TRAINING.sub("", name): value
        for name, value in state.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }
    prefix = _ALL_BELOW if all(name.startswith(_ALL_BELOW) for name in found) else ""
    return {name.removeprefix(prefix): value for name, value in found.items()}


def _require_shapes(
    folder: ModelFolder,
    checkpoint: Path,
    wanted: Mapping[str, Tensor],
    stored: Mapping[str, Tensor],
    described_by: str,
) -> None:
    wrong = [
        f"{name} {tuple(value.shape)}"
        + (f" is {tuple(stored[name].shape)} in the file" if name in stored else " is missing")
        for name, value in wanted.items()
        if name not in stored or stored[name].shape != value.shape
    ]
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise unusable(
            folder,
            f"{checkpoint.name} does not fit {described_by}, or one of the two is another model's "
            f"({'; '.join(wrong[:_SHOWN])}{more})",
        )
