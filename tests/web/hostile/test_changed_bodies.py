"""Bodies that are right but for one value, to routes that take JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.minutes import minutes_queue
from shared.minutes.contents import Minutes, Point
from shared.models import LOCAL_OWNER
from shared.speakers.kept.voice_keeping import switch_on
from tests.support.speech.meeting import a_voice, in_turn
from tests.support.web.web_app import database, make_app

NOBODY = "01930000-0000-7000-8000-000000000000"

VALUES: list[Any] = [
    None, True, "", "\x00", "a\x00b", "\ud800", "\x01", "\u0958" * 80, "\u0958" * 200, "x" * 5000,
    -1, 2**31, 2**63 - 1, 1.5, 1e300, -0.0, [], ["\ud800"], ["\u0958" * 80], [[]], {}, {"a": "b"},
    [0] * 3, "9" * 400, "NaN", "http://[/",
]  # fmt: skip

ENDS = ["\ud800", "\x00", "\u202e", "\ufffe"]
"""Characters that a text may end with."""

POINT = {"text": "第0句", "sentences": [0], "owner": "王", "due": "周五"}

BODIES: list[tuple[str, str, dict[str, Any]]] = [
    (
        "POST",
        "/api/v1/jobs/{job}/revisions",
        {"sentences": [{"n": 0, "revision": 0, "text": "新", "start": 0.5, "end": 1.0}]},
    ),
    (
        "POST",
        "/api/v1/jobs/{job}/revisions",
        {"sentences": [{"n": None, "revision": 0, "text": "新", "start": 0.5, "end": 1.0}]},
    ),
    ("PUT", "/api/v1/jobs/{job}/sentences/0", {"text": "新", "revision": 0}),
    ("PATCH", "/api/v1/jobs/{job}", {"title": "T", "date": "2026-11-30", "people": [], "tags": []}),
    (
        "POST",
        "/api/v1/jobs/{job}/marks",
        {"marks": [{"kind": "todo", "at": 1.5, "text": "T", "who": "王", "due": "周五"}]},
    ),
    ("PUT", "/api/v1/report-template", {"template": "{{title}}"}),
    ("PUT", "/api/v1/jobs/{job}/minutes", {"revision": 0, "minutes": {"todos": [POINT]}}),
    ("PUT", "/api/v1/minutes/prompts/zh/part", {"text": "{{transcript}}"}),
    ("PUT", "/api/v1/voices", {"on": True}),
    ("POST", "/api/v1/voices", {"job_id": "{job}", "speaker": 1, "revision": 1}),
    (
        "POST",
        "/api/v1/jobs/{job}/speakers/suggestions",
        {"kind": "confirm", "speaker": 2, "voice": "{voice}", "revision": 1},
    ),
    (
        "POST",
        "/api/v1/jobs/{job}/speakers/suggestions",
        {"kind": "refuse", "speaker": 2, "voice": "{voice}"},
    ),
    (
        "POST",
        "/api/v1/searches",
        {"name": "S", "show": "all", "q": "预算", "tag": "t", "person": "p"},
    ),
    ("POST", "/api/v1/jobs/transcripts", {"jobs": ["{job}"], "format": "txt", "line_width": 20}),
    (
        "POST",
        "/v2/transcript",
        {
            "audio_url": "http://localhost/v2/upload/" + NOBODY,
            "speaker_labels": True,
            "speakers_expected": 2,
            "keyterms_prompt": ["词"],
            "speech_models": ["a"],
        },
    ),
    (
        "POST",
        "/api/v1/services/audio/asr/transcription",
        {
            "model": "m",
            "input": {"file_urls": ["http://localhost/v2/upload/" + NOBODY]},
            "parameters": {"diarization_enabled": True, "speaker_count": 2, "channel_id": [0]},
        },
    ),
    ("POST", "/api/v1/jobs/{job}/minutes", {"language": "zh", "again": False}),
]
"""A method, an address and a body that is taken, or refused for what it names only."""


BEGIN_A_TASK = {"X-DashScope-Async": "enable"}

SHOWN = [
    "/",
    "/voices",
    "/jobs/{job}",
    "/api/v1/labels",
    "/api/v1/voices",
    "/api/v1/searches",
    "/api/v1/minutes/prompts",
    "/api/v1/jobs/{job}",
    "/api/v1/jobs/{job}/edits",
    "/api/v1/jobs/{job}/marks",
    "/api/v1/jobs/{job}/report?kind=md",
    "/api/v1/jobs/{job}/revisions",
    "/api/v1/jobs/{job}/speakers/suggestions",
    "/api/v1/jobs/{job}/transcript?format=docx",
    "/api/v1/jobs/{job}/minutes",
    "/api/v1/jobs/{job}/minutes/file?format=md",
    "/api/v1/jobs/{job}/minutes/file?format=docx",
    "/v2/transcript/{job}",
    "/v2/transcript/{job}/paragraphs",
    "/v2/transcript/{job}/srt?chars_per_caption=" + "9" * 400,
    "/v2/transcript/{job}/vtt?chars_per_caption=-" + "9" * 400,
]
"""Paths that show all that was kept."""


def changed(body: Any) -> Iterator[Any]:
    """`body` with one value after the other in each of its places, however deep."""
    places = body.items() if isinstance(body, dict) else enumerate(body)
    for place, value in places:
        ends = [value + end for end in ENDS] if isinstance(value, str) else []
        for other in [*VALUES, *ends]:
            yield _with(body, place, other)
        if isinstance(value, dict | list):
            for inner in changed(value):
                yield _with(body, place, inner)


def _with(body: Any, place: Any, value: Any) -> Any:
    copied = body.copy()
    copied[place] = value
    return copied


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path, minutes_url="http://127.0.0.1:9/v1", minutes_model="m")
    yield made
    database(made).dispose()


def finished_job(client: FlaskClient, rows: Database) -> dict[str, str]:
    """The ids of a job with a transcript, minutes and speakers of whom the first has a name, and of
    the voice that is kept of him."""
    switch_on(rows, LOCAL_OWNER)
    job_id = in_turn(rows, [1, 2] * 3, sounding=[a_voice(1), a_voice(2)])
    named = {"kind": "rename", "revision": 0, "speaker": 1, "name": "王"}
    assert client.post(f"/api/v1/jobs/{job_id}/speakers", json=named).status_code == 200
    voice = {"job_id": job_id, "speaker": 1, "revision": 1}
    kept = client.post("/api/v1/voices", json=voice)
    assert client.post(f"/api/v1/jobs/{job_id}/minutes", json={}).status_code == 202
    write_minutes(rows)
    return {"{job}": job_id, "{voice}": (kept.json or {})["id"]}


def write_minutes(rows: Database) -> None:
    while claim := minutes_queue.claim_next(rows, worker="w", lease_s=60, model="m", host="h"):
        written = Minutes(summary=(Point("第0句", (0,)),))
        minutes_queue.finish(rows, claim, written, transcript_digest="d")


def test_one_value_that_is_wrong_is_refused_and_spoils_nothing(
    client: FlaskClient, rows: Database
) -> None:
    ids = finished_job(client, rows)
    failed = []
    for method, path, body in BODIES:
        for one in changed(_filled(body, ids)):
            content = json.dumps(one)
            kind = "application/json"
            answer = client.open(
                _filled(path, ids),
                method=method,
                data=content,
                content_type=kind,
                headers=BEGIN_A_TASK,
            )
            answer.get_data()
            if answer.status_code >= 500:
                failed.append((method, path, content[:200]))
    assert not failed, "\n".join(map(str, failed))
    write_minutes(rows)
    for path in SHOWN:
        answer = client.get(_filled(path, ids))
        assert answer.status_code == 200, (path, answer.text)


def _filled(given: Any, ids: dict[str, str]) -> Any:
    """`given` with the ids in their places."""
    text = json.dumps(given)
    for place, value in ids.items():
        text = text.replace(place, value)
    return json.loads(text)
