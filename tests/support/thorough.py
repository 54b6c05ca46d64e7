"""What a run tries in one of its forms only, and in all of them where CI=true."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

IS_THOROUGH = os.environ.get("CI") == "true"

DATABASES = ("sqlite", "postgresql")


def kinds_of_database(usual: str = "sqlite") -> Sequence[str]:
    """The kinds of database to run a test on, where what is asked of one is tested on both."""
    return DATABASES if IS_THOROUGH else (usual,)


def only_first(forms: Sequence[T]) -> Sequence[T]:
    """The forms to try of those that differ little: the first, or all."""
    return forms if IS_THOROUGH else forms[:1]
