"""Who speaks on a job's page, and whether its colours can be read."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.speakers.edits import EditKind
from shared.speakers.transcript_speakers import edit_speakers
from shared.states import JobStatus
from shared.transcripts.values import Version
from tests.support import factories
from tests.support.speech.meeting import TWO_AT_ONCE, a_meeting, in_turn
from tests.support.web.web_app import database, make_app
from web.pages.job.status_text import SPEAKER_HUES, SPEAKER_MARKS, speaker_look

STATIC = Path(__file__).parents[3] / "web" / "static"
TWO_COLOURS = re.compile(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


def rename(rows: Database, job_id: str, speaker: int, name: str) -> None:
    edit_speakers(
        rows,
        job_id=job_id,
        editor_id=LOCAL_OWNER,
        recognised=jobs.get_transcript(
            rows, owner_id=LOCAL_OWNER, job_id=job_id, version=Version.RECOGNISED
        ),
        revision=0,
        kind=EditKind.RENAME,
        detail={"speaker": speaker, "name": name},
    )


def test_names_colours_and_talk_time_stand_on_the_page(client: FlaskClient, rows: Database) -> None:
    job_id = in_turn(rows, [1, 2, 2, 1])
    rename(rows, job_id, 2, "<王敏>")
    page = client.get(f"/jobs/{job_id}").text
    assert "2 speakers" in page
    assert re.findall(r'<span class="speaker">(.*?)</span>', page) == [
        "说话人1",
        "&lt;王敏&gt;",
        "说话人1",
    ]
    found = re.findall(r'<li id="s\d"[^>]*? data-who="(\d)"[^>]* class="(hue-\d mark-\d)', page)
    assert found == [(who, f"hue-{who} mark-1") for who in "1221"]
    assert "50%" in page and "0:08" in page and "2 sentences" in page


def test_sentences_that_are_said_at_once_are_marked(client: FlaskClient, rows: Database) -> None:
    job_id = a_meeting(rows, voices=None, transcript=TWO_AT_ONCE)
    page = client.get(f"/jobs/{job_id}").text
    assert re.findall(r'<li id="s(\d)"[^>]* class="[^"]*\btogether\b', page) == ["0", "1"]
    assert page.count("Somebody else speaks at the same time, for 1.5 s") == 2
    assert "Two or more speak at once: 0:01" in page
    mixed = client.get(f"/jobs/{in_turn(rows, [1, 2])}").text
    assert "together" not in mixed and "at the same time" not in mixed


def test_a_page_without_speakers_has_a_button_alone(client: FlaskClient, rows: Database) -> None:
    page = client.get(f"/jobs/{factories.a_job(rows, JobStatus.COMPLETED)}").text
    assert "Name who speaks" in page
    assert "data-who" not in page and "of-speakers" not in page
    panel = re.search(r'<details id="speakers"[^>]*>', page)
    assert panel and panel[0].endswith(" hidden>")


def test_speakers_beyond_the_colours_have_another_mark() -> None:
    looks = [speaker_look(number) for number in range(1, SPEAKER_HUES * SPEAKER_MARKS + 1)]
    assert len(set(looks)) == len(looks)
    assert looks[:9:8] == ["hue-1 mark-1", "hue-1 mark-2"]
    script = (STATIC / "js" / "speakers" / "look.js").read_text()
    assert f"HUES = {SPEAKER_HUES};" in script and f"MARKS = {SPEAKER_MARKS};" in script


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_every_colour_of_a_name_can_be_read_on_all_that_it_stands_on() -> None:
    tokens = TWO_COLOURS.findall((STATIC / "css" / "base.css").read_text())
    base = {name: (light, dark) for name, light, dark in tokens}
    rules = (STATIC / "css" / "speakers.css").read_text()
    hues = [(light, dark) for name, light, dark in TWO_COLOURS.findall(rules) if name == "who"]
    assert len(hues) == SPEAKER_HUES
    for theme, ground in itertools.product((0, 1), ("paper", "card", "wash")):
        for pair in hues:
            assert contrast(pair[theme], base[ground][theme]) >= 4.5, (pair[theme], ground)
