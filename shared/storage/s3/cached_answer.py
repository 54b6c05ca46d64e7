"""An answer that holds for a moment, so that not every page waits for the server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from shared.storage.errors import StorageSilent

_Answer = TypeVar("_Answer")


class CachedAnswer(Generic[_Answer]):
    """Last result or error of `ask`, kept for `holds_s` seconds; a failure for two at the most, and
    None not at all: another process may just change that."""

    def __init__(self, holds_s: float, ask: Callable[[], _Answer]) -> None:
        self._holds_s = holds_s
        self._ask = ask
        self._known: tuple[float, _Answer | StorageSilent] | None = None
        self._forgotten = 0

    def get(self) -> _Answer:
        """Return the kept answer, or ask anew. Raises what `ask` raises."""
        known = self._known  # once: another thread may forget it
        if known is None or time.monotonic() >= known[0]:
            forgotten = self._forgotten
            known = self._asked()
            if known[1] is not None and forgotten == self._forgotten:
                self._known = known
        answer = known[1]
        if isinstance(answer, StorageSilent):
            raise answer.again()
        return answer

    def forget(self) -> None:
        """Ask anew the next time, also where somebody asks just now."""
        self._forgotten += 1
        self._known = None

    def _asked(self) -> tuple[float, _Answer | StorageSilent]:
        try:
            answer: _Answer | StorageSilent = self._ask()
        except StorageSilent as error:
            return time.monotonic() + min(self._holds_s, 2.0), error
        return time.monotonic() + self._holds_s, answer
