"""Passwords of the tests of accounts are hashed with little work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.people import quick_hashes


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_hashes():
        yield
