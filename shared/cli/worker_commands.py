"""Commands that are the worker's: this side of the house knows neither models nor the engine."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import NoReturn

from shared.cli.embedded.data_folder import StackFailed


def become(module: str, arguments: Sequence[str], *, doing: str, needs: Sequence[str]) -> NoReturn:
    """Go on as `python -m module`: signals and the exit status then are its own.

    `doing` begins the error's sentence and `needs` are the packages without which it is raised:
    StackFailed where the worker's are not installed.
    """
    missing = [name for name in needs if find_spec(name) is None]
    if missing:
        raise StackFailed(
            f"{doing} needs the worker's packages; {' and '.join(missing)} cannot be found here. "
            "Install longscribe[worker] and torch, or use the repository."
        )
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])
