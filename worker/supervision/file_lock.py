"""A lock that one process at a time holds, among all that share a folder."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

_ASK_EVERY_S = 0.1


class GivenUp(Exception):
    """The worker received a stop signal while it waited for the lock."""


@contextmanager
def file_lock(path: Path, *, give_up: Callable[[], bool]) -> Iterator[None]:
    """Hold `path`, which is made if need be, as soon as nobody else does.

    The lock ends with its process, however that ends.  Raises GivenUp if `give_up` says so before.
    Where the folder takes no lock (read-only, some network folders) nobody waits for anybody.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        log.warning("no lock; going on without", path=str(path), error=str(error))
        yield
        return
    with file:
        try:
            while not give_up() and not _locked(file.fileno()):
                time.sleep(_ASK_EVERY_S)
        except OSError as error:
            log.warning("no lock; going on without", path=str(path), error=str(error))
        if give_up():
            raise GivenUp
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
