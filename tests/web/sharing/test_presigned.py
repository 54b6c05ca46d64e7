"""Whose player is sent to the bucket, and to whom a recording goes through the server as before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.settings import Settings
from shared.sharing import AccessLevel
from shared.storage.local.folder import LocalFolder
from tests.web.sharing.conftest import Sharing
from tests.web.sharing.test_links import made

ORIGIN = "https://s3.example.org"
PART = {"Range": "bytes=0-1"}


class Bucket(LocalFolder):
    """A folder that gives addresses as a bucket does."""

    @property
    def presigned_origin(self) -> str:  # type: ignore[override]
        return ORIGIN

    def presigned_url(self, key: str, **headers: str) -> str:  # type: ignore[override]
        return f"{ORIGIN}/{key}?type={headers['media_type']}&name={headers['disposition']}"


@pytest.fixture(autouse=True)
def in_a_bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def opened(settings: Settings) -> Bucket:
        return Bucket(settings.recordings_dir, min_free_bytes=0)

    monkeypatch.setattr("web.services.open_blob_store", opened)
    yield


def test_an_owners_player_is_sent_there_and_nothing_else_is(sharing: Sharing) -> None:
    job_id = sharing.job()
    audio = f"/api/v1/jobs/{job_id}/audio"
    bo = sharing.programs["Bo"]
    led = bo.get(f"{audio}?pieces=1", headers=PART)
    assert (led.status_code, led.data) == (302, b"")
    assert led.headers["Cache-Control"] == "private, no-store"
    there = urlsplit(led.headers["Location"])
    told = parse_qs(there.query)
    assert f"{there.scheme}://{there.netloc}" == ORIGIN
    assert told["type"] == ["audio/wav"] and told["name"][0].startswith("inline")
    assert bo.head(f"{audio}?pieces=1").status_code == 200
    heard = bo.get(audio, headers=PART)
    assert (heard.status_code, heard.data) == (206, b"so")
    assert bo.get(f"{audio}?pieces=1&redirect=0", headers=PART).status_code == 206
    saved = bo.get(f"{audio}?pieces=1&download=1")
    assert (saved.status_code, saved.data) == (200, b"sound")
    assert saved.headers["Content-Disposition"].startswith("attachment")
    assert bo.get("/api/v1/jobs/nothing/audio?pieces=1").status_code == 404


def test_with_whom_it_is_shared_it_goes_through_the_server_which_can_end_that(
    sharing: Sharing,
) -> None:
    job_id = sharing.job()
    sharing.share(job_id, "Reader", AccessLevel.READ)
    link, _ = made(sharing, job_id, with_sound=True)
    guest: Any = sharing.app.test_client()
    reader = sharing.programs["Reader"]
    for client, audio in ((guest, f"{link}/audio"), (reader, f"/api/v1/jobs/{job_id}/audio")):
        heard = client.get(f"{audio}?pieces=1", headers=PART)
        assert (heard.status_code, heard.data) == (206, b"so")
    stranger = sharing.programs["Stranger"].get(f"/api/v1/jobs/{job_id}/audio?pieces=1")
    assert stranger.status_code == 404


def test_pages_may_play_from_there_but_those_of_a_link(sharing: Sharing) -> None:
    policy = sharing.pages["Bo"].get("/").headers["Content-Security-Policy"]
    assert f"media-src 'self' blob: {ORIGIN};" in policy
    assert policy.count(ORIGIN) == 1
    link, _ = made(sharing, sharing.job(), with_sound=True)
    guest = sharing.app.test_client()
    for path, status in ((link, 200), ("/s/nothing", 404)):
        page = guest.get(path)
        assert page.status_code == status
        assert page.headers["Content-Security-Policy"] == policy.replace(f" {ORIGIN}", "")
