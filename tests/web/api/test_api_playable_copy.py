"""The playable copy of a recording, as it is served and shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import jobs
from shared.db import Database
from shared.storage.blob_store import BlobStore
from tests.support import factories
from tests.support.web.web_app import database, make_app, stored_files, submit

ORIGINAL = b"FORM\x00\x00\x00\x24AIFFCOMM" + bytes(2000)
COPY = b"\x1a\x45\xdf\xa3" + bytes(range(256)) * 20
COPY_TYPE = "audio/webm;codecs=opus"


@dataclass
class Site:
    client: FlaskClient
    blobs: BlobStore
    job: str
    """The URL of the job in the API."""
    copy: jobs.PlayableCopy

    @property
    def page(self) -> str:
        return self.client.get("/jobs/" + self.job.rpartition("/")[-1]).text


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


@pytest.fixture
def site(app: Flask, client: FlaskClient, rows: Database) -> Site:
    made = submit(client, ORIGINAL, "周会.aiff")
    blobs: BlobStore = app.extensions["longscribe"].blobs
    claimed = factories.claim(rows)
    with blobs.receive(max_bytes=2**20) as incoming:
        incoming.write(COPY)
        blob = incoming.keep()
    copy = jobs.PlayableCopy(blob.key, blob.size_bytes, COPY_TYPE)
    jobs.plan_playable_copy(rows, claimed, copy.key)
    assert client.get(made.headers["Location"]).json["audio"]["kind"] == "original"  # type: ignore[index]
    jobs.store_playable_copy(rows, claimed, copy)
    factories.complete(rows, claimed)
    return Site(client, blobs, made.headers["Location"], copy)


def test_the_copy_is_played_in_ranges_under_its_own_etag(site: Site) -> None:
    audio = f"{site.job}/audio"
    whole = site.client.get(audio)
    assert (whole.status_code, whole.data) == (200, COPY)
    assert whole.headers["Content-Type"] == COPY_TYPE
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert "%E5%91%A8%E4%BC%9A.webm" in whole.headers["Content-Disposition"]
    etag = whole.headers["ETag"]
    part = site.client.get(f"{audio}?pieces=1", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, COPY[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(COPY)}"
    assert part.headers["ETag"] == etag
    assert site.client.get(audio, headers={"Range": "bytes=99999-"}).status_code == 416
    assert site.client.get(audio, headers={"If-None-Match": etag}).status_code == 304
    head = site.client.head(audio)
    assert head.headers["Content-Length"] == str(len(COPY))


def test_what_was_submitted_is_still_to_be_downloaded(site: Site) -> None:
    audio = f"{site.job}/audio"
    original = site.client.get(f"{audio}?download=1")
    assert original.data == ORIGINAL
    assert original.headers["Content-Type"] == "audio/aiff"
    assert "%E5%91%A8%E4%BC%9A.aiff" in original.headers["Content-Disposition"]
    etag = original.headers["ETag"]
    # A download that goes on with the copy's bytes would be of neither.
    part = {"Range": "bytes=0-3", "If-Range": etag}
    assert site.client.get(audio, headers=part).status_code == 200
    assert site.client.get(f"{audio}?download=1", headers=part).status_code == 206


def test_the_job_and_its_page_tell_what_is_heard(site: Site) -> None:
    shown = site.client.get(site.job).json
    assert shown is not None
    assert shown["audio"] == {"kind": "copy", "size_bytes": len(COPY)}
    assert f'data-type="{COPY_TYPE}"' in site.page
    assert "You hear a light copy" in site.page
    assert f'href="{site.job}/audio?download=1"' in site.page.replace("http://localhost", "")


def test_a_copy_that_is_gone_leaves_the_recording(site: Site) -> None:
    site.blobs.delete(site.copy.key)
    assert site.client.get(f"{site.job}/audio").data == ORIGINAL
    assert "You hear a light copy" not in site.page
    assert 'data-type="audio/aiff"' in site.page


def test_it_is_deleted_with_the_job(site: Site, tmp_path: Path) -> None:
    assert len(stored_files(tmp_path)) == 2
    assert site.client.delete(site.job).status_code == 204
    assert stored_files(tmp_path) == []


@pytest.mark.parametrize("brand", [b"qt  ", b"3gp4"])
def test_a_browser_is_asked_for_what_it_plays_of_a_telephone_s_film(
    client: FlaskClient, rows: Database, brand: bytes
) -> None:
    made = submit(client, b"\x00\x00\x00\x14ftyp" + brand + bytes(64), "film")
    factories.complete(rows, factories.claim(rows))
    page = client.get("/jobs/" + made.headers["Location"].rpartition("/")[-1]).text
    assert 'data-type="video/mp4"' in page
