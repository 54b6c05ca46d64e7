"""What people and the language model make of a finished text, told by the next poll of the page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import event

from shared import jobs
from shared.annotations.details import change_details
from shared.db import Database
from shared.export.reports.named_templates import delete_template, keep_template
from shared.minutes import minutes_queue, requests
from shared.minutes.contents import Minutes, Point
from shared.minutes.errors import ModelServerBusy
from shared.minutes.prompts import prompts_of_request
from shared.models import LOCAL_OWNER
from shared.models.base import Base
from shared.speakers.edits import EditKind
from shared.speakers.kept import voice_keeping
from shared.speakers.transcript_speakers import edit_speakers
from shared.transcripts.values import Version
from tests.support.speech.meeting import in_turn
from tests.support.web.web_app import database
from tests.web.polling.conftest import Polls

WRITTEN = Minutes(summary=(Point("大家好", (0,)),))


@pytest.fixture
def polls(make_polls: Callable[..., Polls]) -> Polls:
    return make_polls(minutes_url="https://model.example/v1", minutes_model="small")


@pytest.fixture
def rows(polls: Polls) -> Database:
    return database(polls.client.application)


def test_a_page_tells_at_once_who_speaks_and_how_minutes_stand(
    polls: Polls, rows: Database
) -> None:
    job_id = in_turn(rows, [1, 2, 2, 1])
    path = f"/fragments/jobs/{job_id}"
    claims: list[minutes_queue.MinutesClaim] = []

    def name() -> None:
        recognised = jobs.get_transcript(
            rows, owner_id=LOCAL_OWNER, job_id=job_id, version=Version.RECOGNISED
        )
        edit_speakers(
            rows,
            job_id=job_id,
            editor_id=LOCAL_OWNER,
            recognised=recognised,
            revision=0,
            kind=EditKind.RENAME,
            detail={"speaker": 2, "name": "王敏"},
        )

    def ask() -> None:
        prompts = prompts_of_request("zh", {})
        requests.ask(rows, owner_id=LOCAL_OWNER, job_id=job_id, language="zh", prompts=prompts)

    def claim() -> None:
        found = minutes_queue.claim_next(
            rows, worker="w", lease_s=60, model="small", host="model.example"
        )
        assert found is not None
        claims.append(found)

    def accept() -> None:
        requests.change(
            rows, owner_id=LOCAL_OWNER, job_id=job_id, revision=0, minutes=None, accepted=True
        )

    def keep(text: str) -> None:
        keep_template(rows, owner_id=LOCAL_OWNER, name="board", content=text.encode())

    def of_owner(what: Callable[..., object]) -> Callable[[], object]:
        return lambda: what(rows, owner_id=LOCAL_OWNER, job_id=job_id)

    life: list[tuple[Callable[[], object], bool]] = [
        # What happens, and whether the page differs.
        (name, True),
        (lambda: voice_keeping.switch_on(rows, LOCAL_OWNER), True),
        (ask, True),
        (claim, True),
        (lambda: minutes_queue.heartbeat(rows, claims[-1]), False),
        (lambda: minutes_queue.note_progress(rows, claims[-1], done=1, planned=2), True),
        (lambda: minutes_queue.retry_later(rows, claims[-1], ModelServerBusy()), True),
        (of_owner(requests.cancel), True),
        (of_owner(requests.retry), True),
        (claim, True),
        (lambda: minutes_queue.finish(rows, claims[-1], WRITTEN, transcript_digest="d"), True),
        (accept, True),
        (of_owner(requests.delete), True),
        (lambda: keep("{{title}}"), True),
        (lambda: keep("{{date}}"), False),  # its name alone is shown
        (lambda: delete_template(rows, owner_id=LOCAL_OWNER, name="board"), True),
        (lambda: jobs.submit_again(rows, owner_id=LOCAL_OWNER, of_job=job_id), True),
    ]
    polls.ask(path)
    for number, (happen, differs) in enumerate(life):
        polls.ask(path)
        assert polls.is_remembered(path), number
        happen()
        assert (polls.ask(path).status_code == 200) is differs, number


def test_a_page_reads_no_table_that_is_not_compared(polls: Polls, rows: Database) -> None:
    """What a page of a completed job is made of belongs into `stored_state`, unless it never
    changes."""
    job_id = in_turn(rows, [1, 2, 2, 1])
    change_details(
        rows, owner_id=LOCAL_OWNER, job_id=job_id, editor_id=LOCAL_OWNER, changes={"tags": ["a"]}
    )
    statements: list[str] = []
    event.listen(rows.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert polls.client.get(f"/fragments/jobs/{job_id}").status_code == 200
    read = {
        table
        for text in statements
        for table in re.findall(r"(?:FROM|JOIN) ([a-z_]+)", text)
        if table in Base.metadata.tables
    }
    assert {"transcripts", "speaker_edits", "minutes_requests", "revisions"} <= read
    assert read <= {
        *("jobs", "recordings", "attempts", "events", "revisions"),
        *("annotation_edits", "speaker_edits", "minutes_requests", "minutes_events"),
        *("voice_keeping", "sharing_events", "named_report_templates"),
        # Who is in a group, by its templates; its name as long as an answer stands.
        *("group_members", "account_groups"),
        "marks",  # each change of one is an edit
        *("transcripts", "segments", "voice_maps"),  # never change
        *("job_hotwords", "job_group_hotwords"),  # nor these
        *("workers", "turns", "tallies"),  # in recent_positions
    }
