"""The recording, its waveform and the times of its words, over the API, on both databases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import jobs
from shared.db import Database
from shared.errors import AlreadyWritten, FenceLost, JobNotFound
from shared.models import LOCAL_OWNER, StoredWaveform, new_id
from shared.states import JobStatus
from tests.support import factories
from tests.support.web.web_app import database, make_app, stored_files, submit
from web.api.playback import PIECE_BYTES

CONTENT = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(range(256)) * 40
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'

TIMES = [0, 20, 0, 40, 0, 30]
"""Times in the second sentence of `factories.TRANSCRIPT`, whose words follow without pauses."""

WAVEFORM = jobs.Waveform(12.5, bytes([0, 255, 7]))


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


@pytest.fixture
def audio(client: FlaskClient) -> str:
    """Create a job whose recording is `CONTENT`; returns the URL of its audio."""
    return submitted(client, CONTENT)


def submitted(client: FlaskClient, content: bytes, filename: str = "周会.wav") -> str:
    job = submit(client, content, filename).json
    assert job is not None
    return str(job["links"]["audio"])


class TestAudio:
    def test_all_of_it(self, client: FlaskClient, audio: str) -> None:
        answer = client.get(audio)
        assert (answer.status_code, answer.data) == (200, CONTENT)
        assert answer.headers["ETag"] == ETAG
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["Content-Length"] == str(len(CONTENT))
        assert answer.headers["Content-Type"] == "audio/wav"
        assert answer.headers["Content-Disposition"].startswith('inline; filename="recording.wav"')

    def test_its_headers_alone(self, client: FlaskClient, audio: str) -> None:
        answer = client.head(audio, headers={"Range": "bytes=0-3"})
        assert (answer.status_code, answer.data) == (200, b"")
        assert answer.headers["Content-Length"] == str(len(CONTENT))
        assert answer.headers["ETag"] == ETAG

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [("bytes=0-3", range(4)), ("bytes=5000-", range(5000, len(CONTENT))),
         ("bytes=-10", range(len(CONTENT) - 10, len(CONTENT)))],
    )  # fmt: skip
    def test_a_part(self, client: FlaskClient, audio: str, asked: str, expected: range) -> None:
        answer = client.get(audio, headers={"Range": asked})
        assert (answer.status_code, answer.data) == (206, CONTENT[expected.start : expected.stop])
        told = f"bytes {expected.start}-{expected.stop - 1}/{len(CONTENT)}"
        assert answer.headers["Content-Range"] == told
        assert answer.headers["Content-Length"] == str(len(expected))
        assert answer.headers["ETag"] == ETAG

    def test_beyond_the_end(self, client: FlaskClient, audio: str) -> None:
        answer = client.get(audio, headers={"Range": f"bytes={len(CONTENT)}-"})
        assert answer.status_code == 416
        assert answer.json["error"]["code"] == "range_not_satisfiable"  # type: ignore[index]
        assert answer.headers["Content-Range"] == f"bytes */{len(CONTENT)}"

    @pytest.mark.parametrize("asked", ["bytes=3-1", "bytes=0-1,5-6", "seconds=1-2"])
    def test_a_range_that_is_none_of_ours_is_ignored(
        self, client: FlaskClient, audio: str, asked: str
    ) -> None:
        assert client.get(audio, headers={"Range": asked}).status_code == 200

    def test_a_part_only_of_the_file_that_the_client_began_with(
        self, client: FlaskClient, audio: str
    ) -> None:
        part = {"Range": "bytes=0-3"}
        assert client.get(audio, headers={**part, "If-Range": ETAG}).status_code == 206
        for other in ('"another"', f"W/{ETAG}", "Mon, 23 Nov 2026 00:00:00 GMT"):
            assert client.get(audio, headers={**part, "If-Range": other}).status_code == 200

    def test_nothing_that_the_client_has(self, client: FlaskClient, audio: str) -> None:
        answer = client.get(audio, headers={"If-None-Match": ETAG})
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == ETAG
        assert client.get(audio, headers={"If-None-Match": '"another"'}).status_code == 200

    def test_a_player_gets_pieces_and_asks_on(self, client: FlaskClient) -> None:
        content = b"fLaC" + bytes(PIECE_BYTES * 2)
        address = submitted(client, content, "lecture.flac")
        got = b""
        while len(got) < len(content):
            answer = client.get(f"{address}?pieces=1", headers={"Range": f"bytes={len(got)}-"})
            assert answer.status_code == 206
            assert len(answer.data) <= PIECE_BYTES
            assert answer.headers["Content-Range"].endswith(f"/{len(content)}")
            got += answer.data
        assert got == content
        # A download that goes on where it broke off must get all the rest.
        rest = client.get(address, headers={"Range": "bytes=1-"})
        assert len(rest.data) == len(content) - 1

    def test_to_be_saved(self, client: FlaskClient, audio: str) -> None:
        disposition = client.get(f"{audio}?download=1").headers["Content-Disposition"]
        assert disposition.startswith("attachment; ")
        assert "filename*=UTF-8''%E5%91%A8%E4%BC%9A.wav" in disposition

    def test_a_page_that_was_uploaded_never_runs_as_one(self, client: FlaskClient) -> None:
        answer = client.get(submitted(client, b"<html><script>alert(1)</script>", "page.html"))
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"

    def test_a_field_that_is_not_there(self, client: FlaskClient, audio: str) -> None:
        assert client.get(f"{audio}?quality=low").status_code == 400

    def test_a_file_that_is_gone_is_told_so(
        self, client: FlaskClient, audio: str, tmp_path: Path
    ) -> None:
        for path in stored_files(tmp_path):
            path.unlink()
        answer = client.get(audio)
        assert answer.status_code == 404
        assert answer.json["error"]["code"] == "recording_missing"  # type: ignore[index]

    def test_the_files_are_closed(
        self, client: FlaskClient, audio: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[Any] = []
        real = Path.open

        def watched(self: Path, *args: Any, **kwargs: Any) -> Any:
            file = real(self, *args, **kwargs)
            if "recordings" in self.parts:  # a library may read its own at its first use
                opened.append(file)
            return file

        monkeypatch.setattr(Path, "open", watched)
        for headers in ({}, {"Range": "bytes=0-1"}, {"Range": "bytes=99999999-"}):
            client.get(audio, headers=headers).close()
        client.head(audio).close()
        # Twice for each answer, its head and what is sent; once where the range is wrong.
        assert len(opened) == 7
        assert all(file.closed for file in opened)


class TestPeaks:
    def test_there_are_none_before_there_are_any(self, client: FlaskClient, rows: Database) -> None:
        job_id = factories.submit(rows)
        answer = client.get(f"/api/v1/jobs/{job_id}/peaks")
        assert (answer.status_code, answer.json) == (200, {"duration": None, "peaks": []})

    def test_they_are_those_of_the_attempt_that_read_the_recording(
        self, client: FlaskClient, rows: Database
    ) -> None:
        job_id = factories.submit(rows)
        claimed = factories.claim(rows)
        jobs.store_waveform(rows, claimed, WAVEFORM)
        jobs.store_waveform(rows, claimed, WAVEFORM)  # a resumed attempt measures again
        factories.complete(rows, claimed)
        answer = client.get(f"/api/v1/jobs/{job_id}/peaks")
        assert answer.json == {"duration": 12.5, "peaks": [0, 255, 7]}
        again = client.get(
            f"/api/v1/jobs/{job_id}/peaks", headers={"If-None-Match": answer.headers["ETag"]}
        )
        assert again.status_code == 304
        assert factories.count(rows, StoredWaveform) == 1
        factories.delete(rows, job_id)
        assert factories.count(rows, StoredWaveform) == 0

    def test_an_attempt_that_lost_the_job_writes_none(self, rows: Database) -> None:
        job_id = factories.submit(rows)
        lost = factories.claim(rows)
        factories.expire_lease(rows, job_id)
        jobs.expire_leases(rows, max_attempts=3)
        with pytest.raises(FenceLost):
            jobs.store_waveform(rows, lost, WAVEFORM)
        assert factories.count(rows, StoredWaveform) == 0

    def test_a_write_that_is_repeated_under_its_name_happens_once(self, rows: Database) -> None:
        from dataclasses import replace

        factories.submit(rows)
        claimed = replace(factories.claim(rows), write=new_id())
        jobs.store_waveform(rows, claimed, WAVEFORM)
        with pytest.raises(AlreadyWritten):
            jobs.store_waveform(rows, claimed, WAVEFORM)


class TestWords:
    def test_each_word_has_its_time_and_those_of_little_confidence_are_named(
        self, client: FlaskClient, rows: Database
    ) -> None:
        job_id = factories.a_job(rows, JobStatus.COMPLETED)
        answer = client.get(f"/api/v1/jobs/{job_id}/words")
        assert answer.status_code == 200
        assert answer.json == {
            "sentences": [
                {
                    "n": 0,
                    "start": 0.5,
                    "words": ["大", "家", "好"],
                    "doubtful": [],
                    "times": [0, 30, 0, 30, 0, 40],
                },
                {
                    "n": 1,
                    "start": 2.0,
                    "words": ["用", "GPU", "吗"],
                    "doubtful": [1],
                    "times": [0, 20, 0, 40, 0, 30],
                },
            ]
        }
        headers = {"If-None-Match": answer.headers["ETag"]}
        assert client.get(f"/api/v1/jobs/{job_id}/words", headers=headers).status_code == 304

    def test_there_are_none_before_the_transcript(
        self, client: FlaskClient, rows: Database
    ) -> None:
        job_id = factories.submit(rows)
        answer = client.get(f"/api/v1/jobs/{job_id}/words")
        assert answer.status_code == 409
        assert answer.json["error"]["code"] == "transcript_not_ready"  # type: ignore[index]


@pytest.mark.parametrize("part", ["audio", "peaks", "words"])
def test_another_owner_s_job_is_not_there(client: FlaskClient, rows: Database, part: str) -> None:
    job_id = factories.a_job(rows, JobStatus.COMPLETED, owner_id="somebody else")
    answer = client.get(f"/api/v1/jobs/{job_id}/{part}")
    assert answer.status_code == 404
    assert answer.json["error"]["code"] == "not_found"  # type: ignore[index]
    assert client.get(f"/api/v1/jobs/{new_id()}/{part}").status_code == 404
    with pytest.raises(JobNotFound):
        jobs.get_waveform(rows, owner_id=LOCAL_OWNER, job_id=job_id)
