"""Whatever goes wrong under /api is one JSON shape, says what to do and leaves nothing behind."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.test import TestResponse

from shared import jobs
from tests.support.web.web_app import database, make_app, stored_files, submit


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(sqlite_url, tmp_path, max_upload_bytes=200_000)
    yield made
    database(made).dispose()


def error_of(response: TestResponse, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.content_type == "application/json"
    assert set(response.json or {}) == {"error"}
    error: dict[str, Any] = response.json["error"]  # type: ignore[index]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == ("invalid_request_error" if status < 500 else "server_error")
    assert error["message"].endswith((".", "jobs"))
    return error


@pytest.mark.parametrize(
    ("fields", "param", "says"),
    [
        ({"prioritty": "1"}, "prioritty", "file, priority, metadata"),
        ({"priority": "11"}, "priority", "less than or equal to 10"),
        ({"priority": "high"}, "priority", "integer"),
        ({"tracks": "0"}, "tracks", "'mix', 'each' or a number from 1 to 64"),
        ({"tracks": ""}, "tracks", "'mix', 'each' or a number from 1 to 64"),
        ({"channels": "left"}, "channels", "'mix', 'each' or a number from 1 to 64"),
        ({"speakers": "many"}, "speakers", "'off', 'auto', a number of speakers from 1 to 30"),
        ({"speakers": ""}, "speakers", "'off', 'auto'"),
        ({"speakers": "31"}, "speakers", "from 1 to 30"),
        ({"speakers": "4-2"}, "speakers", "the smaller number first: '2-4'"),
        ({"speakers": "2", "tracks": "each"}, "speakers", "a person of its own already"),
        ({"channels": "each", "speakers": "auto"}, "speakers", "leave out speakers"),
        ({"metadata": "[1]"}, "metadata", "JSON object"),
        ({"metadata": "{"}, "metadata", "JSON object"),
        ({"metadata": '{"a": NaN}'}, "metadata", "NaN"),
        ({"metadata": "[" * 9000}, "metadata", "JSON object"),
        ({"metadata": f'{{"a": "{"x" * 17000}"}}'}, "metadata", "16384 bytes"),
        ({"metadata": '{"a":' + "[" * 64 + "]" * 64 + "}"}, "metadata", "64 deep"),
        ({"metadata": '{"a": "\\ud800"}'}, "metadata", "half of a character"),
        ({"metadata": '{"\\ud800": 1}'}, "metadata", "half of a character"),
        ({"metadata": '{"a": "\\u0000"}'}, "metadata", "NUL"),
        ({"metadata": '{"a": 1e400}'}, "metadata", "1.8e308"),
        ({"metadata": f'{{"a": {"9" * 5000}}}'}, "metadata", "64 bits"),
        ({"metadata": '{"a": 1, "a": 2}'}, "metadata", "each name once"),
    ],
)
def test_a_wrong_field_is_named_with_the_way_out(
    client: FlaskClient, tmp_path: Path, fields: dict[str, str], param: str, says: str
) -> None:
    error = error_of(submit(client, b"sound", "a.wav", **fields), 400)
    assert (error["code"], error["param"]) == ("invalid_request", param)
    assert says in error["message"]
    assert stored_files(tmp_path) == []


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"file": "the path of a file"},
        {"file": (io.BytesIO(b""), "empty.wav")},
        {"file": (io.BytesIO(b""), "")},
        {"audio": (io.BytesIO(b"sound"), "a.wav")},
        {"file": [(io.BytesIO(b"sound"), "a.wav"), (io.BytesIO(b"sound"), "b.wav")]},
    ],
    ids=["nothing", "text", "no bytes", "none chosen", "another field", "two files"],
)
def test_a_submission_without_exactly_one_file_is_refused(
    client: FlaskClient, tmp_path: Path, data: dict[str, Any]
) -> None:
    response = client.post("/api/v1/jobs", data=data, content_type="multipart/form-data")
    assert error_of(response, 400)["param"] in ("file", "audio")
    assert stored_files(tmp_path) == []


def test_a_body_that_is_not_a_form_is_refused_with_an_example(client: FlaskClient) -> None:
    response = client.post("/api/v1/jobs", data=b"sound", content_type="audio/wav")
    assert "curl -F" in error_of(response, 400)["message"]


def test_a_form_that_is_not_well_formed_is_refused(client: FlaskClient, tmp_path: Path) -> None:
    for body in (
        b"",
        b"--b\r\nnonsense",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
    ):
        response = client.post(
            "/api/v1/jobs", data=body, content_type="multipart/form-data; boundary=b"
        )
        error_of(response, 400)
    assert stored_files(tmp_path) == []


@pytest.mark.parametrize("size", [200_001, 1_000_000], ids=["as it comes", "as announced"])
def test_a_file_over_the_limit_is_refused(client: FlaskClient, tmp_path: Path, size: int) -> None:
    error = error_of(submit(client, b"x" * size), 413)
    assert error["code"] == "file_too_large"
    assert "LONGSCRIBE_MAX_UPLOAD_BYTES" in error["message"]
    assert stored_files(tmp_path) == []


def test_a_file_of_exactly_the_limit_is_taken(client: FlaskClient) -> None:
    assert submit(client, b"x" * 200_000).status_code == 202


def test_a_full_disk_is_a_507(sqlite_url: str, tmp_path: Path) -> None:
    app = make_app(sqlite_url, tmp_path, min_free_bytes=2**60)
    response = submit(app.test_client())
    assert error_of(response, 507)["code"] == "insufficient_storage"
    assert "Retry-After" in response.headers
    assert stored_files(tmp_path) == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("status=done", "status"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("cursor=../x", "cursor"),
        ("stauts=queued", "stauts"),
        ("limit=1&limit=2", "limit"),
    ],
)
def test_a_wrong_query_is_named(client: FlaskClient, query: str, param: str) -> None:
    assert error_of(client.get(f"/api/v1/jobs?{query}"), 400)["param"] == param


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/jobs/01930000-0000-7000-8000-000000000000",
        "/api/v1/jobs/not-an-id",
        "/api/v1/jobs/%00",
        "/api/v1/nothing",
        "/api/",
        "/v2/jobs",
        "/v2",
        "/v1beta/jobs",
        "/api",
        "/openapi.json",
        "/swagger/v1/swagger.yaml",
        "/rest/jobs",
        "/audio/transcriptions",
        "/graphql",
    ],
)
def test_what_is_not_there_is_a_json_404(client: FlaskClient, path: str) -> None:
    assert error_of(client.get(path), 404)["code"] == "not_found"


def test_whoever_prefers_json_gets_errors_as_json(client: FlaskClient) -> None:
    missing = client.get("/nothing", headers={"Accept": "application/json, text/plain, */*"})
    assert error_of(missing, 404)["code"] == "not_found"
    for accepted in ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "*/*"):
        page = client.get("/nothing", headers={"Accept": accepted})
        assert (page.status_code, page.mimetype) == (404, "text/html")


@pytest.mark.parametrize(
    ("method", "path", "status", "given"),
    [
        ("DELETE", "/jobs", 404, {}),
        ("PUT", "/", 405, {}),
        ("GET", "/nothing", 404, {"headers": {"Authorization": "Bearer ls_x"}}),
        ("POST", "/nothing", 404, {"json": {"a": 1}}),
        ("POST", "/v1beta/audio/transcriptions", 404, {"data": b"sound"}),
        ("PATCH", "/api/docs", 405, {}),
    ],
)
@pytest.mark.parametrize("sign_in", ["off", "required"])
def test_who_asks_as_no_browser_does_gets_errors_as_json(
    sqlite_url: str,
    tmp_path: Path,
    *,
    method: str,
    path: str,
    status: int,
    given: dict[str, Any],
    sign_in: str,
) -> None:
    app = make_app(sqlite_url, tmp_path, sign_in=sign_in)
    answer = app.test_client().open(path, method=method, **given)
    error_of(answer, status if sign_in == "off" else 401)
    database(app).dispose()


def test_a_wrong_method_is_a_405_that_names_the_right_ones(client: FlaskClient) -> None:
    response = client.put("/api/v1/jobs")
    assert error_of(response, 405)["code"] == "method_not_allowed"
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))


def test_a_bug_shows_no_trace(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a secret of the house")

    monkeypatch.setattr(jobs, "list_jobs", broken)
    response = client.get("/api/v1/jobs")
    assert error_of(response, 500)["code"] == "internal_error"
    assert "secret" not in response.text
    page = client.get("/")
    assert page.status_code == 500
    assert "secret" not in page.text
    assert page.content_type.startswith("text/html")


def test_a_submission_that_the_database_refuses_leaves_no_file(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*args: object, **kwargs: object) -> None:
        raise IntegrityError("INSERT", {}, Exception("refused"))

    monkeypatch.setattr(jobs, "submit", refused)
    error_of(submit(client), 500)
    assert stored_files(tmp_path) == []


def test_a_recording_stays_when_nobody_can_say_whether_its_job_was_committed(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(postgresql_url, tmp_path)
    really_submit = jobs.submit

    def lost_answer(*args: Any, **kwargs: Any) -> None:
        really_submit(*args, **kwargs)
        raise OperationalError("COMMIT", {}, Exception("connection lost"))

    monkeypatch.setattr(jobs, "submit", lost_answer)
    client = app.test_client()
    assert error_of(submit(client, key="k"), 503)["code"] == "database_unavailable"
    monkeypatch.undo()

    # The client does what it should: the same again. The job it gets still has its recording.
    response = submit(client, key="k")
    assert response.status_code == 202
    [view] = jobs.list_jobs(database(app), owner_id="local").jobs
    assert view.job.recording.blob_key in {
        f"{path.parent.name}/{path.name}" for path in stored_files(tmp_path)
    }
    database(app).dispose()


def test_an_unreachable_database_is_a_503_before_the_upload_is_read(tmp_path: Path) -> None:
    app = make_app("postgresql://nobody@127.0.0.1:1/nothing", tmp_path)
    response = submit(app.test_client())
    assert error_of(response, 503)["code"] == "database_unavailable"
    assert stored_files(tmp_path) == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_cannot_submit_or_delete(client: FlaskClient, site: str) -> None:
    job = submit(client).headers["Location"]
    for response in (
        client.post("/api/v1/jobs", headers={"Sec-Fetch-Site": site}),
        client.delete(job, headers={"Sec-Fetch-Site": site}),
        client.post(f"{job}/cancel", headers={"Sec-Fetch-Site": site}),
    ):
        assert error_of(response, 403)["code"] == "cross_site_request"
    assert client.get(job).json["status"] == "queued"  # type: ignore[index]
