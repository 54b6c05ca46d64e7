"""SHA-256 of the bytes of unfinished uploads, which spares reading gigabytes again at the end.

The hashes are a cache of this process. A restarted server and other processes have none, and read
the file instead.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

_KEPT = 256
"""The number of uploads kept, the most recent ones; a hash takes some hundred bytes."""


class RunningHashes:
    """The hash of each upload's first bytes, and their number.

    Bytes below an upload's offset never change, so a hash does not become wrong with time. It is
    of use if the upload goes on where the hash ends.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, upload_id: str, size_bytes: int) -> Any | None:
        """Remove and return the hash of an upload's first `size_bytes`; None if there is none."""
        with self._lock:
            at, running = self._kept.pop(upload_id, (-1, None))
        return running if at == size_bytes else None

    def put(self, upload_id: str, size_bytes: int, running: Any) -> None:
        """Keep the hash of an upload's first `size_bytes`; the oldest makes room for it."""
        with self._lock:
            self._kept[upload_id] = (size_bytes, running)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
