"""Whoever asks for a search goes on where a page ended before it was full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from typer.testing import CliRunner

import longscribe_client as api
from longscribe_client.connection import Connection
from shared.cli.mcp import tools
from shared.cli.remote import commands, session
from shared.search import hits
from shared.search.cursors import Cursors
from tests.support import factories
from tests.support.web.web_app import database, make_app
from tests.web.commands.conftest import ADDRESS

QUERY = "预算表"


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """A server whose pages look at very little, and whose oldest job alone has the words."""
    for name, value in {"_FEW": 0, "_FIRST_STEP": 2, "_MOST_COMPARED": 2}.items():
        monkeypatch.setattr(hits, name, value)
    made = make_app(sqlite_url, tmp_path)
    factories.submit(database(made), filename=f"{QUERY}.wav")
    for n in range(8):
        factories.submit(database(made), filename=f"预算 算表 {n}.wav")
    yield made
    database(made).dispose()


@pytest.fixture
def there(app: Flask) -> Connection:
    return Connection(ADDRESS, transport=httpx2.WSGITransport(app), patience_s=0)


def test_the_api_says_how_far_it_came(client: FlaskClient) -> None:
    first: Any = client.get(f"/api/v1/jobs?q={QUERY}").json
    assert first["jobs"] == []
    assert first["searched_to"] is not None
    page, back = first, []
    while page["next_cursor"] is not None:
        back.append(datetime.fromisoformat(page["searched_to"]))  # as text .003Z is before Z
        assert not page["next_cursor"].isdecimal(), "it would tell how many jobs there are"
        page = client.get(f"/api/v1/jobs?q={QUERY}&cursor={page['next_cursor']}").json
    assert [job["filename"] for job in page["jobs"]] == [f"{QUERY}.wav"]
    assert back == sorted(back, reverse=True)
    alone: Any = client.get(f"/api/v1/jobs?cursor={first['next_cursor']}").json
    assert alone["error"]["param"] == "cursor"
    another = Cursors("test", "somebody").hide("5")
    for no_place in ("0", "5", "-1", "A" * 32, another, first["next_cursor"][::-1]):
        refused: Any = client.get(f"/api/v1/jobs?q={QUERY}&cursor={no_place}").json
        assert refused["error"]["param"] == "cursor", no_place


@pytest.mark.parametrize(
    ("language", "so_far", "further"),
    [
        ("en", "Searched so far: jobs submitted since", "Search further back"),
        ("zh", "目前查找了自以下时间起提交的任务", "继续往前查找"),
    ],
)
def test_the_page_says_how_far_it_came_and_leads_on(
    client: FlaskClient, language: str, so_far: str, further: str
) -> None:
    asked: Any = {"headers": {"Accept-Language": language}}
    page = client.get(f"/?q={QUERY}", **asked).text
    assert so_far in page and further in page and "data-go-on=" in page
    assert "Nothing matches" not in page
    steps = 0
    while "data-go-on=" in page:
        link = page.partition('data-go-on="')[2].partition('"')[0]
        assert f'href="{link}"' in page  # for whoever has no script
        page = client.get(link.replace("&amp;", "&"), **asked).text
        steps += 1
    assert (steps > 1, 'class="jobs"' in page, so_far in page) == (True, True, False)


def test_the_client_goes_on(there: Connection) -> None:
    with api.Client.over(there) as client:
        assert [found.job.filename for found in client.search(QUERY)] == [f"{QUERY}.wav"]
        assert [job.filename for job in client.jobs(search=QUERY)] == [f"{QUERY}.wav"]


def test_the_command_goes_on(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    transport = httpx2.WSGITransport(app)
    monkeypatch.setattr(session, "Connection", partial(Connection, transport=transport))
    done = CliRunner().invoke(commands.app, ["list", "--search", QUERY])
    assert (done.exit_code, f"{QUERY}.wav" in done.output) == (0, True), done.output


def test_a_tool_goes_on_and_says_where_it_stopped(
    there: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Callers:
        address = ADDRESS

        @contextmanager
        def server(self, context: object) -> Iterator[Connection]:
            yield there

        def link(self, page: str) -> str:
            return page

    offered = tools.Tools(Callers())  # type: ignore[arg-type]
    context: Any = None
    found = offered.search_transcripts(context, QUERY)
    assert [hit.title for hit in found.hits] == [QUERY]
    assert (found.next_cursor, found.searched_to) == (None, None)
    monkeypatch.setattr(tools, "_MOST_PAGES", 2)
    found = offered.search_transcripts(context, QUERY)
    assert found.hits == [] and found.searched_to is not None
    rest = offered.search_transcripts(context, QUERY, cursor=found.next_cursor or "")
    assert rest.next_cursor != found.next_cursor
