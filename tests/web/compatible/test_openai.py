"""/v1 as a client of OpenAI's meets it: what is taken, what is refused, and in which shape."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared import jobs
from shared.db import Database
from shared.errors import UnsupportedMedia
from shared.jobs import submission
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from tests.support import factories
from tests.support.people import a_person, an_admin, bearer, form_token, quick_hashes, signed_in
from tests.support.stack import wait_for
from tests.support.web.web_app import database, make_app, stored_files
from web.compatible.openai.fields import names_in
from web.waiting.wait_for_changes import watch

TRANSCRIPTIONS = "/v1/audio/transcriptions"


def send(
    client: FlaskClient, *, key: str | None = None, tried: int = 0, **fields: Any
) -> TestResponse:
    return client.post(
        TRANSCRIPTIONS,
        data={"model": "whisper-1", **fields, "file": (io.BytesIO(b"sound"), "会议.wav")},
        headers={
            "X-Stainless-Retry-Count": str(tried),
            **({"Idempotency-Key": key} if key else {}),
        },
    )


def newest(db: Database, owner_id: str = LOCAL_OWNER) -> jobs.JobRecord:
    return jobs.list_jobs(db, owner_id=owner_id).jobs[0].job


@pytest.fixture
def patient(database_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """A client of a server that waits for as long as it takes."""
    app = make_app(database_url, tmp_path, answer_within_s=60)
    yield app.test_client()
    database(app).dispose()


def work_off(db: Database, **how: Any) -> threading.Thread:
    """Claim and complete the next job that comes, on a thread."""

    def work() -> None:
        claimed = wait_for(lambda: jobs.claim_next(db, worker="worker", lease_s=60, model="demo"))
        if how.get("fails"):
            jobs.fail(db, claimed, UnsupportedMedia())
        else:
            factories.complete(db, claimed)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def answered(client: FlaskClient, **fields: Any) -> TestResponse:
    worker = work_off(database(client.application))
    try:
        return send(client, **fields)
    finally:
        worker.join()


def test_json_has_the_text_and_says_which_job_it_was(patient: FlaskClient) -> None:
    answer = answered(patient)
    assert answer.json == {
        "text": "大家好。用GPU吗？",
        "usage": {"type": "duration", "seconds": 13},
    }
    assert patient.get(answer.headers["Content-Location"]).json["filename"] == "会议.wav"  # type: ignore[index]


def test_text_and_subtitles_are_files(patient: FlaskClient) -> None:
    text = answered(patient, response_format="text")
    assert (text.mimetype, text.text) == ("text/plain", "大家好。用GPU吗？\n")
    assert answered(patient, response_format="srt").text.startswith("1\n00:00:00,500 --> ")
    assert answered(patient, response_format="vtt").text.startswith("WEBVTT")


def test_verbose_json_has_what_was_asked_for(patient: FlaskClient) -> None:
    plain = answered(patient, response_format="verbose_json").json
    assert plain is not None
    assert (plain["task"], plain["language"], plain["duration"]) == ("transcribe", "chinese", 12.5)
    assert [(one["id"], one["text"]) for one in plain["segments"]] == [
        (0, "大家好。"),
        (1, "用GPU吗？"),
    ]
    assert plain["segments"][0]["avg_logprob"] == 0.0  # of words without a confidence
    assert -1 < plain["segments"][1]["avg_logprob"] < 0
    assert "words" not in plain
    words = answered(
        patient, **{"response_format": "verbose_json", "timestamp_granularities[]": ["word"]}
    ).json
    assert words is not None
    assert words["words"][4] == {"word": "GPU", "start": 2.2, "end": 2.6}
    assert "segments" not in words


def test_diarized_json_asks_who_speaks(patient: FlaskClient) -> None:
    answer = answered(patient, response_format="diarized_json").json
    assert answer is not None
    assert {one["type"] for one in answer["segments"]} == {"transcript.text.segment"}
    assert newest(database(patient.application)).options["speakers"] == "auto"


def events(answer: TestResponse) -> list[dict[str, Any]]:
    lines = [line for line in answer.text.splitlines() if line.startswith("data: ")]
    answer.close()  # or its place among those that wait is never given back
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_a_stream_ends_with_the_whole_text(patient: FlaskClient) -> None:
    answer = answered(patient, stream="true")
    assert answer.mimetype == "text/event-stream"
    assert events(answer)[-1] == {"type": "transcript.text.done", "text": "大家好。用GPU吗？"}


def test_a_stream_of_a_job_that_fails_ends_with_its_error(patient: FlaskClient) -> None:
    worker = work_off(database(patient.application), fails=True)
    [event] = events(send(patient, stream="true"))
    worker.join()
    assert event["error"]["code"] == "unsupported_media"


def test_a_failed_job_is_answered_with_its_error_and_not_sent_again(patient: FlaskClient) -> None:
    worker = work_off(database(patient.application), fails=True)
    answer = send(patient)
    worker.join()
    assert (answer.status_code, answer.headers["X-Should-Retry"]) == (415, "false")
    assert answer.json["error"]["code"] == "unsupported_media"  # type: ignore[index]


def test_what_takes_longer_goes_on_and_says_where(client: FlaskClient, rows: Database) -> None:
    answer = send(client)
    job = newest(rows)
    assert (answer.status_code, job.status) == (504, JobStatus.QUEUED)
    assert answer.headers["Location"] == f"/api/v1/jobs/{job.id}"
    assert answer.headers["X-Should-Retry"] == "false"
    error = answer.json["error"]  # type: ignore[index]
    assert (error["code"], error["type"], error["param"]) == ("still_running", "server_error", None)
    assert job.id in error["message"]


def test_a_cancelled_job_is_told(client: FlaskClient, rows: Database) -> None:
    send(client, key="once")
    jobs.cancel(rows, owner_id=LOCAL_OWNER, job_id=newest(rows).id)
    again = send(client, key="once")
    assert (again.status_code, again.json["error"]["code"]) == (409, "job_cancelled")  # type: ignore[index]


def test_a_key_makes_a_repetition_harmless(client: FlaskClient, rows: Database) -> None:
    first = send(client, key="once")
    assert send(client, key="once", response_format="srt").location == first.location
    assert len(jobs.list_jobs(rows, owner_id=LOCAL_OWNER).jobs) == 1


def test_a_retry_of_the_package_finds_the_job_that_it_did_not_wait_for(
    client: FlaskClient, rows: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = send(client, tried=0).location
    assert send(client, tried=1).location == first
    assert send(client, tried=2, response_format="srt").location == first
    assert len(stored_files(tmp_path)) == 1
    # Another call for the same recording is a job of its own, and so is one with other options.
    second = send(client, tried=0).location
    assert send(client, tried=1).location == second != first
    assert send(client, tried=1, speakers="2").location not in (first, second)
    monkeypatch.setattr(submission, "_TRIED_WITHIN_S", -60.0)  # as of a minute ahead, none is
    assert send(client, tried=1).location not in (first, second)
    assert len(jobs.list_jobs(rows, owner_id=LOCAL_OWNER).jobs) == 4


def test_models_are_chosen_by_their_names_here(client: FlaskClient, rows: Database) -> None:
    factories.a_worker(rows, model="iic/small")
    send(client, model="iic/small")
    assert newest(rows).model == "iic/small"
    send(client, model="gpt-4o-mini-transcribe")
    assert newest(rows).model is None
    unknown = send(client, model="large")
    assert (unknown.status_code, unknown.json["error"]["param"]) == (400, "model")  # type: ignore[index]
    [listed] = client.get("/v1/models").json["data"]  # type: ignore[index]
    assert (listed["id"], listed["object"]) == ("iic/small", "model")
    assert client.get("/v1/models/iic/small").json == listed
    assert client.get("/v1/models/whisper-1").status_code == 200
    assert client.get("/v1/models/large").json["error"]["code"] == "model_not_found"  # type: ignore[index]


def test_fields_without_effect_are_taken_and_strange_ones_named(
    client: FlaskClient, rows: Database, tmp_path: Path
) -> None:
    harmless = {"temperature": "0.2", "language": "zh", "include[]": "logprobs"}
    chunking = {"chunking_strategy": "auto", "prompt": "陈晓东, 达摩院", "metadata": '{"a": 1}'}
    assert send(client, **harmless, **chunking).status_code == 504
    assert newest(rows).options["metadata"] == {"a": 1}
    given = jobs.get_hotwords(rows, owner_id=LOCAL_OWNER, job_id=newest(rows).id)
    assert sorted(given.named) == ["达摩院", "陈晓东"]
    # As the packages write the objects and lists of `extra_body`.
    parts = {"metadata[room]": "3A", "metadata[who][]": ["a", "b"], "metadata[x][y]": "1"}
    assert send(client, **parts, **{"hotwords[]": ["达摩院"]}).status_code == 504
    assert newest(rows).options["metadata"] == {"room": "3A", "who": ["a", "b"], "x": {"y": "1"}}
    given = jobs.get_hotwords(rows, owner_id=LOCAL_OWNER, job_id=newest(rows).id)
    assert sorted(given.named) == ["达摩院"]
    for name, value in (
        ("response_format", "xml"),
        ("timestamp_granularities[]", "letter"),
        ("known_speaker_names[]", "Anna"),
        ("stream", "perhaps"),
        ("nonsense", "1"),
        ("metadata[]", "1"),
        ("metadata[a]", ["1", "2"]),
        ("metadata" + "[a]" * 5000, "1"),
    ):
        answer = send(client, **{name: value})
        assert answer.status_code == 400, name
        assert answer.json["error"]["param"] == name.partition("[")[0]  # type: ignore[index]
    assert (
        len(
            stored_files(Path(client.application.extensions["longscribe"].settings.data_dir).parent)
        )
        == 2
    )


def test_a_prompt_of_names_is_a_list_of_hotwords() -> None:
    assert names_in("Zyntrix, 陈晓东；API gateway\n") == ("Zyntrix", "陈晓东", "API gateway")
    assert names_in("The board met again, and everybody was there.") == ()
    assert names_in("我们昨天开会，讨论了新版本的发布计划以及预算的问题和其他的许多事情") == ()
    assert names_in("") == ()


def test_without_a_file_and_in_another_form_it_says_what_to_do(client: FlaskClient) -> None:
    for answer in (
        client.post(TRANSCRIPTIONS, json={"model": "whisper-1"}),
        client.post(TRANSCRIPTIONS, data={"model": "x"}, content_type="multipart/form-data"),
    ):
        assert (answer.status_code, answer.json["error"]["param"]) == (400, "file")  # type: ignore[index]


def test_translations_are_refused(client: FlaskClient) -> None:
    answer = client.post("/v1/audio/translations", data={"model": "whisper-1"})
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "translation_unavailable"  # type: ignore[index]


def test_too_many_that_wait_are_told_before_they_send(database_url: str, tmp_path: Path) -> None:
    app = make_app(database_url, tmp_path, max_waiting=1, answer_within_s=60)
    with app.app_context():
        taken = watch().enter({})
    client = app.test_client()
    refused = send(client)
    assert (refused.status_code, refused.json["error"]["code"]) == (503, "too_many_waiting")  # type: ignore[index]
    assert int(refused.headers["Retry-After"]) > 0
    assert stored_files(tmp_path) == []
    taken.leave()
    assert answered(client).status_code == 200
    database(app).dispose()


def test_a_key_opens_it_and_no_cookie(database_url: str, tmp_path: Path) -> None:
    with quick_hashes():
        app = make_app(database_url, tmp_path, sign_in="required")
        db = database(app)
        bo = an_admin(db, "Bo"), a_person(db, "Eve")
        browser = signed_in(app, "Bo")
        token = {"X-CSRFToken": form_token(browser, "/")}
        for client, headers in ((app.test_client(), {}), (browser, token), (browser, {})):
            for answer in (
                client.post(TRANSCRIPTIONS, headers=headers, data={}),
                client.get("/v1/models", headers=headers),
            ):
                assert answer.status_code == 401
                assert answer.json["error"]["code"] == "unauthorized"  # type: ignore[index]
        program = app.test_client()
        program.environ_base["HTTP_AUTHORIZATION"] = bearer(db, bo[1])["Authorization"]
        assert send(program).status_code == 504
        assert newest(db, bo[1].id).recording.filename == "会议.wav"
        assert jobs.list_jobs(db, owner_id=bo[0].id).jobs == []
        db.dispose()
