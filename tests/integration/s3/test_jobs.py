"""Whole jobs with the recordings in a bucket: a real web server, a real worker, S3 over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from shared.states import JobStatus
from tests.support.databases.sqlite import migrated_file
from tests.support.speech.demo_speech import character_error_rate, meeting
from tests.support.stack import NOBODY_DIES, Stack, running, wait_for
from tests.support.stack_without_http import Installation, as_wav
from tests.support.web.tus_client import Upload

if TYPE_CHECKING:
    from tests.support.s3.server import S3Server


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    return s3_server.new_bucket()


@pytest.fixture
def stack(tmp_path: Path, s3_server: S3Server, bucket: str) -> Iterator[Stack]:
    url = migrated_file(tmp_path / "longscribe.db")
    env = s3_server.environment(bucket) | NOBODY_DIES
    with running(Stack(tmp_path / "stack", url, env)) as made:
        yield made


def objects(server: S3Server, bucket: str) -> set[str]:
    found = server.client().list_objects_v2(Bucket=bucket).get("Contents", ())
    names = {one["Key"].removeprefix("longscribe/") for one in found}
    return names - {"storage-id", "writable"}


def answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=60).ok
    except requests.RequestException:  # of the server that was killed
        return False


def test_a_recording_in_pieces_over_a_server_that_is_killed_becomes_its_text(
    stack: Stack, s3_server: S3Server, bucket: str
) -> None:
    stack.start_redis()
    web = stack.start_web()
    said = meeting(30)
    sound = as_wav(said.samples)
    upload = Upload.begin(stack.url, len(sound))
    third = len(sound) // 3
    sent = upload.append(0, sound[:third])
    assert sent.status_code == 204, sent.text

    web.kill_all()  # with what it had in memory and in files without names
    stack.start_web()
    wait_for(lambda: answers(f"{stack.url}/healthz"), what="the server to be back")
    assert upload.offset() == third
    for start, stop in ((third, 2 * third), (2 * third, len(sound))):
        sent = upload.append(start, sound[start:stop])
        assert sent.status_code == 204, sent.text
    made = upload.submit()
    assert made.status_code == 202, made.text
    [key] = objects(s3_server, bucket)

    worker = stack.start_worker()
    installation = Installation(stack)
    job_id = made.json()["id"]
    assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    assert character_error_rate(said.text, installation.transcript(job_id).text) <= 0.02
    installation.db.dispose()

    job = f"{stack.url}/api/v1/jobs/{job_id}"
    part = requests.get(f"{job}/audio", headers={"Range": "bytes=1000-1999"}, timeout=60)
    assert (part.status_code, part.content) == (206, sound[1000:2000])
    assert objects(s3_server, bucket) == {key}
    assert not (stack.folder / "data" / "recordings").exists()
    kept = [path for path in (stack.folder / "data" / "work").rglob("*") if path.is_file()]
    assert kept == []
    assert requests.get(f"{stack.url}/readyz", timeout=60).json()["checks"]["recordings"] == "ok"

    assert requests.delete(job, timeout=60).status_code == 204
    assert objects(s3_server, bucket) == set()
