"""What `longscribe doctor` looks at outside of the database: folders, disk and Redis."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from shared.cli.doctor.finding import Finding, ok, problem, warning
from shared.cli.embedded.data_folder import StackFailed
from shared.cli.embedded.redis_server import redis_server_binary
from shared.errors import InsufficientStorage
from shared.queue import make_ringing_celery, redis_info
from shared.settings import Settings
from shared.storage.blob_store import BlobStore
from shared.storage.configured import open_blob_store
from shared.storage.space import WorkSpace, nearest_existing, require_writable, work_space
from shared.transcripts.values import DECODED_BYTES_A_SECOND

GB = 2**30
_MAKE_ROOM = (
    "Make room, put LONGSCRIBE_DATA_DIR on a larger disk, or lower LONGSCRIBE_MIN_FREE_BYTES."
)

_SILENT_WORKER_S = 60.0
"""A worker writes its health file every five seconds."""

_OLDEST_REDIS = (6, 2)
"""The one in the embedded stack; nothing older was ever tried."""


def check_data_folder(settings: Settings) -> list[Finding]:
    thing = "data folder"
    folder = settings.data_dir.resolve()
    advice = f"Give this user ({os.getuid()}) the folder, or choose one with LONGSCRIBE_DATA_DIR."
    existing = nearest_existing(folder)
    if not existing.is_dir():
        return [problem(thing, f"{existing} is no folder", advice)]
    if existing != folder:
        if os.access(existing, os.W_OK | os.X_OK):
            return [ok(thing, f"{folder} is not made yet; it is made when Longscribe starts")]
        return [problem(thing, f"{folder} does not exist and cannot be made", advice)]
    checks: list[Callable[[], None]] = [
        partial(require_writable, folder),
        partial(require_writable, settings.work_dir),
    ]
    if not settings.s3_bucket:
        checks.insert(1, open_blob_store(settings).check_writable)
    for check in checks:
        try:
            check()
        except FileNotFoundError:
            continue  # made when Longscribe starts
        except OSError as error:
            reason = error.strerror or type(error).__name__
            finding = f"{error.filename} cannot be written to: {reason}"
            return [problem(thing, finding, advice)]
    return [ok(thing, f"{folder} can be written to")]


def check_disk(settings: Settings) -> list[Finding]:
    """Free space for recordings, and for their decoded audio: two places, each with its reserve."""
    return [
        _judge_bucket(open_blob_store(settings))
        if settings.s3_bucket
        else _judge_storage(open_blob_store(settings), settings),
        _judge_work_folder(work_space(settings), settings),
    ]


def _judge_storage(storage: BlobStore, settings: Settings) -> Finding:
    usable = storage.usable_bytes()
    finding = _room(usable, "recordings", settings)
    if not usable:
        return problem("disk", f"{finding}: every upload is refused (507)", _MAKE_ROOM)
    return ok("disk", finding)


def _judge_bucket(bucket: BlobStore) -> Finding:
    """It does not tell what room it has, and so is written to."""
    try:
        bucket.check_writable()
    except (OSError, InsufficientStorage) as error:
        place, reason = getattr(error, "filename", "it"), getattr(error, "strerror", str(error))
        return problem(
            "bucket",
            f"{place} cannot be written to: {reason}",
            "Start its server, make room, or correct LONGSCRIBE_S3_BUCKET and the settings beside "
            "it.",
        )
    return ok("bucket", "can be written to")


def _judge_work_folder(folder: WorkSpace, settings: Settings) -> Finding:
    usable = folder.usable_bytes()
    finding = _room(usable, "decoded audio", settings)
    if not usable:
        return problem("work folder", f"{finding}: workers take no job", _MAKE_ROOM)
    longest = settings.max_audio_s * DECODED_BYTES_A_SECOND
    if usable < longest:
        return warning(
            "work folder",
            f"{finding}: too little for a recording of {settings.max_audio_s / 3600:.0f} hours "
            f"({longest / GB:.1f} GB), the longest accepted",
            "Make room, or lower LONGSCRIBE_MAX_AUDIO_S.",
        )
    return ok("work folder", finding)


def _room(usable: int, what: str, settings: Settings) -> str:
    reserve = f"{settings.min_free_bytes / GB:.1f} GB"
    if not usable:
        return f"less than the reserve of {reserve} is free for {what}"
    return f"{usable / GB:.1f} GB free for {what}, beside a reserve of {reserve}"


def check_workers_here(settings: Settings) -> list[Finding]:
    """What the workers of this data folder, machine and user tell in their health files."""
    findings = []
    for path in sorted(settings.resolved_health_dir.glob("*.json")):
        try:
            told = json.loads(path.read_text())
            name, silent_s = str(told["worker"]), time.time() - float(told["told_at"])
            ills, obstacles = list(told["ills"]), list(told["obstacles"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        is_ours = told.get("data_dir") == str(settings.data_dir.resolve())
        if not is_ours or not Path("/proc", path.stem).exists():
            continue  # of another installation, or it was killed and left its file
        if silent_s > _SILENT_WORKER_S:
            ills.append(f"it has told nothing for {silent_s:.0f} s")
        words = "; ".join([*ills, *(str(one["message"]) for one in obstacles)])
        if ills:
            findings.append(problem("health", f"{name}: {words}", "Start it again; see its log."))
        elif obstacles:
            findings.append(warning("health", f"{name} takes no job: {words}", "See its log."))
        else:
            findings.append(ok("health", f"{name} is ready ({told.get('address') or 'no port'})"))
    return findings


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
