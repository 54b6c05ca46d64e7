"""How many files and connections a process may have open, its limit RLIMIT_NOFILE."""

from __future__ import annotations

import resource

from shared.errors import LongscribeError

LEAST_OPEN_FILES = 256
"""Limit from which on a process of ours is of use: each thread that answers has a connection, a
file and the database, and Redis keeps 32 for itself."""


class TooFewOpenFiles(LongscribeError):
    code = "too_few_open_files"


def allow_open_files(wanted: int) -> int:
    """Raise this process's limit to `wanted`, as far as it may; return the limit from now on.

    It is 1,024 in many shells, which may raise it themselves; children inherit it. Raises
    TooFewOpenFiles where nothing would work.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    allowed = wanted if soft == resource.RLIM_INFINITY else soft
    if allowed < LEAST_OPEN_FILES:
        raise TooFewOpenFiles(
            f"This process may have {allowed} files open at once, and needs {LEAST_OPEN_FILES} or, "
            "better, thousands. Raise the limit where it is started: ulimit -n in a shell, "
            "LimitNOFILE= of systemd, --ulimit nofile= of Docker."
        )
    return allowed
