"""A cache of the newest answers to polls, by request."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from web.polling.cache_dependencies import Dependencies

Headers = list[tuple[str, str]]

_MOST = 10_000
"""Answers that are kept, of a kilobyte or two each."""


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """The headers of a 304, and what has to be unchanged for it to be right again."""

    headers: Headers
    dependencies: Dependencies


class AnswerCache:
    """Keeps the answers that were asked for last. Threads may share it."""

    def __init__(self) -> None:
        self._answers: OrderedDict[bytes, CachedAnswer] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, request: bytes) -> CachedAnswer | None:
        with self._lock:
            found = self._answers.get(request)
            if found is not None:
                self._answers.move_to_end(request)
        return found

    def keep(self, request: bytes, answer: CachedAnswer) -> None:
        with self._lock:
            self._answers[request] = answer
            self._answers.move_to_end(request)
            if len(self._answers) > _MOST:
                self._answers.popitem(last=False)

    def forget(self, request: bytes) -> None:
        with self._lock:
            self._answers.pop(request, None)
