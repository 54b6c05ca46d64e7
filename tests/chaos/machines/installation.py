"""An installation of workers on machines of their own: PostgreSQL, Redis and an S3 server on a
further one, and nothing in common but the network between them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from sqlalchemy import select

from shared.models import Attempt
from shared.settings import Settings
from shared.storage.configured import open_blob_store
from shared.storage.identity import adopt_storage
from tests.chaos.machinery.faults import Step, lives
from tests.chaos.machinery.faulty_installation import FaultyInstallation
from tests.chaos.machinery.postgresql_server import postgresql_server
from tests.chaos.machines.network import ADDRESSES, Machine, Network
from tests.support.stack import Service, Stack, children, running

if TYPE_CHECKING:
    from tests.support.s3.server import S3Server

REDIS_PORT = 6379
_S3_PORT = 9000
_HEALTH_PORT = 8001


class MachinesInstallation(FaultyInstallation):
    """The test itself reaches the servers without the network, by their sockets."""

    def __init__(self, stack: Stack, network: Network, remote: dict[str, str]) -> None:
        super().__init__(stack)
        self.network = network
        self._remote = remote

    def start_redis(self) -> None:
        """An empty one, at the servers' address."""
        servers = self.network.servers
        listening = ("--port", str(REDIS_PORT), "--bind", servers.address)
        servers.call(lambda: self.stack.start_redis(*listening, "--protected-mode", "no"))

    def environment_of(self, machine: Machine) -> dict[str, str]:
        """What the processes on it are told: addresses, and a data folder of its own."""
        data = self.stack.folder / machine.name
        return self._remote | {
            "LONGSCRIBE_DATA_DIR": str(data),
            "LONGSCRIBE_HEALTH_DIR": str(data / "health"),
            "LONGSCRIBE_WORKER_HEALTH_PORT": str(_HEALTH_PORT),
        }

    def start_worker_on(self, name: str, **env: str) -> Service:
        """One that is started again whenever it ends."""
        machine = self.network.machines[name]
        return self.start_worker(
            name,
            under=[*machine.entering, sys.executable, "-m", "tests.chaos.machinery.supervisor"],
            **self.environment_of(machine) | env,
        )

    def asked(self, name: str, path: str = "/readyz") -> tuple[int, dict[str, Any]]:
        """What the worker on a machine answers there about its health."""
        address = f"http://127.0.0.1:{_HEALTH_PORT}{path}"
        try:
            answer = self.network.machines[name].call(lambda: requests.get(address, timeout=60))
        except requests.RequestException:
            return 0, {}  # there is none just now
        return answer.status_code, answer.json()

    def obstacles(self, name: str) -> set[str]:
        """What keeps the worker on a machine from work, by its own account."""
        return {one["code"] for one in self.asked(name)[1].get("obstacles", ())}

    def is_ready(self, name: str) -> bool:
        return self.asked(name)[0] == 200

    def machines_of(self, job_id: str) -> list[str]:
        """Where each attempt of a job was made."""
        with self.db.reading() as session:
            workers = session.scalars(
                select(Attempt.worker).where(Attempt.job_id == job_id).order_by(Attempt.number)
            )
            return [str(worker).partition(":")[0] for worker in workers]

    def is_at_work(self, name: str) -> bool:
        """Whether a process that lives on that machine is at an attempt that nobody has ended."""
        with self.db.reading() as session:
            running = session.execute(
                select(Attempt.job_id, Attempt.fence).where(
                    Attempt.worker.startswith(f"{name}:"), Attempt.outcome.is_(None)
                )
            ).all()
        return any(
            entry.fence == fence and lives(entry.pid)
            for job_id, fence in running
            for entry in self.step_log.entries(Step.CLAIMED, job_id=job_id)
        )


def main_process(worker: Service) -> int | None:
    """The worker's main process below its supervisor, unless that starts another just now."""
    return next(iter(children(worker.pid)), None)


@contextmanager
def machines_installation(
    folder: Path, network: Network, s3_server: S3Server
) -> Iterator[MachinesInstallation]:
    """Servers that run, and no worker yet."""
    servers = network.servers
    with ExitStack() as ended:
        postgresql = ended.enter_context(postgresql_server(servers.address))
        postgresql.trust(ADDRESSES)
        servers.call(postgresql.start)
        url = servers.call(postgresql.new_database)

        bucket = s3_server.new_bucket()
        s3 = s3_server.serve_at(servers.listening(_S3_PORT))
        ended.callback(s3.server_close)
        ended.callback(s3.shutdown)

        stack = Stack(folder, postgresql.local_url(url))
        ended.enter_context(running(stack))
        remote = {
            "LONGSCRIBE_DATABASE_URL": url,
            "LONGSCRIBE_REDIS_URL": f"redis://{servers.address}:{REDIS_PORT}/0",
            **s3_server.environment(bucket),
            "LONGSCRIBE_S3_ENDPOINT": f"http://{servers.address}:{_S3_PORT}",
        }
        made = MachinesInstallation(stack, network, remote)
        made.start_redis()
        settings = Settings(data_dir=stack.folder / "data", **s3_server.settings(bucket))  # type: ignore[arg-type]
        made.blobs = open_blob_store(settings)  # type: ignore[assignment]
        adopt_storage(made.db, made.blobs)
        ended.callback(made.db.dispose)
        yield made
