"""Differences that CI=true makes: what is tried in each of its forms, and may not be missing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

IS_THOROUGH = os.environ.get("CI") == "true"

DATABASES = ("sqlite", "postgresql")


def kinds_of_database(usual: str = "sqlite") -> Sequence[str]:
    """The kinds of database to run a test on, where what is asked of one is tested on both."""
    return DATABASES if IS_THOROUGH else (usual,)


def only_first(forms: Sequence[T]) -> Sequence[T]:
    """The forms to try of those that differ little: the first, or all."""
    return forms if IS_THOROUGH else forms[:1]


def needs(module: str, extra: str) -> Any:
    """Import what an extra brings. Without it the test is skipped, or all of a test module's; where
    CI=true nothing is missing, so it raises ModuleNotFoundError there."""
    try:
        return import_module(module)
    except ModuleNotFoundError:
        if IS_THOROUGH:
            raise
        pytest.skip(f"needs the extra: longscribe[{extra}]", allow_module_level=True)
