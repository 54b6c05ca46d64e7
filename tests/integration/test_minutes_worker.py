"""The process that writes minutes, killed, stopped and woken up: real ones, over a real Redis."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from shared.celery_doorbell import make_ringing_celery, ring_for_minutes
from shared.db import Database
from shared.minutes import requests
from shared.minutes.prompts import prompts_of_request
from shared.models import LOCAL_OWNER
from shared.settings import Settings
from shared.states import EventKind, JobStatus, MinutesStatus
from tests.support import factories
from tests.support.doubles.language_model import LanguageModel, language_model, stall
from tests.support.stack import Service, Stack, start, wait_for


def start_minutes(stack: Stack, model: LanguageModel, name: str = "minutes", **env: str) -> Service:
    service = start(
        [sys.executable, "-m", "shared.cli", "minutes-worker"],
        env={
            **stack.environment,
            "LONGSCRIBE_MINUTES_URL": model.url,
            "LONGSCRIBE_MINUTES_MODEL": "small",
            **env,
        },
        log_path=stack.folder / f"{name}.log",
    )
    stack.services.append(service)
    return service


def ask(db: Database) -> str:
    job_id = factories.a_job(db, JobStatus.COMPLETED)
    prompts = prompts_of_request("zh", {})
    requests.ask(db, owner_id=LOCAL_OWNER, job_id=job_id, language="zh", prompts=prompts)
    return job_id


def status(db: Database, job_id: str) -> MinutesStatus:
    return requests.get(db, owner_id=LOCAL_OWNER, job_id=job_id).status


def test_killed_in_mid_request_another_takes_it_up_and_one_result_is_written(
    stack: Stack, db: Database
) -> None:
    quick = {"LONGSCRIBE_LEASE_S": "5", "LONGSCRIBE_SWEEP_S": "0.5"}
    with language_model(stall) as model:
        job_id = ask(db)
        first = start_minutes(stack, model, **quick)
        wait_for(model.asked.is_set, what="the first question")
        first.kill(signal.SIGKILL)
        second = start_minutes(stack, model, "second", **quick)
        wait_for(lambda: status(db, job_id) is MinutesStatus.COMPLETED, what="the minutes")
        kinds = [e.kind for e in requests.get(db, owner_id=LOCAL_OWNER, job_id=job_id).events]
        assert kinds == [
            EventKind.SUBMITTED, EventKind.CLAIMED, EventKind.LOST,
            EventKind.CLAIMED, EventKind.COMPLETED,
        ]  # fmt: skip
        loaded = Path(f"/proc/{second.process.pid}/maps").read_text()
        assert "_ssl" in loaded and "torch" not in loaded
        assert second.stop() == 0, second.log


def test_a_doorbell_wakes_it_and_a_stop_gives_back_what_it_is_at(
    stack: Stack, db: Database
) -> None:
    with language_model() as model:
        process = start_minutes(stack, model, LONGSCRIBE_SWEEP_S="3600")
        wait_for(lambda: "writes minutes" in process.log, what="its start")
        job_id = ask(db)
        settings = Settings(redis_url=stack.environment["LONGSCRIBE_REDIS_URL"])  # type: ignore[arg-type]
        assert ring_for_minutes(make_ringing_celery(settings))
        wait_for(lambda: status(db, job_id) is MinutesStatus.COMPLETED, what="the minutes")
        model.asked.clear()
        model.script.append(stall)
        job_id = ask(db)
        ring_for_minutes(make_ringing_celery(settings))
        wait_for(model.asked.is_set, what="a question")
        assert process.stop() == 0, process.log
        assert status(db, job_id) is MinutesStatus.QUEUED


def test_without_an_address_it_says_so_and_ends(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "stack", f"sqlite:///{tmp_path / 'none.db'}")
    process = start(
        [sys.executable, "-m", "shared.cli", "minutes-worker"],
        env=stack.environment,
        log_path=stack.folder / "minutes.log",
    )
    assert process.process.wait(240) == 1
    assert "LONGSCRIBE_MINUTES_URL" in process.log


def test_it_needs_no_engine() -> None:
    code = (
        "import sys, worker.minutes.process; "
        "sys.exit(bool({'torch', 'numpy', 'av', 'funasr', 'flask'} & set(sys.modules)))"
    )
    done = start([sys.executable, "-c", code], env={}, log_path=Path("/dev/null"))
    assert done.process.wait(240) == 0


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    """What differs between the databases is tested in tests/database/minutes."""
    return str(request.getfixturevalue(f"{request.param}_url"))
