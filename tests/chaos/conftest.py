"""Installations to do harm to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.machinery.staged import Staged
from tests.support.services import Stack


@pytest.fixture
def staged(stack: Stack) -> Iterator[Staged]:
    """An installation with a real Redis and no worker yet. Every test ends with all of its jobs."""
    made = Staged(stack)
    yield made
    assert made.broken_promises() == []
    made.db.dispose()
