"""Installations to inject faults into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.machinery.faulty_installation import FaultyInstallation
from tests.support.stack import Stack

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder: most of its time passes while leases run out and processes
    start, which takes a busy machine ten times as long."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.chaos)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(900))


@pytest.fixture
def faulty(stack: Stack) -> Iterator[FaultyInstallation]:
    """An installation with a real Redis and no worker yet. Every test ends with all of its jobs."""
    made = FaultyInstallation(stack)
    yield made
    assert made.broken_promises() == []
    made.db.dispose()


@pytest.fixture
def long_leases(faulty: FaultyInstallation) -> None:
    """For tests in which no lease has to run out: none is lost by a worker that is merely slow."""
    faulty.stack.env["LONGSCRIBE_LEASE_S"] = "60"
