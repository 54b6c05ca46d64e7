"""The promises of /api/v1/jobs, on SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import jobs
from shared.db import Database
from shared.errors import WorkerLost
from shared.states import TERMINAL, JobStatus, Stage
from tests.support import factories
from tests.support.web.web_app import database, make_app, stored_files, submit

EVERY_STATUS = sorted(JobStatus, key=lambda status: status is JobStatus.QUEUED)
"""The statuses, queued last: the factory reaches the others by claiming the next job."""


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


# --- submit ------------------------------------------------------------------------------------


def test_a_job_is_followed_from_the_queue_to_its_transcript(
    client: FlaskClient, rows: Database
) -> None:
    address = submit(client).headers["Location"]

    claimed = factories.claim(rows)
    assert client.get(address).json["stage"] == "decoding"  # type: ignore[index]
    factories.recognise(rows, claimed)
    jobs.set_stage(rows, claimed, Stage.RECOGNISING, progress=0.5, duration_s=12.5)
    running = client.get(address).json
    assert running is not None
    assert (running["status"], running["stage"], running["progress"]) == (
        "processing",
        "recognising",
        0.5,
    )
    assert running["eta_seconds"] >= 0
    assert running["queue_position"] is None
    assert running["attempts"] == 1
    assert running["batch"] == {
        "batch_size_s": 300.0,
        "limited_by": "length",
        "reason": "a 1-minute recording allows 300 s; 8.6 GB free memory allows 9,000 s",
        "length_ceiling_s": 300.0,
        "memory_cap_s": 9000.0,
        "headroom_bytes": 8 * 2**30,
        "batches": 2,
        "speech_s": 3.0,
        "padded_s": 3.5,
        "padding": 1.167,
        "largest_batch_s": 3.0,
        "recognition_s": 0.8,
        "cpu_s": 1.6,
        "predicted_peak_bytes": 2**30,
        "peak_bytes": 700_000_000,
        "oom_retries": 0,
    }
    assert (running["model"]["device"], running["model"]["dtype"]) == ("cpu", "float32")

    jobs.finish(rows, claimed, factories.TRANSCRIPT)
    done = client.get(address).json
    assert done is not None
    assert (done["status"], done["stage"], done["progress"]) == ("completed", None, 1.0)
    assert done["audio_duration"] == 12.5
    assert done["real_time_factor_x"] > 0
    assert done["completed_at"] >= done["started_at"] >= done["created_at"]


def test_polling_with_the_etag_answers_304_until_something_changes(
    client: FlaskClient, rows: Database
) -> None:
    first = submit(client)
    address = first.headers["Location"]
    seen = {"If-None-Match": client.get(address).headers["ETag"]}

    unchanged = client.get(address, headers=seen)
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert int(unchanged.headers["Retry-After"]) >= 1
    factories.claim(rows)
    assert client.get(address, headers=seen).status_code == 200


def test_only_an_unfinished_job_says_when_to_ask_again(client: FlaskClient, rows: Database) -> None:
    for status in EVERY_STATUS:
        response = client.get(f"/api/v1/jobs/{factories.a_job(rows, status)}")
        assert response.json["status"] == status.value  # type: ignore[index]
        assert ("Retry-After" in response.headers) is (status not in TERMINAL)


def test_a_failed_job_carries_an_error_of_the_same_shape(
    client: FlaskClient, rows: Database
) -> None:
    job_id = factories.a_job(rows, JobStatus.FAILED)
    error = client.get(f"/api/v1/jobs/{job_id}").json["error"]  # type: ignore[index]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["type"]) == ("unsupported_media", "invalid_request_error")

    job_id = factories.submit(rows)
    claimed = factories.claim(rows)
    jobs.fail(rows, claimed, WorkerLost())
    error = client.get(f"/api/v1/jobs/{job_id}").json["error"]  # type: ignore[index]
    assert (error["code"], error["type"]) == ("worker_lost", "server_error")


# --- the list ----------------------------------------------------------------------------------


def test_the_list_is_newest_first_in_pages(client: FlaskClient, rows: Database) -> None:
    made = [factories.submit(rows) for _ in range(5)]
    seen: list[str] = []
    address: str | None = "/api/v1/jobs?limit=2"
    while address:
        page = client.get(address).json
        assert page is not None
        assert len(page["jobs"]) <= 2
        seen += [job["id"] for job in page["jobs"]]
        cursor = page["next_cursor"]
        address = cursor and f"/api/v1/jobs?limit=2&cursor={cursor}"
    assert seen == made[::-1]


def test_the_list_is_filtered_by_status(client: FlaskClient, rows: Database) -> None:
    failed = factories.a_job(rows, JobStatus.FAILED)
    factories.submit(rows)
    page = client.get("/api/v1/jobs?status=failed").json
    assert [job["id"] for job in page["jobs"]] == [failed]  # type: ignore[index]


def test_the_list_is_searched_by_name_and_by_what_was_said(
    client: FlaskClient, rows: Database
) -> None:
    done = factories.a_job(rows, JobStatus.COMPLETED, filename="周会.wav")
    waiting = factories.submit(rows, filename="GPU.wav")

    def found(**query: str) -> list[str]:
        listed = client.get("/api/v1/jobs", query_string=query).json
        assert listed is not None
        return [job["id"] for job in listed["jobs"]]

    assert found(q="gpu") == [waiting, done]
    assert found(q="大家 周会") == [done]
    assert found(q="gpu", status="queued") == [waiting]
    assert found(q="gpu", limit="1", cursor=waiting) == [done]
    assert found(q="%") == []
    [match] = client.get("/api/v1/jobs?q=gpu").json["matches"]  # type: ignore[index]
    assert match == {
        "job_id": done,
        "sentence": 1,
        "text": "用GPU吗？",
        "count": 1,
        "page": f"/jobs/{done}?find=gpu#s1",
    }
    refused = client.get("/api/v1/jobs", query_string={"q": "x" * 201})
    assert (refused.status_code, refused.json["error"]["param"]) == (400, "q")  # type: ignore[index]


def test_the_list_has_an_etag(client: FlaskClient, rows: Database) -> None:
    factories.submit(rows)
    etag = client.get("/api/v1/jobs").headers["ETag"]
    assert client.get("/api/v1/jobs", headers={"If-None-Match": etag}).status_code == 304


# --- the transcript ----------------------------------------------------------------------------


def test_a_transcript_is_downloaded_in_each_format(client: FlaskClient, rows: Database) -> None:
    job_id = factories.a_job(rows, JobStatus.COMPLETED, filename="周会 01.m4a")
    for query, media_type, inside in (
        ("", "text/plain", "大家好。\n用GPU吗？\n"),
        ("?format=txt", "text/plain", "大家好。\n"),
        ("?format=srt", "application/x-subrip", "00:00:00,500 --> 00:00:01,500"),
        ("?format=vtt", "text/vtt", "WEBVTT"),
    ):
        response = client.get(f"/api/v1/jobs/{job_id}/transcript{query}")
        assert response.status_code == 200
        assert response.content_type == f"{media_type}; charset=utf-8"
        assert inside in response.text
        disposition = response.headers["Content-Disposition"]
        assert disposition.startswith("attachment; ")
        assert disposition.isascii()
        assert "周会 01." in unquote(disposition.partition("filename*=UTF-8''")[2])


def test_the_json_transcript_has_words_with_times(client: FlaskClient, rows: Database) -> None:
    job_id = factories.a_job(rows, JobStatus.COMPLETED)
    content = json.loads(client.get(f"/api/v1/jobs/{job_id}/transcript?format=json").data)
    assert (content["job_id"], content["duration"]) == (job_id, 12.5)
    without, with_confidence = (sentence["words"] for sentence in content["sentences"])
    assert without[0] == {"word": "大", "start": 0.5, "end": 0.8}
    assert with_confidence[1] == {"word": "GPU", "start": 2.2, "end": 2.6, "confidence": 0.41}
    assert content["low_confidence_share"] == pytest.approx(1 / 3, abs=1e-4)


def test_a_completed_job_tells_the_share_of_doubtful_words(
    client: FlaskClient, rows: Database
) -> None:
    for status, share in ((JobStatus.COMPLETED, 0.3333), (JobStatus.QUEUED, None)):
        job_id = factories.a_job(rows, status)
        assert client.get(f"/api/v1/jobs/{job_id}").json["confidence"] == share  # type: ignore[index]


def test_there_is_no_transcript_before_the_job_is_completed(
    client: FlaskClient, rows: Database
) -> None:
    for status in EVERY_STATUS:
        if status is not JobStatus.COMPLETED:
            response = client.get(f"/api/v1/jobs/{factories.a_job(rows, status)}/transcript")
            assert response.status_code == 409
            assert response.json["error"]["code"] == "transcript_not_ready"  # type: ignore[index]


def test_an_unknown_format_is_refused_with_the_known_ones(
    client: FlaskClient, rows: Database
) -> None:
    job_id = factories.a_job(rows, JobStatus.COMPLETED)
    response = client.get(f"/api/v1/jobs/{job_id}/transcript?format=doc")
    assert response.status_code == 400
    error = response.json["error"]  # type: ignore[index]
    assert error["param"] == "format"
    assert "txt, json, srt, vtt, docx" in error["message"]


# --- cancel, retry, delete ---------------------------------------------------------------------


def test_a_job_can_be_cancelled(client: FlaskClient, rows: Database) -> None:
    for before, after in (
        (JobStatus.PROCESSING, "cancelling"),
        (JobStatus.CANCELLING, "cancelling"),
        (JobStatus.CANCELLED, "cancelled"),
        (JobStatus.QUEUED, "cancelled"),
    ):
        response = client.post(f"/api/v1/jobs/{factories.a_job(rows, before)}/cancel")
        assert response.status_code == 200
        assert response.json["status"] == after  # type: ignore[index]


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
def test_a_job_that_failed_or_was_cancelled_can_be_retried(
    client: FlaskClient, rows: Database, status: JobStatus
) -> None:
    response = client.post(f"/api/v1/jobs/{factories.a_job(rows, status)}/retry")
    assert response.status_code == 202
    assert response.json["status"] == "queued"  # type: ignore[index]
    assert response.json["error"] is None  # type: ignore[index]


def test_what_the_state_does_not_allow_is_a_409(client: FlaskClient, rows: Database) -> None:
    for status, verb in (
        (JobStatus.COMPLETED, "cancel"),
        (JobStatus.FAILED, "cancel"),
        (JobStatus.COMPLETED, "retry"),
        (JobStatus.PROCESSING, "retry"),
        (JobStatus.PROCESSING, "delete"),
        (JobStatus.CANCELLING, "delete"),
    ):
        address = f"/api/v1/jobs/{factories.a_job(rows, status)}"
        response = client.delete(address) if verb == "delete" else client.post(f"{address}/{verb}")
        assert response.status_code == 409, (status, verb)
        assert response.json["error"]["code"] == "illegal_transition"  # type: ignore[index]
        assert client.get(address).json["status"] == status.value  # type: ignore[index]


def test_deleting_a_job_removes_its_row_and_its_recording(
    client: FlaskClient, tmp_path: Path
) -> None:
    address = submit(client).headers["Location"]
    response = client.delete(address)
    assert (response.status_code, response.data) == (204, b"")
    assert client.get(address).status_code == 404
    assert stored_files(tmp_path) == []


# --- owners ------------------------------------------------------------------------------------


def test_another_owners_job_is_not_found(client: FlaskClient, rows: Database) -> None:
    job_id = factories.submit(rows, owner_id="somebody-else")
    for method, path in (
        ("GET", ""),
        ("GET", "/transcript"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
        ("DELETE", ""),
    ):
        response = client.open(f"/api/v1/jobs/{job_id}{path}", method=method)
        assert response.status_code == 404
        assert response.json["error"]["code"] == "not_found"  # type: ignore[index]
    assert client.get("/api/v1/jobs").json["jobs"] == []  # type: ignore[index]


def test_the_bytes_on_disk_are_the_bytes_that_were_sent(
    client: FlaskClient, rows: Database, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 4096 + b"\r\n--not-the-boundary\r\n"
    job_id = submit(client, content).json["id"]  # type: ignore[index]
    recording = jobs.get_job(rows, owner_id="local", job_id=job_id).job.recording
    [path] = stored_files(tmp_path)
    assert path.read_bytes() == content
    assert recording.sha256 == hashlib.sha256(content).hexdigest()
    assert recording.size_bytes == len(content)
