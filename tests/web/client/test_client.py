"""The Python client, at a server in the test's own process."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from flask import Flask

import longscribe_client as api
from longscribe_client.connection import Connection
from longscribe_client.server_sent import Event, events
from shared.db import Database
from shared.transcripts.values import Sentence, Transcript
from tests.support import factories
from tests.support.stack import REPOSITORY
from tests.web.commands.conftest import ADDRESS, all_names, work_off


@pytest.fixture
def client(transport: httpx2.BaseTransport) -> Iterator[api.Client]:
    with api.Client.over(Connection(ADDRESS, transport=transport, patience_s=0)) as made:
        yield made


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "meeting.wav"
    path.write_bytes(b"sound" * 1000)
    return path


def test_the_example_of_the_documents_runs(
    transport: httpx2.BaseTransport,
    rows: Database,
    wav: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    written = (REPOSITORY / "docs/clients.md").read_text()
    [example] = re.findall(r"```python\n(from longscribe_client.+?)```", written, re.DOTALL)
    assert len(example.splitlines()) <= 12
    monkeypatch.chdir(wav.parent)
    monkeypatch.setattr(
        "longscribe_client.client.Connection",
        lambda server, key, patience_s: Connection(server, key, transport=transport),
    )
    monkeypatch.setattr("longscribe_client.client.time.sleep", lambda _: work_off(rows))
    exec(compile(example, "docs/clients.md", "exec"), {})
    assert "大家好。" in capsys.readouterr().out


def test_a_job_is_followed_from_its_file_to_its_end(
    client: api.Client, rows: Database, wav: Path
) -> None:
    sent: list[int] = []
    noted: list[str] = []
    job = client.submit(wav, progress=sent.append, note=noted.append, speakers="2")
    assert (job.status, job.filename, job.speakers, sent[-1]) == ("queued", wav.name, "2", 5000)
    assert client.submit(wav, begun=noted[0]).id == job.id
    with pytest.raises(api.NotFinished):
        client.wait(job, timeout_s=0)
    with pytest.raises(api.Conflict, match="once it is completed") as early:
        client.transcript(job.id)
    assert early.value.code == "transcript_not_ready"
    work_off(rows)
    assert [one.status for one in client.events(job.id)] == ["completed"]
    assert client.wait(job).model.name == "demo"
    assert client.transcript(job.id, timestamps=True).startswith("[00:00:00] ")
    assert client.transcript_file(job.id, "docx").startswith(b"PK")
    template = wav.with_name("template.md")
    template.write_text("{{duration}}: {{transcript.text}}")
    assert client.keep_report_template("AB", template).kind == "md"
    assert [(one.name, one.group) for one in client.report_templates()] == [("AB", None)]
    assert client.report(job.id, template="AB").endswith(b"\n")
    assert client.report(job.id).startswith(b"PK")
    assert [one.text for one in client.sentences(job.id, start=1.6)] == ["用GPU吗？"]
    [found] = client.search("gpu")
    assert found.match is not None and (found.job.id, found.match.sentence) == (job.id, 1)
    client.delete(job.id)
    assert list(client.jobs()) == []
    with pytest.raises(api.NotFound):
        client.job(job.id)


def test_asynchronous_code_waits_without_a_thread(
    transport: httpx2.BaseTransport, rows: Database, wav: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def pause(for_s: float) -> None:
        pauses.append(for_s)

    monkeypatch.setattr("longscribe_client.asynchronous.asyncio.sleep", pause)

    async def transcribe() -> tuple[str, list[str], list[str]]:
        async with api.AsyncClient(ADDRESS, "none") as client:
            client._client = api.Client.over(Connection(ADDRESS, transport=transport))
            job = await client.submit(wav, numbers="written")
            with pytest.raises(api.NotFinished):
                await client.wait(job, timeout_s=0)
            done = await client.wait(job, progress=lambda _: work_off(rows))
            said = [one.text async for one in client.sentences(done.id)]
            found = [one.job.id async for one in client.search("gpu")]
            assert [one.numbers async for one in client.jobs(status="completed")] == ["written"]
            text = await client.transcript(job.id)
            await client.delete(job.id)
            await client.close()
            return text, said, found

    text, said, [_] = asyncio.run(transcribe())
    assert text.split() == said
    assert pauses == [0.5]


def test_what_fails_and_what_is_cancelled_is_told(
    client: api.Client, rows: Database, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mp3"
    bad.write_bytes(b"noise")
    job = client.submit(bad)
    work_off(rows)
    with pytest.raises(api.JobFailed, match="cannot be read as audio") as failed:
        client.wait(job.id)
    assert (failed.value.code, failed.value.id) == ("unsupported_media", job.id)
    assert client.retry(job.id).status == "queued"
    assert client.cancel(job.id).status == "cancelled"
    with pytest.raises(api.JobFailed, match="cancelled"):
        client.wait(job.id)
    anew = client.again(job.id, speakers="auto")
    assert anew.id != job.id and (anew.status, anew.speakers) == ("queued", "auto")
    with pytest.raises(api.Conflict) as twice:
        client.again(job.id)
    assert twice.value.code == "recording_in_use"
    with pytest.raises(api.InvalidRequest) as wrong:
        client.submit(bad, priority=11)
    assert wrong.value.param == "priority"


def test_an_address_is_fetched_where_that_is_allowed(client: api.Client, app: Flask) -> None:
    with pytest.raises(api.NotAllowed, match="LONGSCRIBE_URL_INPUT"):
        client.submit_url("https://example.org/meeting.mp3")
    here = app.extensions["longscribe"]
    allowed = here.settings.model_copy(update={"url_input": "on"})
    app.extensions["longscribe"] = replace(here, settings=allowed)
    fetch = client.submit_url("https://example.org/meeting.mp3", numbers="written")
    assert (fetch.status, fetch.is_finished) == ("waiting", False)
    assert client.status(fetch.id) == fetch
    with pytest.raises(api.NotFinished):
        client.job(fetch.id)
    assert client.cancel(fetch.id).status == "cancelled"
    with pytest.raises(api.JobFailed) as ended:
        client.job(fetch.id)
    assert (ended.value.code, ended.value.id) == ("cancelled", fetch.id)


def test_a_long_transcript_and_a_long_list_come_page_by_page(
    client: api.Client, rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longscribe_client.client._PAGE", 2)
    monkeypatch.setattr("longscribe_client.client._SENTENCES", 2)
    said = tuple(Sentence(float(n), n + 0.5, f"第{n}句。") for n in range(5))
    job_id = factories.submit(rows)
    factories.complete(rows, factories.claim(rows), Transcript(6.0, "zh", "demo", said))
    assert [one.n for one in client.sentences(job_id)] == [0, 1, 2, 3, 4]
    others = [factories.submit(rows) for _ in range(4)]
    assert [job.id for job in client.jobs()] == [*reversed(others), job_id]


def test_what_happens_to_all_jobs_is_told(client: api.Client, rows: Database, wav: Path) -> None:
    opened = next(client.changes())
    assert opened.job is None
    job = client.submit(wav)
    told = next(client.changes(opened.place))
    assert told.job is not None and (told.job.id, told.job.status) == (job.id, "queued")
    assert next(client.changes("nonsense")).job is None


def test_events_are_read_as_the_standard_says() -> None:
    text = "data: one|data:two||id: 7|event: job||: no|data: x||data: half"
    assert list(events(text.split("|"))) == [
        Event("message", "one\ntwo", None),
        Event("message", "x", "7"),
    ]


@pytest.mark.parametrize("key", ["a b", "a\nb", "密钥"])
def test_what_is_no_key_is_not_sent_and_not_told(key: str) -> None:
    with pytest.raises(api.ClientError) as refused:
        Connection(ADDRESS, key)
    assert key not in str(refused.value)


def test_it_needs_nothing_else_of_longscribe() -> None:
    code = (
        "import sys, longscribe_client; print({'shared', 'web', 'pydantic'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_the_names_of_recordings_are_kept(
    client: api.Client, rows: Database, tmp_path: Path
) -> None:
    path = tmp_path / "周会 #1.wav"
    path.write_bytes(b"sound")
    client.submit(path)
    assert all_names(rows) == ["周会 #1.wav"]
