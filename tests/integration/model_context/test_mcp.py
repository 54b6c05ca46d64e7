"""`longscribe mcp` as the package's own client finds it, at a real server with accounts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import httpx2
import pytest

from shared import jobs
from shared.db import Database
from shared.transcripts.values import Sentence, Transcript
from tests.support import factories
from tests.support.people import a_person, an_admin, bearer, quick_hashes
from tests.support.stack import Stack, hold_port, start, wait_for
from tests.support.web.web_site import serving

if TYPE_CHECKING:
    # Half a second of imports, which each process that collects these tests would take.
    from mcp import Client

NOBODYS = "01930000-0000-7000-8000-000000000000"
PROGRAM = [sys.executable, "-m", "shared.cli", "mcp"]
SAID = Transcript(
    7200.0,
    "zh",
    "demo",
    tuple(
        Sentence(
            n * 10.0,
            n * 10.0 + 9,
            f"第{n}句说到预算。" if n == 366 else f"第{n}句。" * 20,
            speaker=f"说话人{n % 2 + 1}",
        )
        for n in range(720)
    ),
)


@dataclass
class Site:
    """A server, Anna's key there, her finished recording, and one of Bo's."""

    stack: Stack
    db: Database
    key: str
    owner_id: str
    done: str
    bos: str

    def finish_all(self) -> None:
        while claimed := jobs.claim_next(self.db, worker="worker", lease_s=60, model="demo"):
            factories.complete(self.db, claimed)


@contextmanager
def open_database(url: str) -> Iterator[Database]:
    db = Database(url)
    yield db
    db.dispose()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with (
        serving(tmp_path_factory.mktemp("mcp"), LONGSCRIBE_SIGN_IN="required") as stack,
        open_database(stack.database_url) as db,
        quick_hashes(),
    ):
        anna, bo = an_admin(db), a_person(db)
        done = factories.submit(db, owner_id=anna.id, filename="预算会.m4a")
        factories.complete(db, factories.claim(db), SAID)
        bos = factories.submit(db, owner_id=bo.id, filename="预算.m4a")
        key = bearer(db, anna)["Authorization"].split()[1]
        yield Site(stack, db, key, anna.id, done, bos)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    (folder / ".keys").mkdir(parents=True)
    (folder / "周会.wav").write_bytes(b"sound" * 1000)
    (folder / ".keys" / "secret").write_text("secret")
    (tmp_path / "outside.wav").write_bytes(b"sound")
    (folder / "link.wav").symlink_to(tmp_path / "outside.wav")
    return folder


def over_stdio(site: Site, inbox: Path) -> Client:
    from mcp import Client, StdioServerParameters

    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    env = {
        **kept,
        "LONGSCRIBE_SERVER": site.stack.url,
        "LONGSCRIBE_API_KEY": site.key,
        "XDG_CACHE_HOME": str(inbox.parent / "cache"),
    }
    command = StdioServerParameters(
        command=PROGRAM[0], args=[*PROGRAM[1:], "--files", str(inbox)], env=env
    )
    return Client(command, read_timeout_seconds=60)


async def told(client: Client, tool: str, **arguments: Any) -> Any:
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    return answer.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error, answer.structured_content
    return " ".join(part.text for part in answer.content if part.type == "text")


def test_a_model_searches_reads_and_submits(site: Site, inbox: Path) -> None:
    async def converse() -> None:
        async with over_stdio(site, inbox) as client:
            await _what_there_is(client)
            await _searching(client, site)
            await _reading(client, site)
            await _submitting(client, site, inbox)
            await _what_is_wrong(client, site, inbox)

    anyio.run(converse)


async def _what_there_is(client: Client) -> None:
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    reading = {name for name, tool in tools.items() if tool.annotations.read_only_hint}
    assert set(tools) - reading == {"submit_file", "submit_url"}
    assert reading == {
        *("search_transcripts", "list_recordings", "read_transcript"),
        *("recording_status", "read_minutes"),
    }
    assert not any(tool.annotations.destructive_hint for tool in tools.values())
    assert all(tool.output_schema and tool.description for tool in tools.values())
    assert "never an instruction" in client.instructions


async def _searching(client: Client, site: Site) -> None:
    [hit] = (await told(client, "search_transcripts", words="预算"))["hits"]
    assert (hit["id"], hit["start_s"], hit["at"]) == (site.done, 3660.0, "1:01:00")
    assert (hit["excerpt"], hit["count"]) == ("第366句说到预算。", 1)
    assert hit["link"].startswith(f"{site.stack.url}/jobs/{site.done}?find=")
    listed = await told(client, "list_recordings", status="completed")
    [shown] = listed["recordings"]
    assert (shown["title"], shown["duration_s"], shown["link"]) == (
        "预算会",
        7200.0,
        f"{site.stack.url}/jobs/{site.done}",
    )


async def _reading(client: Client, site: Site) -> None:
    around = await told(client, "read_transcript", recording_id=site.done, start_s=3655, end_s=3671)
    assert [line[:16] for line in around["text"].splitlines()] == [
        "[1:00:50] 说话人2: ",
        "[1:01:00] 说话人1: ",
        "[1:01:10] 说话人2: ",
    ]
    assert (around["next_cursor"], around["speakers"]) == (None, ["说话人1", "说话人2"])
    lines, cursor, parts = 0, 0, 0
    while cursor is not None:
        part = await told(
            client,
            "read_transcript",
            recording_id=site.done,
            most_characters=30_000,
            cursor=cursor,
        )
        assert len(part["text"]) <= 30_000
        lines, parts, cursor = (
            lines + len(part["text"].splitlines()),
            parts + 1,
            part["next_cursor"],
        )
    assert (lines, parts) == (720, 4)
    [text] = (
        await client.read_resource(f"longscribe://recordings/{site.done}/transcript")
    ).contents
    assert (
        text.text.startswith("[0:00:00] 说话人1: 第0句。") and "read_transcript" in text.text[-90:]
    )


async def _submitting(client: Client, site: Site, inbox: Path) -> None:
    job = await told(client, "submit_file", path=str(inbox / "周会.wav"), speakers="2")
    assert (job["status"], job["title"]) == ("queued", "周会")
    steps: list[str | None] = []

    async def step(progress: float, total: float | None, message: str | None) -> None:
        if not steps:
            await anyio.to_thread.run_sync(site.finish_all)
        steps.append(message)

    waited = await client.call_tool(
        "recording_status", {"recording_id": job["id"], "wait_s": 60}, progress_callback=step
    )
    assert (waited.structured_content["status"], steps[0]) == ("completed", "queued")


async def _what_is_wrong(client: Client, site: Site, inbox: Path) -> None:
    from mcp import MCPError

    wrong = [
        ("submit_file", {"path": str(inbox / ".keys" / "secret")}, "Hidden files"),
        ("submit_file", {"path": str(inbox / "link.wav")}, "Only files below"),
        ("submit_file", {"path": "周会.wav"}, "whole path"),
        ("submit_file", {"path": str(inbox / "none.wav")}, "no file"),
        ("submit_url", {"url": "https://example.org/a.mp3"}, "LONGSCRIBE_URL_INPUT"),
        ("submit_url", {"url": "file:///etc/passwd"}, "url"),
        ("read_transcript", {"recording_id": site.bos}, "no such job"),
        ("read_transcript", {"recording_id": NOBODYS}, "no such job"),
        ("read_transcript", {"recording_id": "../../uploads"}, "recording_id"),
        ("read_transcript", {"recording_id": site.done, "most_characters": 10**6}, "50000"),
        ("read_minutes", {"recording_id": site.done}, "no minutes"),
        ("search_transcripts", {"words": "x" * 201}, "200"),
    ]
    for tool, arguments, words in wrong:
        message = await refused(client, tool, **arguments)
        assert words in message and site.key not in message, (tool, arguments, message)
    with pytest.raises(MCPError, match="no such job"):
        await client.read_resource(f"longscribe://recordings/{site.bos}/transcript")


def test_over_http_each_request_brings_its_key(site: Site, tmp_path: Path) -> None:
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    port = hold_port()
    env = {**site.stack.environment, "LONGSCRIBE_API_KEY": site.key}
    served = start(
        [*PROGRAM, "--http", "--port", str(port), "--server", site.stack.url],
        env=env,
        log_path=tmp_path / "mcp.log",
    )
    site.stack.services.append(served)
    url = f"http://127.0.0.1:{port}/mcp"

    def answers() -> bool:
        assert served.process.poll() is None, served.log
        try:
            elsewhere = {"Host": "elsewhere.example"}
            return httpx2.get(url, headers=elsewhere, timeout=60).status_code == 421
        except httpx2.TransportError:
            return False

    wait_for(answers, what="the MCP server")
    foreign = httpx2.post(url, json={}, headers={"Origin": "https://elsewhere.example"}, timeout=60)
    assert foreign.status_code == 403

    async def ask(**headers: str) -> tuple[set[str], Any]:
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            names = {tool.name for tool in (await client.list_tools()).tools}
            answer = await client.call_tool("search_transcripts", {"words": "预算"})
            return names, answer

    names, found = anyio.run(lambda: ask(Authorization=f"Bearer {site.key}"))
    assert "submit_file" not in names and "submit_url" in names
    assert [hit["id"] for hit in found.structured_content["hits"]] == [site.done]
    for headers, words in (
        ({}, "Authorization: Bearer KEY"),
        ({"Authorization": "Bearer wrong"}, "Authorization: Bearer KEY"),
        ({"Authorization": "Basic Og=="}, "Authorization: Bearer KEY"),
    ):
        _, answer = anyio.run(lambda given=headers: ask(**given))
        assert answer.is_error and words in answer.content[0].text
        assert "wrong" not in answer.content[0].text.replace("is wrong", "")
    assert site.key not in served.log
