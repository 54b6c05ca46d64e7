"""`longscribe bench` is the worker's: this side of the house does not know the speech model."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import NoReturn

from shared.cli.data_folder import StackFailed


def become_bench(arguments: Sequence[str]) -> NoReturn:
    """Go on as `python -m worker.bench`: signals and the exit status then are its own.

    Raises StackFailed where the worker's packages are not installed.
    """
    missing = [name for name in ("worker", "torch", "funasr") if find_spec(name) is None]
    if missing:
        raise StackFailed(
            f"Measuring needs the worker's packages; {' and '.join(missing)} cannot be found here. "
            "Install longscribe[worker] and torch, or use the repository."
        )
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "worker.bench", *arguments])
