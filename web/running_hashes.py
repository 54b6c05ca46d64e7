"""SHA-256 of uploads as far as they came, so that a recording of gigabytes is not read once more at
its end.

Kept in this process only.  A server that was started again, or another of its processes, has none
and reads the file; so the hashes are a saving and nothing rests on them being here.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

_KEPT = 256
"""Uploads that came last; a hash takes some hundred bytes."""


class RunningHashes:
    """By upload: the hash of its first bytes and how many those are.

    Bytes that an upload's offset has passed never change, so a hash stays true however long it
    lies here; it is of use for as long as the upload goes on where the hash ends.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, upload_id: str, size_bytes: int) -> Any | None:
        """The hash of exactly so many bytes, which belongs to the caller then."""
        with self._lock:
            at, running = self._kept.pop(upload_id, (-1, None))
        return running if at == size_bytes else None

    def put(self, upload_id: str, size_bytes: int, running: Any) -> None:
        with self._lock:
            self._kept[upload_id] = (size_bytes, running)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
