"""Locks on uploads for the requests of this machine.

S3 has no locks.  A hold is a lock on one byte of a file that all processes on a data folder share,
and ends with its process.  Between machines the upload's row decides: the second of two requests
finds it at another offset, and what the first has sent is never overwritten by less.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from shared.errors import UploadBusy, storage_error

_ASK_EVERY_S = 0.05
_MOST = 2**62


@contextmanager
def held(file: Path, upload_id: str, *, wait_s: float) -> Iterator[None]:
    """Hold an upload. Raises UploadBusy if somebody else does after `wait_s`."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # By the umask: the processes of a data folder may be of one group.
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise storage_error(error) from error
    try:
        deadline = time.monotonic() + wait_s
        while not _lock(descriptor, UUID(upload_id).int % _MOST):
            if time.monotonic() >= deadline:
                raise UploadBusy
            time.sleep(_ASK_EVERY_S)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, byte: int) -> bool:
    # Of the open file, not of the process, in which other threads hold others: struct flock.
    wanted = struct.pack("hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return False
        raise
    return True
