"""Health, metrics, the OpenAPI document and what every response carries."""

from __future__ import annotations

import fnmatch
import inspect
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

import migrations
from shared import jobs
from shared.db import Database
from shared.states import JobStatus
from tests.support import factories
from tests.support.databases.redis_refusals import out_of_memory, without_a_disk
from tests.support.people import an_admin, signed_in
from tests.support.stack import start_redis
from tests.support.web.web_app import database, make_app, submit
from web.api.parsing import QUERY_OF_A_VIEW
from web.http import recording_media_types as media_types
from web.uploads import tus_protocol


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(sqlite_url, tmp_path)
    yield made
    database(made).dispose()


# --- health ------------------------------------------------------------------------------------


def test_ready_without_redis_and_workers_but_says_so(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    response = client.get("/readyz")
    assert response.status_code == 200
    found = response.json
    assert found is not None and found["disk"].pop("usable_bytes") > 0
    assert found == {
        "status": "ready",
        "checks": {"database": "ok", "recordings": "ok"},
        "disk": {"status": "ok"},
        "redis": {"status": "unreachable"},
        "workers": [],
        "worker_last_seen_at": None,
        "warnings": [],
    }


@pytest.mark.parametrize(
    ("refuse", "word"), [(out_of_memory, "maxmemory"), (without_a_disk, "MISCONF")]
)
def test_a_redis_that_refuses_messages_is_told_in_its_own_words(
    rows: Database,
    sqlite_url: str,
    tmp_path: Path,
    refuse: Callable[[redis.Redis], object],
    word: str,
) -> None:
    server, url = start_redis(tmp_path / "redis")
    try:
        app = make_app(
            sqlite_url,
            tmp_path,
            redis_url=url.replace("unix://", "redis+socket://"),
            sign_in="required",
        )
        an_admin(rows)
        anna = signed_in(app, "Anna")
        assert anna.get("/readyz").json["redis"] == {"status": "ok", "waiting": 0}  # type: ignore[index]
        with redis.Redis.from_url(url) as client:
            refuse(client)
        told = anna.get("/readyz")
        assert told.status_code == 200
        assert told.json["redis"]["status"] == "refusing"  # type: ignore[index]
        assert word in told.json["redis"]["reason"]  # type: ignore[index]
        assert "takes no messages" in anna.get("/server").text
        database(app).dispose()
    finally:
        server.kill_all()


def test_ready_names_the_workers_with_model_and_device(app: Flask, client: FlaskClient) -> None:
    jobs.note_worker(
        database(app),
        jobs.WorkerReport(
            name="worker@gpu1",
            hostname="gpu1",
            model="paraformer",
            device="cuda:0",
            started_at=datetime.now(UTC),
        ),
    )
    [worker] = client.get("/readyz").json["workers"]  # type: ignore[index]
    assert (worker["name"], worker["model"], worker["device"]) == (
        "worker@gpu1",
        "paraformer",
        "cuda:0",
    )


def test_not_ready_before_the_database_is_migrated(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    client = make_app(url, tmp_path).test_client()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json["checks"]["database"] == "not_migrated"  # type: ignore[index]
    migrations.upgrade(url)
    assert client.get("/readyz").status_code == 200


def test_not_ready_without_a_database(tmp_path: Path) -> None:
    client = make_app("postgresql://nobody@127.0.0.1:1/nothing", tmp_path).test_client()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json["checks"]["database"] == "unreachable"  # type: ignore[index]
    assert client.get("/healthz").status_code == 200


def test_not_ready_when_recordings_cannot_be_written(
    app: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    (tmp_path / "data" / "recordings" / "incoming").rmdir()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json["checks"]["recordings"] == "not_writable"  # type: ignore[index]
    assert response.json["disk"]["status"] == "ok"  # type: ignore[index]


def test_the_pages_can_be_read_when_the_folder_of_the_recordings_is_gone(
    client: FlaskClient, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "data" / "recordings")
    assert client.get("/").status_code == 200
    assert client.get("/readyz").json["disk"] == {"status": "unreachable"}  # type: ignore[index]


def test_a_full_disk_is_told_on_the_page_and_keeps_the_rest_readable(
    sqlite_url: str, tmp_path: Path
) -> None:
    client = make_app(sqlite_url, tmp_path, min_free_bytes=2**60).test_client()
    assert "disk is full" in client.get("/").text
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json["disk"] == {"status": "full", "usable_bytes": 0}  # type: ignore[index]


def test_metrics_count_jobs_by_status_and_bytes(app: Flask, client: FlaskClient) -> None:
    factories.a_job(database(app), JobStatus.FAILED)
    submit(client, b"x" * 32_000)
    text = client.get("/metrics").text
    assert 'longscribe_jobs{status="queued"} 1.0' in text
    assert 'longscribe_jobs{status="failed"} 1.0' in text
    assert 'longscribe_submissions_total{result="created"}' in text
    assert "longscribe_uploaded_bytes_total" in text
    assert "longscribe_waiting_audio_seconds 1.0" in text  # as of a WAV file of that size
    assert 'endpoint="jobs.submit_job",method="POST",status="202"' in text


# --- the document ------------------------------------------------------------------------------


def test_the_document_names_every_route_of_the_api(app: Flask, client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    assert document is not None
    # Two classes of one name would be told apart by their modules' names, and confuse generators.
    assert [name for name in document["components"]["schemas"] if "__" in name] == []
    paths = document["paths"]
    documented = {(path, method) for path, operations in paths.items() for method in operations}
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and not rule.endpoint.startswith("dashscope.")
        for method in (rule.methods or set()) - {"OPTIONS"}
        if method != "HEAD" or "GET" not in (rule.methods or set())
    }
    assert documented == served
    operation_ids = [paths[path][method]["operationId"] for path, method in documented]
    assert len(set(operation_ids)) == len(operation_ids)


def test_every_view_declares_the_query_that_it_parses_and_describes_itself(
    app: Flask, client: FlaskClient
) -> None:
    parsing = 0
    for name, view in app.view_functions.items():
        for model in re.findall(r"\bparse\((\w+Query), request\.args", inspect.getsource(view)):
            if name.partition(".")[0] in ("jobs", "listening", "corrections"):
                parsing += 1
                assert vars(view)[QUERY_OF_A_VIEW].__name__ == model, name
    assert parsing >= 4
    for operations in client.get("/api/openapi.json").json["paths"].values():  # type: ignore[index]
        for operation in operations.values():
            assert operation["summary"] and operation["responses"], operation


def test_the_document_lists_errors_as_json(client: FlaskClient) -> None:
    spec: dict[str, Any] = client.get("/api/openapi.json").json or {}
    submit_responses = spec["paths"]["/api/v1/jobs"]["post"]["responses"]
    assert {"202", "400", "409", "413", "503", "507"} <= set(submit_responses)
    for operations in spec["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status >= "400":
                    assert list(response["content"]) == ["application/json"]


def test_the_document_lists_the_errors_that_any_such_request_can_meet(client: FlaskClient) -> None:
    spec: dict[str, Any] = client.get("/api/openapi.json").json or {}
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            expected = {"401", "503"}
            if method not in ("get", "head"):
                expected.add("403")
            if "{" in path:
                expected.add("404")
            if "requestBody" in operation:
                expected |= {"400", "413"}
            responses = operation["responses"]
            assert expected <= set(responses), (method, path)
            assert list(responses) == sorted(responses)
            assert "Retry-After" in responses["503"]["headers"], (method, path)
            assert "{" not in operation["summary"] and operation["summary"].endswith(".")
    upload = spec["paths"]["/api/v1/uploads/{upload_id}"]
    assert upload["patch"]["description"].startswith("As many as you like in one request.")
    created = spec["paths"]["/api/v1/uploads"]["post"]
    assert tus_protocol.EXTENSIONS in created["description"]


def objects_in(schema: Any) -> list[dict[str, Any]]:
    """The schemas of objects in a schema, but for those within other objects."""
    if not isinstance(schema, dict):
        return [found for item in schema for found in objects_in(item)]
    if "properties" in schema:
        return [schema]
    parts = (schema.get(name, []) for name in ("anyOf", "oneOf", "allOf", "items"))
    return [found for part in parts for found in objects_in(part)]


def test_generated_clients_can_send_every_body(client: FlaskClient) -> None:
    spec: dict[str, Any] = client.get("/api/openapi.json").json or {}
    known = {"application/json", "multipart/form-data", "application/octet-stream"}
    for operations in spec["paths"].values():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {})
            assert not content or known & set(content), operation["operationId"]
            left = objects_in([media["schema"] for media in content.values()])
            while left:  # a class is named after its parent and its own title
                inside = objects_in(list(left.pop()["properties"].values()))
                titles = [one["title"] for one in inside if "title" in one]
                assert len(titles) == len(set(titles)), operation["operationId"]
                left += inside


def test_the_document_names_every_media_type_of_a_recording(client: FlaskClient) -> None:
    spec: dict[str, Any] = client.get("/api/openapi.json").json or {}
    audio = spec["paths"]["/api/v1/jobs/{job_id}/audio"]["get"]["responses"]
    heads = [bytes(offset) + mark for offset, mark, _ in media_types._BY_FIRST_BYTES]
    named = [media_types.media_type(head, "") for head in heads]
    named += [media_types.media_type(b"", f"a.{suffix}") for suffix in media_types._BY_SUFFIX]
    named.append(media_types.media_type(b"", "notes.txt"))
    for status in ("200", "206"):
        ranges = list(audio[status]["content"])
        for name in named:
            assert any(fnmatch.fnmatchcase(name, pattern) for pattern in ranges), name


def test_responses_are_what_the_document_says(app: Flask, client: FlaskClient) -> None:
    spec: dict[str, Any] = client.get("/api/openapi.json").json or {}

    def check(value: object, name: str) -> None:
        jsonschema.Draft202012Validator(
            {"$ref": f"#/components/schemas/{name}", "components": spec["components"]}
        ).validate(value)

    check(submit(client).json, "JobDetailOut")
    factories.claim(database(app))
    for status in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.PROCESSING):
        job_id = factories.a_job(database(app), status)
        check(client.get(f"/api/v1/jobs/{job_id}").json, "JobDetailOut")
        check(client.get(f"/api/v1/jobs/{job_id}/history").json, "HistoryOut")
        check(client.get(f"/api/v1/jobs/{job_id}/peaks").json, "PeaksOut")
        if status is JobStatus.COMPLETED:
            check(client.get(f"/api/v1/jobs/{job_id}/words").json, "WordsOut")
    check(client.get("/api/v1/jobs").json, "JobListOut")
    check(client.get("/api/v1/jobs?limit=0").json, "ErrorResponse")


# --- headers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/api/v1/jobs", "/nothing", "/api/nothing", "/api/docs"])
def test_every_response_carries_the_security_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src" not in policy
    assert "media-src 'self' blob:;" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


def test_the_pages_need_nothing_from_elsewhere(client: FlaskClient) -> None:
    for path in ("/", "/api/docs"):
        page = client.get(path).text
        assert "//" not in page.replace("<!doctype html>", "")
        assert "<style" not in page
        assert "style=" not in page
