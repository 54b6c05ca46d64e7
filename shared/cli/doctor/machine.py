"""What `longscribe doctor` looks at outside of the database: folders, disk and Redis."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from shared.cli.doctor.finding import Finding, ok, problem, warning
from shared.cli.embedded.data_folder import StackFailed
from shared.cli.embedded.redis_server import redis_server_binary
from shared.queue import make_ringing_celery, redis_info
from shared.settings import Settings
from shared.transcripts.values import SAMPLE_BYTES, SAMPLE_RATE

GB = 2**30
_DECODED_BYTES_A_SECOND = SAMPLE_BYTES * SAMPLE_RATE
"""What a recording takes in the work folder."""

_OLDEST_REDIS = (6, 2)
"""The one in the embedded stack; nothing older was ever tried."""


def check_data_folder(settings: Settings) -> list[Finding]:
    thing = "data folder"
    folder = settings.data_dir.resolve()
    advice = f"Give this user ({os.getuid()}) the folder, or choose one with LONGSCRIBE_DATA_DIR."
    existing = _nearest_existing(folder)
    if not existing.is_dir():
        return [problem(thing, f"{existing} is no folder", advice)]
    if existing != folder:
        if os.access(existing, os.W_OK | os.X_OK):
            return [ok(thing, f"{folder} is not made yet; it is made when Longscribe starts")]
        return [problem(thing, f"{folder} does not exist and cannot be made", advice)]
    places = (
        folder,
        settings.recordings_dir,
        settings.recordings_dir / "incoming",
        settings.work_dir,
    )
    for place in places:
        if place.exists() and (reason := _why_not_writable(place)):
            return [problem(thing, f"{place} cannot be written to: {reason}", advice)]
    return [ok(thing, f"{folder} can be written to")]


def _nearest_existing(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _why_not_writable(folder: Path) -> str:
    try:
        # Unnamed, so that nothing is left behind and no sweep meets it.
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def check_disk(settings: Settings) -> list[Finding]:
    """Free space against the reserve that uploads and decoding leave alone."""
    free = shutil.disk_usage(_nearest_existing(settings.data_dir.resolve())).free
    finding = f"{free / GB:.1f} GB free, {settings.min_free_bytes / GB:.1f} GB of it reserved"
    if free < settings.min_free_bytes:
        return [
            problem(
                "disk",
                f"{finding}: every upload is refused (507)",
                "Make room, put LONGSCRIBE_DATA_DIR on a larger disk, or lower "
                "LONGSCRIBE_MIN_FREE_BYTES.",
            )
        ]
    longest = settings.max_audio_s * _DECODED_BYTES_A_SECOND
    if free < settings.min_free_bytes + longest:
        return [
            warning(
                "disk",
                f"{finding}: too little to decode a recording of {settings.max_audio_s / 3600:.0f} "
                f"hours ({longest / GB:.1f} GB), the longest accepted",
                "Make room, or lower LONGSCRIBE_MAX_AUDIO_S.",
            )
        ]
    return [ok("disk", finding)]


def check_redis(settings: Settings, served_by: str | None) -> list[Finding]:
    """Whether it answers, can be written to and is new enough. What it holds does not matter."""
    if settings.redis_url.get_secret_value():
        return _given_redis(settings)
    if settings.redis_socket.exists():
        url = f"the embedded one on {settings.redis_socket}"
        try:
            with Redis(unix_socket_path=str(settings.redis_socket), socket_timeout=2) as redis:
                return [_judge_redis(redis.info(), url)]
        except RedisError:
            pass  # a socket outlives a server that was killed
    if served_by:
        return [
            problem(
                "redis",
                f"the embedded one does not answer, though longscribe serve (process {served_by}) "
                "runs",
                f"See {settings.data_dir.resolve() / 'logs' / 'redis.log'}, and start it again.",
            )
        ]
    try:
        redis_server_binary()
    except StackFailed as error:
        return [problem("redis", "no redis-server to embed", error.message)]
    return [ok("redis", "not running; longscribe serve starts it")]


def _given_redis(settings: Settings) -> list[Finding]:
    check = "Start it, or correct LONGSCRIBE_REDIS_URL."
    try:
        info = redis_info(make_ringing_celery(settings))
    except (ValueError, KeyError):
        # Their texts may quote a part of the address, and so its password.
        return [
            problem(
                "redis",
                "LONGSCRIBE_REDIS_URL is no address of a Redis",
                f"{check} An example: redis://:password@redis:6379/0",
            )
        ]
    except (OperationalError, RedisError, OSError) as error:
        return [
            problem(
                "redis",
                f"does not answer: {str(error).rstrip('.')}; jobs wait for a worker's sweep "
                "instead of starting at once",
                check,
            )
        ]
    return [_judge_redis(info, "of LONGSCRIBE_REDIS_URL")]


def _judge_redis(info: dict[str, Any], which: str) -> Finding:
    version = str(info.get("redis_version", "0"))
    finding = f"answers, version {version}, {which}"
    if info.get("role", "master") != "master":
        return problem(
            "redis",
            f"{finding}: a replica, which takes no messages",
            "Name the primary in LONGSCRIBE_REDIS_URL.",
        )
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < _OLDEST_REDIS:
        oldest = ".".join(str(number) for number in _OLDEST_REDIS)
        return warning(
            "redis", f"{finding}: older than {oldest}, the oldest tried", f"Use {oldest} or newer."
        )
    return ok("redis", finding)
