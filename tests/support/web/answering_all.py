"""An application that is sent requests at random, and what has to hold after them."""

from __future__ import annotations

import io
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from shared import accounts
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from tests.support import factories
from tests.support.people import an_admin, quick_hashes
from tests.support.web.random_requests import RandomRequests
from tests.support.web.web_app import database, make_app

_LOOK_EVERY = 250
"""Requests between two looks at the list."""


def answer_all(url: str, folder: Path, *, count: int, seed: int, sign_in: bool) -> dict[int, int]:
    """Send `count` requests; the answers by status. Raises AssertionError for an answer from 500 on
    and for a list that cannot be given back."""
    with ExitStack() as stack:
        stack.enter_context(quick_hashes())
        app = make_app(
            url,
            folder,
            max_upload_bytes=100_000,
            # None of these limits is what is tried here.
            sign_in_attempts=10**6,
            owner_open_uploads=10**6,
            sign_in="required" if sign_in else "off",
        )
        db = database(app)
        stack.callback(db.dispose)
        owner_id = an_admin(db).id if sign_in else LOCAL_OWNER
        ids = [
            factories.a_job(db, status, owner_id=owner_id)
            for status in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.QUEUED)
        ]
        program = app.test_client()
        if sign_in:
            key = accounts.make_key(db, user_id=owner_id, name="a program")
            program.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
        uploads = [_an_upload(program) for _ in range(max(3, count // 50))]
        requests = RandomRequests(app, seed, ids, uploads, "Anna" if sign_in else None)
        for number, (request, answer) in enumerate(requests.send(count)):
            # Of a job whose end was waited for, which nobody works on here.
            goes_on = answer.status_code == 504 and "still_running" in answer.text
            assert answer.status_code < 500 or goes_on, (request, answer.text)
            if number % _LOOK_EVERY == _LOOK_EVERY - 1 or number == count - 1:
                _look(program)
        return requests.statuses


def _an_upload(program: Any) -> str:
    """A complete upload that no job was made of."""
    version = {"Tus-Resumable": "1.0.0"}
    begun = program.post("/api/v1/uploads", headers=version | {"Upload-Length": "5"})
    assert begun.status_code == 201, begun.text
    sent = program.patch(
        begun.location,
        input_stream=io.BytesIO(b"sound"),
        content_length=5,
        content_type="application/offset+octet-stream",
        headers=version | {"Upload-Offset": "0"},
    )
    assert sent.status_code == 204, sent.text
    return str(begun.location.rpartition("/")[2])


def _look(program: Any) -> None:
    """Check that everything stored is returned as JSON."""
    cursor = ""
    while cursor is not None:
        answer = program.get(f"/api/v1/jobs?limit=200{cursor}")
        assert answer.status_code == 200, answer.text
        page = json.loads(answer.data.decode(), parse_constant=_refuse)
        for job in page["jobs"]:
            assert (job["error"] or {}).get("code") != "stored_data_unreadable", job
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    for whose in ("own", "everybody"):
        _look_at_lists(program, f"?list={whose}")


def _look_at_lists(program: Any, query: str) -> None:
    """Lists of words that are given back are those that are kept, once they are sent again."""
    path = f"/api/v1/replacements/text{query}"
    kept = program.get(path)
    assert kept.status_code == 200, kept.text
    again = program.put(path, data=kept.data or b"#", content_type="text/plain")
    assert again.status_code == 200, again.text
    assert again.json["added"] == again.json["removed"] == 0, kept.text
    words = program.get(f"/api/v1/hotwords{query}").json["words"]
    again = program.put(f"/api/v1/hotwords{query}", json={"words": words})
    assert again.json["words"] == words


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")
