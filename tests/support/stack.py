"""The real things that tests run against, each a process of its own that ends with its test."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import redis

from shared.cli.embedded.redis_server import redis_server_binary
from tests.support import zygote
from tests.support.zygote.parent_death import die_with_parent

REPOSITORY = Path(__file__).resolve().parents[2]

T = TypeVar("T")

_HELD_PORTS: list[socket.socket] = []


def hold_port() -> int:
    """A port of 127.0.0.1 that nobody but a server of this test process is given until it ends.

    A socket that never listens stays bound to it.  So the kernel hands the port to nobody who asks
    for any, here or in another test process, and a server that names it, with SO_REUSEADDR as all
    of ours do, may listen on it, end, and listen again.  A port that was only looked up is
    somebody else's by the time that a server has started.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    _HELD_PORTS.append(held)
    return int(held.getsockname()[1])


def wait_for(condition: Callable[[], T], *, seconds: float = 180.0, what: str = "") -> T:
    """The first true value of `condition`; AssertionError if none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds} s for {what or condition}"
        time.sleep(0.05)


def children(pid: int, *, with_zombies: bool = False) -> list[int]:
    """The processes that `pid` has started and that have not ended, or are not reaped yet."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                status = (folder / "stat").read_text()
                state, parent = status.rpartition(")")[2].split()[:2]
                if int(parent) == pid and (with_zombies or state != "Z"):
                    found.append(int(folder.name))
    return found


def descendants(pid: int) -> set[int]:
    """Ids of every process below `pid`."""
    found = set(children(pid))
    return found.union(*(descendants(child) for child in found))


@dataclass
class Service:
    """A running process and where its output goes."""

    process: subprocess.Popen[bytes] | zygote.ForkedProcess
    log_path: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(number)

    def kill_all(self) -> None:
        """SIGKILL to the process and everything that it has started, frozen or not."""
        if self.process.poll() is not None:
            return
        # The process itself first: it may be one that starts again whatever ends.
        for pid in (self.pid, *descendants(self.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, *, seconds: float = 120.0) -> int:
        """Ask, wait, then insist."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()


def start(command: list[str], *, env: dict[str, str], log_path: Path) -> Service:
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,  # so that a test can kill it whole, and not itself
            preexec_fn=die_with_parent,
        )
    return Service(process, log_path)


def start_ready(
    command: list[str], *, env: dict[str, str], log_path: Path, children: int = 0
) -> Service:
    """Start a web server, or a worker with `children`, from a process that has imported it, where
    that can be."""
    if not zygote.can_fork(command, env):
        return start(command, env=env, log_path=log_path)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        process = zygote.fork(command, cwd=REPOSITORY, env=env, log=log.fileno(), children=children)
    return Service(process, log_path)


def start_redis(folder: Path, *options: str) -> tuple[Service, str]:
    """A redis-server on a unix socket in `folder`, and its URL for redis-py."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "redis.sock"
    path.unlink(missing_ok=True)
    service = start(
        [
            redis_server_binary(),
            *("--port", "0", "--unixsocket", str(path), "--dir", str(folder)),
            *("--save", "", *options),
        ],
        env={"PATH": os.environ["PATH"]},
        log_path=folder / "redis.log",
    )
    client = redis.Redis(unix_socket_path=str(path))

    def answers() -> bool:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    wait_for(answers, what="redis-server")
    client.close()
    return service, f"unix://{path}"


NOBODY_DIES = {"LONGSCRIBE_LEASE_S": "60"}
"""Settings of an installation none of whose workers dies or is frozen: on a busy machine one may be
silent for longer than the lease of those that do, and its job is then tried again."""


@dataclass
class Stack:
    """Settings for one installation, and the processes started under them."""

    folder: Path
    database_url: str
    env: dict[str, str] = field(default_factory=dict)
    services: list[Service] = field(default_factory=list)
    redis: Service | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = hold_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Environment of every process of this stack; `env` overrides."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "CI") if name in os.environ}
        return {
            **kept,
            "PYTHONUNBUFFERED": "1",
            "LONGSCRIBE_PORT": str(self.port),
            "LONGSCRIBE_DATA_DIR": str(self.folder / "data"),
            "LONGSCRIBE_DATABASE_URL": self.database_url,
            "LONGSCRIBE_REDIS_URL": f"redis+socket://{self.folder / 'redis' / 'redis.sock'}",
            "LONGSCRIBE_MODEL": "demo",
            "LONGSCRIBE_DEVICE": "cpu",
            "LONGSCRIBE_CPU_THREADS": "1",
            "LONGSCRIBE_LEASE_S": "4",
            "LONGSCRIBE_HEARTBEAT_S": "0.5",
            "LONGSCRIBE_SWEEP_S": "0.5",
            "LONGSCRIBE_RETRY_DELAY_S": "0.2",
            "LONGSCRIBE_SOFT_SHUTDOWN_S": "10",
            "LONGSCRIBE_LOG_FORMAT": "console",
            **self.env,
        }

    def start_redis(self, *options: str) -> Service:
        self.redis, _ = start_redis(self.folder / "redis", *options)
        self.services.append(self.redis)
        return self.redis

    def start_worker(
        self,
        name: str = "worker",
        *,
        options: Sequence[str] = (),
        under: Sequence[str] = (),
        **env: str,
    ) -> Service:
        """Start a worker. `under`: a command that runs the worker's, which comes after it."""
        environment = self.environment | env
        service = start_ready(
            [
                *under,
                *(sys.executable, "-m", "celery", "-A", "worker.app", "worker"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
                *("--hostname", f"{name}@%h", *options),
            ],
            env=environment,
            log_path=self.folder / f"{name}.log",
            children=int(environment.get("LONGSCRIBE_WORKER_CONCURRENCY", "1")),
        )
        self.services.append(service)
        return service

    def start_web(self, *, app: str = "web.app:create_app()", **env: str) -> Service:
        service = start_ready(
            [
                *(sys.executable, "-m", "gunicorn", "-c", "python:web.gunicorn_settings"),
                app,
            ],
            env=self.environment | env,
            log_path=self.folder / "web.log",
        )
        self.services.append(service)

        def answers() -> bool:
            assert service.process.poll() is None, service.log
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection,
            ):
                connection.sendall(b"HEAD /healthz HTTP/1.0\r\n\r\n")
                return bool(connection.recv(1))
            return False

        # Not only listening: a worker of gunicorn's that is told to stop before it watches for
        # signals never hears it, and outlives a server that a test stops at once.
        wait_for(answers, what="the web server")
        return service

    def stop(self) -> None:
        """End everything at once: a worker that is told to stop takes seconds to close its pool."""
        for service in reversed(self.services):
            service.kill_all()
        self.services.clear()


@contextlib.contextmanager
def running(stack: Stack) -> Iterator[Stack]:
    try:
        yield stack
    finally:
        stack.stop()
