"""A worker that may decode in the sandbox only does not start where there is none."""

from __future__ import annotations

import pytest
from structlog.testing import CapturingLogger

from worker import main_process


@pytest.fixture(autouse=True)
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_process, "why_unavailable", lambda: "seccomp: Invalid argument")


def test_it_says_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGSCRIBE_SANDBOX", "required")
    with pytest.raises(SystemExit, match=r"Invalid argument.*LONGSCRIBE_SANDBOX=if-available"):
        main_process.require_sandbox()


def test_it_starts_with_a_warning_where_the_sandbox_is_not_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(main_process, "log", log)
    monkeypatch.setenv("LONGSCRIBE_SANDBOX", "if-available")
    main_process.require_sandbox()
    [call] = log.calls
    assert call.method_name == "warning"
    assert "without a filter on system calls" in call.args[0]
