"""What the tests' own PostgreSQL servers leave behind, and who removes it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases.postgresql import data_folder, remove_abandoned
from tests.support.stack import REPOSITORY, wait_for

OWNER = """
import subprocess, sys
from pathlib import Path
from tests.support.databases.postgresql import data_folder

with data_folder(Path(sys.argv[1])) as folder:
    folder.mkdir()
    server = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)", "-D", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    (folder / "postmaster.pid").write_text(f"{server.pid}\\n{folder}\\n")
    print(server.pid, flush=True)
    sys.stdin.read()
"""
"""A test session with a server, until somebody kills it or closes its input."""


class Owner:
    def __init__(self, parent: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(parent)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.server = Path("/proc", self.process.stdout.readline().strip())
        # Its number is known before exec has given it a command line.
        wait_for(self.server_runs, what="the command line of the server")

    def server_runs(self) -> bool:
        try:
            return bool((self.server / "cmdline").read_bytes())  # a zombie has none
        except OSError:
            return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    started = Owner(tmp_path)
    yield started
    started.kill()
    remove_abandoned(tmp_path)
    assert not started.server_runs()


def test_the_folder_of_a_living_process_stays(owner: Owner, tmp_path: Path) -> None:
    remove_abandoned(tmp_path)
    assert owner.server_runs()
    assert len(list(tmp_path.glob("*/data/postmaster.pid"))) == 1


def test_the_folder_of_a_killed_process_goes_with_its_server(owner: Owner, tmp_path: Path) -> None:
    owner.kill()
    assert owner.server_runs()
    with data_folder(tmp_path) as other:
        assert list(tmp_path.iterdir()) == [other.parent]
    assert not owner.server_runs()
    assert list(tmp_path.iterdir()) == []


def test_whoever_has_the_servers_number_now_is_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "longscribe-pg-abandoned" / "data"
    data.mkdir(parents=True)
    (data.parent / "lock").touch()
    with subprocess.Popen(["sleep", "600"]) as stranger:
        (data / "postmaster.pid").write_text(f"{stranger.pid}\n{data}\n")
        remove_abandoned(tmp_path)
        assert stranger.poll() is None
        stranger.kill()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_its_owner_is_making_stays(tmp_path: Path) -> None:
    (tmp_path / "longscribe-pg-new").mkdir()
    remove_abandoned(tmp_path)
    assert (tmp_path / "longscribe-pg-new").exists()
