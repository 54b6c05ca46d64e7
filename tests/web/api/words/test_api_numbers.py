"""Numbers in digits, as a choice of a submission and of an export."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.transcripts.values import Sentence, Transcript, Word
from shared.words.replacements import lists
from tests.support import factories
from tests.support.web.web_app import make_app, submit

SPOKEN = "预算八十五万元，十分重要。"
WRITTEN = "预算85万元，十分重要。"
TRANSCRIPT = Transcript(
    20.0,
    "zh",
    "demo",
    (
        Sentence(
            0.0,
            6.0,
            SPOKEN,
            tuple(
                Word(word, n / 2, n / 2 + 0.4) for n, word in enumerate(re.sub(r"\W", "", SPOKEN))
            ),
        ),
    ),
)


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Flask:
    return make_app(database_url, tmp_path)


def a_job(rows: Database, **options: str) -> str:
    job_id = factories.submit(rows, options=options)
    factories.complete(rows, factories.claim(rows), TRANSCRIPT)
    return f"/api/v1/jobs/{job_id}"


def file(client: FlaskClient, job: str, query: str) -> str:
    response = client.get(f"{job}/transcript?{query}")
    assert response.status_code == 200, response.text
    return response.text


def test_a_submission_chooses_how_numbers_are_written(client: FlaskClient) -> None:
    for choice in ("spoken", "written"):
        assert submit(client, numbers=choice).get_json()["numbers"] == choice
    assert submit(client).get_json()["numbers"] == "spoken"
    refused = submit(client, numbers="roman")
    assert refused.status_code == 400
    assert refused.get_json()["error"]["param"] == "numbers"


def test_a_form_carries_the_choice(client: FlaskClient, rows: Database) -> None:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/").text)
    assert token
    form = {"csrf_token": token[1], "numbers": "written", "replacements": "off"}
    client.post("/", data={**form, "file": (io.BytesIO(b"sound"), "a.wav")})
    assert factories.claim(rows).options == {"numbers": "written", "replacements": "off"}


def test_a_job_is_written_in_digits_and_the_recognised_text_is_kept(
    client: FlaskClient, rows: Database
) -> None:
    lists.add(rows, LOCAL_OWNER, wrong="预算", right="二十份预算")
    job = a_job(rows, numbers="written")
    revisions = client.get(f"{job}/sentences/0/revisions").get_json()["revisions"]
    assert [(one["rule"], one["text"]) for one in revisions] == [
        ("numbers", f"20份{WRITTEN}"),  # after the lists of words, whose numbers count too
        ("replacements", f"二十份{SPOKEN}"),
        (None, SPOKEN),
    ]
    assert file(client, job, "version=recognised") == f"{SPOKEN}\n"
    assert client.put(f"{job}/rules", json={"applied": False}).get_json()["undone"] == 1
    assert file(client, job, "") == f"{SPOKEN}\n"
    client.put(f"{job}/rules", json={"applied": True})
    assert file(client, job, "") == f"20份{WRITTEN}\n"


def test_an_export_is_written_in_digits_with_the_times_of_the_words(
    client: FlaskClient, rows: Database
) -> None:
    job = a_job(rows)
    assert file(client, job, "numbers=spoken") == f"{SPOKEN}\n"
    assert file(client, job, "numbers=written") == f"{WRITTEN}\n"
    assert file(client, job, "numbers=written&preview=1") == f"{WRITTEN}\n"
    for name in ("srt", "vtt"):
        spoken = file(client, job, f"format={name}&spacing=false&line_width=16&max_lines=1")
        written = file(
            client, job, f"format={name}&spacing=false&line_width=16&max_lines=1&numbers=written"
        )
        times = re.compile(r"[\d:.,]+ --> [\d:.,]+")
        assert times.findall(spoken) == times.findall(written)
        assert "预算85万元" in written
    words = client.get(f"{job}/transcript?format=json&numbers=written").get_json()["sentences"][0]
    number = next(word for word in words["words"] if word["word"] == "85")
    assert (number["start"], number["end"]) == (1.0, 2.4)
    assert client.get(f"{job}/transcript?numbers=roman").status_code == 400
