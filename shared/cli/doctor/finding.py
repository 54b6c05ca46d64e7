"""Findings of `longscribe doctor`, and the guard that every check runs under."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """Something that works, and may not for long or not as wished."""
    PROBLEM = "problem"
    UNCHECKED = "unchecked"
    """Result unknown: the check itself failed, or what it needs is a problem already."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Line of the doctor's answer. `what_to_do` is empty where nothing has to be done."""

    level: Level
    thing: str
    finding: str
    what_to_do: str = ""


def ok(thing: str, finding: str) -> Finding:
    return Finding(Level.OK, thing, finding)


def warning(thing: str, finding: str, what_to_do: str) -> Finding:
    return Finding(Level.WARNING, thing, finding, what_to_do)


def problem(thing: str, finding: str, what_to_do: str) -> Finding:
    return Finding(Level.PROBLEM, thing, finding, what_to_do)


def unchecked(thing: str, finding: str, what_to_do: str = "") -> Finding:
    return Finding(Level.UNCHECKED, thing, finding, what_to_do)


@dataclass(frozen=True, slots=True)
class Check:
    """A look at one thing, which may take `within_s` seconds.

    `when_late` is what an answer that never comes means; by default that nobody knows.
    """

    thing: str
    look: Callable[[], Sequence[Finding]]
    within_s: float = 8.0
    when_late: Level = Level.UNCHECKED


def guarded(checks: Sequence[Check]) -> list[list[Finding]]:
    """The findings of each check, in order; all run at once.

    One that fails or never answers costs its own finding and no other.
    """
    running = [_Running(check) for check in checks]
    return [one.findings() for one in running]


class _Running:
    """A check on a thread of its own, which is left behind if it hangs."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._found: list[Finding] | None = None
        self._deadline = time.monotonic() + check.within_s
        self._thread = threading.Thread(target=self._run, name=check.thing, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._found = list(self._check.look())
        except Exception as error:  # noqa: BLE001 - whatever it is, the other checks still answer
            text = str(error).partition("\n")[0]
            finding = f"the check failed ({type(error).__name__}: {text})"
            self._found = [unchecked(self._check.thing, finding)]

    def findings(self) -> list[Finding]:
        self._thread.join(max(0.0, self._deadline - time.monotonic()))
        if self._found is not None:
            return self._found
        return [
            Finding(
                self._check.when_late,
                self._check.thing,
                f"no answer within {self._check.within_s:.0f} s",
                "See whether it hangs or the machine is overloaded, then try again.",
            )
        ]
