"""Checks of `longscribe doctor` on Redis, and on the health files of the workers here."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from shared.celery_doorbell import facts_of, make_ringing_celery, redis_info
from shared.cli.doctor.finding import Finding, ok, problem, warning
from shared.cli.embedded.data_folder import StackFailed
from shared.cli.embedded.redis_server import redis_server_binary, version_of
from shared.settings import Settings

_SILENT_WORKER_S = 60.0
"""A worker writes its health file every five seconds."""

_OLDEST_REDIS = (6, 2)
"""The one in the embedded stack; nothing older was ever tried."""


def check_redis(settings: Settings, served_by: str | None) -> list[Finding]:
    """Check whether Redis answers, can be written to and is new enough. Its content does not
    matter."""
    if settings.redis_url.get_secret_value():
        return _given_redis(settings)
    # Of a folder that is not there nobody can say where its socket is if its path is long.
    if settings.data_dir.exists() and settings.redis_socket.exists():
        url = f"the embedded one on {settings.redis_socket}"
        try:
            with Redis(unix_socket_path=str(settings.redis_socket), socket_timeout=2) as redis:
                return [_judge_redis(facts_of(redis), url)]
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
    return [_to_be_embedded()]


def _to_be_embedded() -> Finding:
    """Finding about the Redis server that `longscribe serve` can start."""
    try:
        binary = redis_server_binary()
    except StackFailed as error:
        return problem("redis", "no redis-server to embed", error.message)
    version = version_of(binary)
    if not version:
        return problem(
            "redis",
            f"not running, and {binary}, which longscribe serve starts, does not say its version",
            f"Try {binary} --version, and install it again.",
        )
    finding = f"not running; longscribe serve starts {binary}, version {version}"
    return _too_old(version, finding) or ok("redis", finding)


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
                f"cannot be used: {str(error).rstrip('.')}; jobs wait meanwhile",
                _advice_for(str(error)) or check,
            )
        ]
    return [_judge_redis(info, "of LONGSCRIBE_REDIS_URL")]


def _judge_redis(info: dict[str, Any], which: str) -> Finding:
    version = str(info.get("redis_version", ""))
    # Valkey says as redis_version whose commands it knows.
    product = f" (Valkey {info['valkey_version']})" if "valkey_version" in info else ""
    told = f"version {version}{product}" if version else "which does not tell its version"
    finding = f"answers, {told}, {which}"
    if info.get("role", "master") != "master":
        return problem(
            "redis",
            f"{finding}: a replica, which takes no messages",
            "Name the primary in LONGSCRIBE_REDIS_URL.",
        )
    if refusal := info.get("refusal"):
        what_to_do = _advice_for(refusal) or "See its log."
        return problem("redis", f"{finding}: it takes no messages: {refusal}", what_to_do)
    policy = str(info.get("maxmemory_policy", ""))
    if info.get("maxmemory") and policy.startswith("allkeys"):
        return warning(
            "redis",
            f"{finding}: once its memory is full it drops what it likes ({policy}); a job whose "
            "doorbell is dropped begins with a later sweep",
            "Set maxmemory-policy noeviction, or give Longscribe a Redis of its own.",
        )
    return (_too_old(version, finding) if version else None) or ok("redis", finding)


_REFUSED = {
    "maxmemory": "Raise its maxmemory, or give Longscribe a Redis of its own.",
    "MISCONF": "Make room on its disk; its log says what it cannot write.",
    "CERTIFICATE_VERIFY_FAILED": "Name the authority of its certificate: ?ssl_ca_certs=FILE behind "
    "the address, as docs/settings.md says.",
    "permissions": "Give its user the rights that docs/settings.md names.",
}
"""Advice by words of what a Redis refuses a message, or a connection, with."""


def _advice_for(refusal: str) -> str:
    return next((what for words, what in _REFUSED.items() if words in refusal), "")


def _too_old(version: str, finding: str) -> Finding | None:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers >= _OLDEST_REDIS:
        return None
    oldest = ".".join(str(number) for number in _OLDEST_REDIS)
    return warning(
        "redis", f"{finding}: older than {oldest}, the oldest tried", f"Use {oldest} or newer."
    )


def check_workers_here(settings: Settings) -> list[Finding]:
    """Findings from the health files of the workers of this data folder, machine and user."""
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
