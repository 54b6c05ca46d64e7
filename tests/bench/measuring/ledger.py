"""Where the processor seconds of a run go: each function's own, without those it calls."""

from __future__ import annotations

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest


class Ledger:
    """Accounts by name. Time within an entry is its account's alone, also on several threads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._open = threading.local()
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)

    def watch(self, owner: Any, function: str, account: str) -> None:
        """Book every call of `owner.function` on `account`."""
        called: Callable[..., Any] = getattr(owner, function)

        @functools.wraps(called)
        def booked(*given: Any, **named: Any) -> Any:
            inner: list[float] = self._open.__dict__.setdefault("inner", [])
            inner.append(0.0)
            began = time.thread_time()
            try:
                return called(*given, **named)
            finally:
                spent = time.thread_time() - began
                self.seconds[account] += spent - inner.pop()
                self.calls[account] += 1
                if inner:
                    inner[-1] += spent

        self._monkeypatch.setattr(owner, function, booked)
