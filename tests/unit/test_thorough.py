"""A test of what an extra brings is skipped without it, and fails where nothing may be missing."""

from __future__ import annotations

import os

import pytest

from tests.support import thorough


def test_a_missing_extra_skips_a_test_and_fails_it_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    assert thorough.needs("os", "traces") is os
    monkeypatch.setattr(thorough, "IS_THOROUGH", False)
    with pytest.raises(pytest.skip.Exception, match=r"longscribe\[traces\]"):
        thorough.needs("no_such_module.of_any_extra", "traces")
    monkeypatch.setattr(thorough, "IS_THOROUGH", True)
    with pytest.raises(ModuleNotFoundError):
        thorough.needs("no_such_module.of_any_extra", "traces")
