"""Ways to have a Redis refuse what it is asked; each returns how it takes that again."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import redis

from tests.support.stack import wait_for


def out_of_memory(client: redis.Redis) -> Callable[[], object]:
    client.config_set("maxmemory", 1)
    return lambda: client.config_set("maxmemory", 0)


def replica(client: redis.Redis) -> Callable[[], object]:
    client.execute_command("REPLICAOF", "127.0.0.1", "1")
    return lambda: client.execute_command("REPLICAOF", "NO", "ONE")


def without_a_disk(client: redis.Redis) -> Callable[[], object]:
    """Its folder is one that is gone, so it cannot write what it is asked to keep."""
    folder = Path(str(client.config_get("dir")["dir"]))
    away = folder.rename(folder.with_name("away"))
    folder.mkdir()
    (away / "redis.sock").rename(folder / "redis.sock")
    shutil.rmtree(away)
    client.config_set("save", "3600 1")
    client.set("changed", 1)
    client.bgsave()
    wait_for(lambda: client.info()["rdb_last_bgsave_status"] == "err", what="a failed save")
    return lambda: client.config_set("save", "")


def busy(client: redis.Redis) -> Callable[[], object]:
    client.config_set("lua-time-limit", 1)
    path = client.connection_pool.connection_kwargs["path"]
    script = threading.Thread(target=_run_for_ever, args=(redis.Redis(unix_socket_path=path),))
    script.start()

    def end() -> None:
        client.script_kill()
        script.join()

    return end


def _run_for_ever(client: redis.Redis) -> None:
    with client, suppress(redis.ResponseError):  # that it was killed
        client.eval("while true do end", 0)
