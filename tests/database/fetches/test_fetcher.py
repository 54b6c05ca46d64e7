"""Recordings fetched from a real server, which redirects, breaks off, changes, is busy and lies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from shared import jobs
from shared.celery_doorbell import make_ringing_celery
from shared.db import Database, database_now
from shared.errors import IllegalTransition
from shared.fetches import fetch_queue, requests
from shared.fetches.errors import FetchNotFound, TooManyFetches
from shared.fetches.requests import FetchRecord, FetchState, Submission
from shared.models import LOCAL_OWNER, Fetch, Job, Recording, Upload
from shared.outbound.addresses import AddressRules
from shared.settings import Settings
from shared.states import JobStatus
from shared.storage.identity import adopt_storage
from shared.storage.local.folder import LocalFolder
from shared.webhooks import hooks
from shared.webhooks.hooks import HookSettings
from tests.database.webhooks.test_outbox import outbox
from tests.support.doubles.receiver import (
    LOOPBACK,
    Answer,
    Received,
    answering,
    receiver,
    serving,
    stall,
)
from tests.support.stack import wait_for
from worker.fetching.fetcher import Fetcher

CONTENT = bytes(range(256)) * 2000


class Server:
    """The database, the storage and the settings of a worker that fetches."""

    def __init__(self, url: str, folder: Path) -> None:
        self.db = Database(url)
        self.blobs = LocalFolder(folder / "recordings", min_free_bytes=0)
        adopt_storage(self.db, self.blobs)
        self.settings = Settings(
            data_dir=folder,
            database_url=url,
            redis_url=f"redis+socket://{folder / 'nobody.sock'}",  # type: ignore[arg-type]
            outbound_networks=LOOPBACK,
            outbound_http="allowed",
            url_input="on",
            min_free_bytes=0,
            sweep_s=0.2,
        )

    @contextmanager
    def fetching(self, **changes: Any) -> Iterator[None]:
        settings = self.settings.model_copy(update=changes)
        fetcher = Fetcher(settings, self.db, self.blobs, make_ringing_celery(settings))
        fetcher.start()
        try:
            yield
        finally:
            fetcher.stop()
            # The next test's rows may have the same ids.
            wait_for(lambda: not fetcher.lives(), what="its threads to end")

    def ask(self, url: str, *, owner_id: str = LOCAL_OWNER, **values: Any) -> str:
        asked = {"filename": "会议.mp3", "submission": Submission({"metadata": {"a": 1}}), **values}
        return requests.ask(self.db, owner_id=owner_id, url=url, **asked).id

    def get(self, fetch_id: str) -> FetchRecord:
        return requests.get(self.db, owner_id=LOCAL_OWNER, fetch_id=fetch_id)

    def wait_for(self, fetch_id: str, *states: FetchState) -> FetchRecord:
        wait_for(lambda: self.get(fetch_id).state in states, what=f"{states}")
        return self.get(fetch_id)

    def let_pass(self) -> None:
        with self.db.writing() as session:
            session.execute(update(Fetch).values(due_at=database_now(-1)))

    def stored(self, job_id: str) -> bytes:
        job = jobs.get_job(self.db, owner_id=LOCAL_OWNER, job_id=job_id).job
        assert job.status is JobStatus.QUEUED
        with self.db.reading() as session:
            key, sha256 = session.execute(
                select(Recording.blob_key, Recording.sha256)
                .join(Job, Job.recording_id == Recording.id)
                .where(Job.id == job_id)
            ).one()
        with self.blobs.open_range(key) as file:
            content = file.read(10 * len(CONTENT))
        assert hashlib.sha256(content).hexdigest() == sha256
        return content


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[Server]:
    made = Server(database_url, tmp_path)
    yield made
    made.db.dispose()


@pytest.fixture
def small(sqlite_url: str, tmp_path: Path) -> Iterator[Server]:
    """The same, for what no database decides."""
    made = Server(sqlite_url, tmp_path)
    yield made
    made.db.dispose()


def ranges(received: list[Received]) -> list[str | None]:
    return [came.headers.get("Range") for came in received]


def test_a_recording_is_fetched_and_becomes_the_job_that_was_promised(server: Server) -> None:
    with receiver(serving(CONTENT)) as there, server.fetching():
        fetch_id = server.ask(there.url)
        done = server.wait_for(fetch_id, FetchState.SUBMITTED)
        assert (done.received_bytes, done.size_bytes) == (len(CONTENT), len(CONTENT))
        assert server.stored(fetch_id) == CONTENT
        job = jobs.get_job(server.db, owner_id=LOCAL_OWNER, job_id=fetch_id).job
        assert (job.recording.filename, job.options["metadata"]) == ("会议.mp3", {"a": 1})
        assert there.received[0].headers["Accept-Encoding"] == "identity"
        assert requests.fetches_of(server.db, LOCAL_OWNER) == []


def test_one_that_breaks_off_goes_on_where_it_stood(server: Server) -> None:
    cut = len(CONTENT) // 3
    with receiver(serving(CONTENT, cut_after=cut), serving(CONTENT)) as there:
        with server.fetching():
            fetch_id = server.ask(there.url)
            wait_for(lambda: server.get(fetch_id).error_code is not None, what="the break")
            half = server.get(fetch_id)
            assert (half.state, half.error_code) == (FetchState.WAITING, "unreachable")
            assert half.received_bytes == cut
            server.let_pass()
            server.wait_for(fetch_id, FetchState.SUBMITTED)
        assert ranges(there.received) == [None, f"bytes={cut}-"]
        assert server.stored(fetch_id) == CONTENT


def test_one_that_has_changed_meanwhile_is_begun_anew(small: Server) -> None:
    other = CONTENT[::-1] + b"more"
    with receiver(serving(CONTENT, cut_after=1000), serving(other, etag='"two"')) as there:
        fetch_id = small.ask(there.url)
        with small.fetching():
            wait_for(lambda: small.get(fetch_id).error_code is not None, what="the break")
            small.let_pass()
            small.wait_for(fetch_id, FetchState.SUBMITTED)
        assert ranges(there.received) == [None, "bytes=1000-"]
        assert small.stored(fetch_id) == other


def test_a_worker_that_stops_or_is_killed_loses_nothing_of_it(server: Server) -> None:
    def part_then_stall(handler: Any) -> None:
        serving(CONTENT, cut_after=5000)(handler)
        handler.wfile.flush()
        stall(handler)

    with receiver(part_then_stall, serving(CONTENT)) as there:
        fetch_id = server.ask(there.url)
        with server.fetching():
            assert there.stalled.wait(60)
        stopped = server.get(fetch_id)
        assert stopped.state is FetchState.WAITING
        killed = fetch_queue.claim_next(server.db, lease_s=-1.0, longest_s=3600)
        assert killed is not None, "as by a worker that was killed at once"
        with server.fetching():
            server.wait_for(fetch_id, FetchState.SUBMITTED)
        assert server.stored(fetch_id) == CONTENT
        with server.db.reading() as session:
            assert len(session.scalars(select(Job.id)).all()) == 1


def test_killed_between_the_job_and_its_word_there_is_one_job(small: Server) -> None:
    with receiver(serving(CONTENT)) as there:
        fetch_id = small.ask(there.url)
        with small.fetching():
            small.wait_for(fetch_id, FetchState.SUBMITTED)
        with small.db.writing() as session:  # as if it had not been said
            session.execute(update(Fetch).values(state="fetching", ended_at=None))
        with small.fetching():
            small.wait_for(fetch_id, FetchState.SUBMITTED)
        assert len(there.received) == 1
        with small.db.reading() as session:
            assert session.scalars(select(Job.id)).all() == [fetch_id]


def test_redirects_are_followed_and_each_is_checked(small: Server) -> None:
    with receiver() as there:
        there.script += [
            answering(302, Location="/second?a=1"),
            answering(307, Location=f"http://127.0.0.1:{there.port}/third"),
            serving(CONTENT),
        ]
        fetch_id = small.ask(there.url)
        with small.fetching():
            small.wait_for(fetch_id, FetchState.SUBMITTED)
        assert [came.path for came in there.received] == ["/hook", "/second?a=1", "/third"]


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (answering(404), "fetch_refused", "answered 404"),
        (answering(401), "fetch_refused", "signing in"),
        (answering(200), "fetch_refused", "empty"),
        (
            answering(200, b"<html>", Content_Type="text/html; charset=utf-8"),
            "fetch_refused",
            "web",
        ),
        (answering(200, b"x", Content_Encoding="gzip"), "fetch_refused", "compressed"),
        (answering(302, Location="http://169.254.169.254/latest"), "address_refused", "private"),
        (answering(302, Location="file:///etc/passwd"), "unusable_url", "whole one"),
        (serving(CONTENT * 4), "file_too_large", "larger"),
    ],
)
def test_what_gives_no_recording_fails_with_words(
    small: Server, answer: Answer, code: str, says: str
) -> None:
    with receiver(answer) as there:
        fetch_id = small.ask(there.url)
        with small.fetching(max_upload_bytes=2 * len(CONTENT)):
            failed = small.wait_for(fetch_id, FetchState.FAILED)
    assert failed.error_code == code
    assert says in (failed.error_message or "")
    with small.db.reading() as session:
        assert session.scalars(select(Upload.id)).all() == []
        assert session.scalars(select(Job.id)).all() == []
    assert list(small.blobs.unfinished_uploads()) == []


def test_a_redirect_without_end_is_left(small: Server) -> None:
    with receiver() as there:
        there.otherwise = answering(302, Location="/hook")
        fetch_id = small.ask(there.url)
        with small.fetching():
            assert small.wait_for(fetch_id, FetchState.FAILED).error_code == "fetch_refused"
        assert len(there.received) == 6


def test_who_is_busy_is_asked_again_and_in_the_end_given_up(small: Server) -> None:
    with receiver() as there:
        there.otherwise = answering(503, Retry_After="300")
        fetch_id = small.ask(there.url)
        with small.fetching():
            for n in range(len(fetch_queue.WAITS_S)):
                wait_for(lambda n=n: len(there.received) > n, what="the next attempt")
                small.wait_for(fetch_id, FetchState.WAITING)
                assert small.get(fetch_id).error_code == "source_busy"
                small.let_pass()
            small.wait_for(fetch_id, FetchState.FAILED)
        assert len(there.received) == len(fetch_queue.WAITS_S) + 1


def test_one_that_takes_too_long_in_all_fails(small: Server) -> None:
    with receiver() as there:
        fetch_id = small.ask(there.url)
        with small.db.writing() as session:
            session.execute(update(Fetch).values(created_at=database_now(-7 * 3600)))
        with small.fetching():
            assert small.wait_for(fetch_id, FetchState.FAILED).error_code == "fetch_too_long"
        assert there.received == []


def test_cancelled_it_stops_and_leaves_nothing(server: Server) -> None:
    def slow(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000000")
        handler.end_headers()
        handler.receiver.stalled.set()
        while not handler.receiver.free.wait(0.01):
            handler.wfile.write(b"x" * 40_000)

    with receiver(slow) as there, server.fetching():
        fetch_id = server.ask(there.url)
        assert there.stalled.wait(60)
        requests.cancel(server.db, owner_id=LOCAL_OWNER, fetch_id=fetch_id)
        wait_for(lambda: not list(server.blobs.unfinished_uploads()), what="its bytes to go")
    assert server.get(fetch_id).state is FetchState.CANCELLED
    with server.db.reading() as session:
        assert session.scalars(select(Upload.id)).all() == []


def test_a_webhook_is_told_of_one_that_fails(small: Server) -> None:
    hook, _ = hooks.add_hook(
        small.db,
        AddressRules(),
        owner_id=LOCAL_OWNER,
        wanted=HookSettings("https://example.org/hook"),
        site_url="",
    )
    with receiver(answering(404)) as there:
        fetch_id = small.ask(there.url)
        with small.fetching():
            small.wait_for(fetch_id, FetchState.FAILED)
    assert outbox(small.db, hook.id) == ["job.failed"]


def test_a_fetch_is_its_owners_alone_and_asked_for_once(server: Server) -> None:
    url = "https://example.org/a.mp3"
    fetch_id = server.ask(url, idempotency_key="once")
    assert server.ask(url, idempotency_key="once") == fetch_id
    assert server.ask(url, owner_id="another", idempotency_key="once") != fetch_id
    for act in (requests.get, requests.cancel):
        with pytest.raises(FetchNotFound):
            act(server.db, owner_id="another", fetch_id=fetch_id)
    with pytest.raises(TooManyFetches):
        server.ask(url, most_open=1)
    requests.cancel(server.db, owner_id=LOCAL_OWNER, fetch_id=fetch_id)
    assert server.ask(url, most_open=1) != fetch_id
    with server.db.writing() as session:
        session.execute(update(Fetch).values(state="failed", ended_at=database_now()))
    with pytest.raises(IllegalTransition):
        requests.cancel(server.db, owner_id=LOCAL_OWNER, fetch_id=fetch_id)
    assert requests.sweep(server.db, goes_on=False) == 0
    with server.db.writing() as session:
        session.execute(update(Fetch).values(ended_at=database_now(-15 * 86400)))
    assert requests.sweep(server.db, goes_on=True) == 3


@pytest.mark.parametrize("goes_on", [True, False])
def test_one_that_waits_is_forgotten_only_where_nothing_is_fetched_any_more(
    server: Server, goes_on: bool
) -> None:
    server.ask("https://example.org/a.mp3")
    with server.db.writing() as session:
        session.execute(update(Fetch).values(due_at=database_now(-15 * 86400)))
    assert requests.sweep(server.db, goes_on=goes_on) == (0 if goes_on else 1)


def test_one_that_cannot_be_read_stands_before_no_other_and_fails_in_the_end(
    server: Server,
) -> None:
    broken = server.ask("https://example.org/a.mp3")
    with server.db.writing() as session:
        session.execute(update(Fetch).values(submission=["of another version"]))
    other = server.ask("https://example.org/b.mp3")
    claim_next = partial(fetch_queue.claim_next, server.db, lease_s=60, longest_s=3600)
    claimed = claim_next()
    assert claimed is not None and claimed.fetch_id == other
    for _ in fetch_queue.WAITS_S:
        shown = server.get(broken)
        assert (shown.state, shown.error_code) == (FetchState.WAITING, "fetch_unreadable")
        assert claim_next() is None, "before its time"
        server.let_pass()
        assert claim_next() is None
    shown = server.get(broken)
    assert (shown.state, shown.error_code) == (FetchState.FAILED, "fetch_unreadable")
