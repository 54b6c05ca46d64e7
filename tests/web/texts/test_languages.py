"""Which language and which colours a page comes in, and how they are remembered."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import jobs
from shared.db import Database
from shared.errors import UnsupportedMedia
from shared.states import JobStatus
from tests.support import factories
from tests.support.web.web_app import database, make_app


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(sqlite_url, tmp_path)
    yield made
    database(made).dispose()


def language(client: FlaskClient, accepted: str = "") -> str:
    page = client.get("/", headers={"Accept-Language": accepted}).text
    (found,) = re.findall(r'<html lang="([\w-]+)"', page)
    return found


@pytest.mark.parametrize(
    ("accepted", "shown"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("zh-TW", "zh-Hans"),
        ("en-GB,zh;q=0.5", "en"),
        ("fr,de;q=0.9", "en"),
        ("fr,zh;q=0.4", "zh-Hans"),
    ],
)
def test_the_browser_decides_at_first(client: FlaskClient, accepted: str, shown: str) -> None:
    assert language(client, accepted) == shown


def test_a_choice_is_remembered_and_leads_back(client: FlaskClient) -> None:
    answer = client.get("/language/zh?next=/jobs/x%3Fa=1")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/jobs/x?a=1")
    assert language(client, "en-GB") == "zh-Hans"
    client.get("/language/en")
    assert language(client, "zh-CN") == "en"


def test_a_theme_is_remembered(client: FlaskClient) -> None:
    assert "data-theme" not in client.get("/").text
    client.get("/theme/dark?next=/")
    assert 'data-theme="dark"' in client.get("/").text
    client.get("/theme/system")
    assert "data-theme" not in client.get("/").text


@pytest.mark.parametrize("address", ["/language/xx", "/theme/pink", "/words/zh-0.json"])
def test_what_there_is_not_is_not_found(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\evil", "x", "/\tjobs", ""],
)
def test_a_choice_leads_nowhere_else(client: FlaskClient, elsewhere: str) -> None:
    answer = client.get("/language/zh", query_string={"next": elsewhere})
    assert answer.headers["Location"] == "/"


def test_scripts_are_given_their_words_by_an_address_that_changes_with_them(
    client: FlaskClient,
) -> None:
    client.get("/language/zh")
    (address,) = re.findall(r'data-words="(/words/zh-[^"]+)"', client.get("/").text)
    answer = client.get(address)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.json is not None
    assert answer.json["The server cannot be reached."] == "连接不上服务器。"
    client.get("/language/en")
    assert "data-words=" not in client.get("/").text


def test_programs_read_english_whatever_they_accept(client: FlaskClient) -> None:
    missing = "/api/v1/jobs/01890000-0000-7000-8000-000000000000"
    answer = client.get(missing, headers={"Accept-Language": "zh-CN"})
    assert answer.json is not None
    assert answer.json["error"]["message"].startswith("There is no such job")
    client.get("/language/zh")
    chosen = client.get(missing).json
    assert chosen is not None
    assert (chosen["error"]["code"], chosen["error"]["message"][:5]) == ("not_found", "没有这个任")


def test_a_job_is_told_in_chinese(client: FlaskClient, rows: Database) -> None:
    failed = factories.submit(rows)
    claim = factories.claim(rows)
    factories.recognise(rows, claim)
    jobs.fail(rows, claim, UnsupportedMedia("“a.txt” is not audio."))
    client.get("/language/zh")
    page = client.get(f"/jobs/{failed}").text
    for said in (
        "失败",
        "每批最多 300 秒音频：1 分钟的录音可用 300 秒；空闲内存 8.6 GB 可用 9,000 秒。",
        "工作进程接下了任务。",
        "任务失败了：这个文件无法作为音频或视频读取。",
    ):
        assert said in page
    assert english_texts(page) == set()


def english_texts(page: str) -> set[str]:
    """Find the English texts of a Chinese page, apart from names."""
    text = re.sub(r"<(script|style|template).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    names = {"Longscribe", "English", "worker", "demo", "float32", "FunASR", "Markdown"}
    names |= {"docx", "json", "Webhook"}
    return set(re.findall(r"\b[A-Z]?[a-z]{4,}\b", text)) - names


def test_the_front_page_has_no_english_left(client: FlaskClient, rows: Database) -> None:
    client.get("/language/zh")
    assert english_texts(client.get("/").text) == set()
    for status in JobStatus:
        factories.a_job(rows, status, filename="会议")
        if status is JobStatus.QUEUED:
            factories.claim(rows)
    factories.submit(rows, filename="会议")
    assert english_texts(client.get("/").text) == set()
    assert english_texts(client.get("/?q=会").text) == set()
    assert english_texts(client.get("/?q=nothing").text) <= {"nothing"}


@pytest.mark.parametrize("status", JobStatus)
def test_a_jobs_page_has_no_english_left(
    client: FlaskClient, rows: Database, status: JobStatus
) -> None:
    job_id = factories.a_job(rows, status, filename="会议")
    client.get("/language/zh")
    assert english_texts(client.get(f"/jobs/{job_id}").text) == set()


def test_what_came_of_a_form_is_told_in_chinese(client: FlaskClient, rows: Database) -> None:
    done = factories.a_job(rows, JobStatus.COMPLETED, filename="会议")
    client.get("/language/zh")
    token = re.findall(r'name="csrf_token" value="([^"]+)"', client.get("/").text)[0]

    def told(path: str, **fields: object) -> str:
        form = {"csrf_token": token, **fields}
        page = client.post(path, data=form, follow_redirects=True).text
        (said,) = re.findall(r'<p class="flash[^>]*>([^<]+)</p>', page)
        return said

    assert told("/", file=(io.BytesIO(b"sound"), "周会.wav")) == "“周会.wav”已进入队列。"
    assert told(f"/jobs/{done}/cancel") == "任务目前的状态不允许这样做。"
    assert told(f"/jobs/{done}/delete") == "任务、文字稿和录音都已删除。"
