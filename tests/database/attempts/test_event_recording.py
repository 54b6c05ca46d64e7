"""Every event of a job is written at one place, with all that another table could need of it."""

from __future__ import annotations

import ast
import traceback
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError

from shared import jobs
from shared.db import Database
from shared.errors import InternalError, UnsupportedMedia
from shared.jobs import events
from shared.jobs.events import EventRecord, NewEvent
from shared.models import LOCAL_OWNER, JobEvent
from shared.states import EventKind, Stage
from tests.support import factories
from tests.support.factories import PLAN_KEY, TRANSCRIPT
from tests.support.stack import REPOSITORY


def play_every_kind_of_event(db: Database) -> None:
    """Lead jobs through everything that can happen to one."""
    job_id = factories.submit(db)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id)
    jobs.retry(db, owner_id=LOCAL_OWNER, job_id=job_id)
    jobs.release(db, factories.claim(db))
    jobs.retry_later(db, factories.claim(db), InternalError(), max_attempts=3, delay_s=0)
    lost = factories.claim(db)
    factories.recognise(db, lost)
    jobs.record_oom_retry(db, lost, 30.0)
    factories.expire_lease(db, job_id)
    jobs.expire_leases(db, max_attempts=9)
    last = factories.claim(db)
    jobs.set_stage(db, last, Stage.RECOGNISING, duration_s=12.5)
    jobs.drop_plan(db, last)
    jobs.store_plan(db, last, PLAN_KEY, [], complete=True)
    jobs.set_stage(db, last, Stage.PUNCTUATING)
    jobs.set_stage(db, last, Stage.SAVING)
    jobs.finish(db, last, TRANSCRIPT)
    factories.submit(db)
    jobs.fail(db, factories.claim(db), UnsupportedMedia())
    cancelled = factories.submit(db)
    claim = factories.claim(db)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=cancelled)
    jobs.cancelled(db, claim)


def test_every_event_is_inserted_by_one_function(db: Database) -> None:
    elsewhere = []

    def note(_: Any, __: Any, statement: str, *rest: Any) -> None:
        if statement.lstrip().upper().startswith("INSERT INTO EVENTS"):
            ours = [frame for frame in traceback.extract_stack() if "/shared/" in frame.filename]
            if not any(
                Path(frame.filename) == Path(events.__file__) and frame.name == "_insert"
                for frame in ours
            ):
                elsewhere.append(ours[-1])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        play_every_kind_of_event(db)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert elsewhere == []
    with db.reading() as session:
        assert set(session.scalars(select(JobEvent.kind))) == {kind.value for kind in EventKind}


def test_no_other_module_of_the_code_makes_a_row_of_the_table() -> None:
    writers = set()
    for root in ("shared", "web", "worker"):
        for path in (REPOSITORY / root).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call):
                    continue
                called = ast.unparse(node.func).rpartition(".")[2]
                # The class, or its table.
                arguments = {ast.unparse(argument).partition(".")[0] for argument in node.args}
                makes_one = called == "JobEvent"
                inserts = called in ("insert", "bulk_insert_mappings") and "JobEvent" in arguments
                if makes_one or inserts:
                    writers.add(str(path.relative_to(REPOSITORY)))
    assert writers == {"shared/jobs/events.py"}


def test_what_is_recorded_is_given_with_its_job_and_owner(db: Database) -> None:
    job_id = factories.submit(db, owner_id="anna")
    with db.writing() as session:
        [made] = events.record(session, job_id, NewEvent(EventKind.PUNCTUATING, 1, {"count": 2}))
        again = events.record_once(session, job_id, NewEvent(EventKind.PUNCTUATING, 1))
        other = events.record_once(session, job_id, NewEvent(EventKind.SAVING, 1))
    assert again is None
    assert other is not None and other.id > made.id
    shown = jobs.get_history(db, owner_id="anna", job_id=job_id).events
    assert shown[1:] == [made, other]
    assert isinstance(made, EventRecord)
    assert (made.job_id, made.owner_id, made.detail) == (job_id, "anna", {"count": 2})


def test_an_event_of_a_job_that_is_gone_is_refused(db: Database) -> None:
    with pytest.raises(IntegrityError), db.writing() as session:
        events.record(session, "no such job", NewEvent(EventKind.SAVING, 1))
