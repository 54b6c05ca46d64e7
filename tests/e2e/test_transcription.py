"""From an upload over HTTP to the four formats, through gunicorn, Redis, Celery and the model."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import srt
import webvtt

from tests.support.databases.sqlite import migrated_file
from tests.support.speech.demo_speech import character_error_rate, meeting, spoken
from tests.support.speech.media import encode
from tests.support.stack import NOBODY_DIES, Stack, running, wait_for

SPOKEN = partial(meeting, 90, seed=77)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("e2e")
    url = migrated_file(folder / "longscribe.db")
    with running(Stack(folder / "stack", url, {**NOBODY_DIES})) as stack:
        stack.start_redis()
        stack.start_worker()
        stack.start_web()
        yield stack


def submit(server: Stack, path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        answer = requests.post(
            f"{server.url}/api/v1/jobs", files={"file": (path.name, file)}, timeout=60
        )
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    assert answer.headers["Location"].endswith(job["id"])
    return job


def status(server: Stack, job_id: str) -> dict[str, Any]:
    answer = requests.get(f"{server.url}/api/v1/jobs/{job_id}", timeout=60)
    job: dict[str, Any] = answer.json()
    return job


def finished(server: Stack, job_id: str) -> dict[str, Any]:
    over = {"completed", "failed", "cancelled"}
    wait_for(lambda: status(server, job_id)["status"] in over, seconds=240, what=job_id)
    job = status(server, job_id)
    assert job["status"] == "completed", (job["error"], server.services[1].log)
    return job


def transcript(server: Stack, job_id: str, name: str) -> str:
    answer = requests.get(
        f"{server.url}/api/v1/jobs/{job_id}/transcript", params={"format": name}, timeout=60
    )
    assert answer.status_code == 200, answer.text
    answer.encoding = "utf-8"
    return answer.text


def test_a_recording_comes_back_right_in_all_four_formats(server: Stack, tmp_path: Path) -> None:
    job = submit(server, encode(SPOKEN().samples, tmp_path / "周会 meeting.wav", "wav"))
    done = finished(server, job["id"])
    assert done["filename"] == "周会 meeting.wav"
    assert done["progress"] == 1
    assert done["audio_duration"] == pytest.approx(90, abs=0.01)
    assert done["model"]["demo"] is True
    assert (done["model"]["device"], done["model"]["dtype"]) == ("cpu", "float32")
    batch = done["batch"]
    assert batch["batch_size_s"] == 300
    assert 45 < batch["speech_s"] < 90
    assert batch["speech_s"] <= batch["padded_s"] < 1.5 * batch["speech_s"]
    assert batch["padding"] == pytest.approx(batch["padded_s"] / batch["speech_s"], abs=0.001)
    assert batch["largest_batch_s"] <= min(300, batch["padded_s"])
    assert 1 <= batch["batches"] <= 30
    took_s = 90 / done["real_time_factor_x"]
    assert 0 < batch["recognition_s"] <= took_s
    assert 0 < batch["cpu_s"] < 60
    assert 200e6 < batch["peak_bytes"] < 3e9
    assert batch["oom_retries"] == 0

    text = transcript(server, job["id"], "txt")
    assert character_error_rate(SPOKEN().text, text) <= 0.02
    value = json.loads(transcript(server, job["id"], "json"))
    cues = list(srt.parse(transcript(server, job["id"], "srt")))
    captions = webvtt.from_buffer(io.StringIO(transcript(server, job["id"], "vtt"))).captions
    sentences = [sentence["text"] for sentence in value["sentences"]]
    assert text.splitlines() == sentences
    assert spoken("".join(cue.content for cue in cues)) == spoken(text)
    assert [caption.text for caption in captions] == [cue.content for cue in cues]
    starts = [sentence["start"] for sentence in value["sentences"]]
    assert starts == sorted(starts)
    shown_from = [cue.start.total_seconds() for cue in cues]
    assert shown_from == sorted(shown_from)
    assert shown_from[0] == pytest.approx(starts[0], abs=0.001)
    assert cues[-1].end.total_seconds() <= value["duration"]
    assert value["duration"] == done["audio_duration"]


def test_the_container_does_not_change_the_text(server: Stack, tmp_path: Path) -> None:
    names = {
        "wav": "a.wav",
        "mp3": "a.mp3",
        "m4a": "a.m4a",
        "webm": "a.webm",
        "mp4": "a.mp4",
    }
    job_ids = {
        kind: submit(server, encode(SPOKEN().samples, tmp_path / name, kind))["id"]
        for kind, name in names.items()
    }
    texts = {}
    for kind, job_id in job_ids.items():
        finished(server, job_id)
        texts[kind] = transcript(server, job_id, "txt")
    assert len(set(texts.values())) == 1, texts


def test_deleting_a_job_removes_everything(server: Stack, tmp_path: Path) -> None:
    recordings = server.folder / "data" / "recordings"

    def stored() -> set[Path]:
        found = recordings.rglob("*")
        return {path for path in found if path.is_file() and path.name != "storage-id"}

    before = stored()
    job = submit(server, encode(SPOKEN().samples[: 16_000 * 10], tmp_path / "short.flac", "flac"))
    finished(server, job["id"])
    assert len(stored() - before) == 1
    url = f"{server.url}/api/v1/jobs/{job['id']}"
    assert requests.delete(url, timeout=60).status_code in (200, 204)
    assert stored() == before
    assert requests.get(url, timeout=60).status_code == 404
    assert requests.get(f"{url}/transcript", timeout=60).status_code == 404


def test_what_is_heard_fits_what_is_read(server: Stack, tmp_path: Path) -> None:
    path = encode(SPOKEN().samples, tmp_path / "meeting.mp3", "mp3")
    links = finished(server, submit(server, path)["id"])["links"]
    content = path.read_bytes()
    whole = requests.get(f"{server.url}{links['audio']}", timeout=60)
    assert whole.content == content
    assert whole.headers["Content-Type"] == "audio/mpeg"
    part = requests.get(
        f"{server.url}{links['audio']}", headers={"Range": "bytes=1000-1999"}, timeout=60
    )
    assert (part.status_code, part.content) == (206, content[1000:2000])

    words = requests.get(f"{server.url}{links['words']}", timeout=60).json()["sentences"]
    told = requests.get(
        f"{server.url}{links['transcript']['json']}", timeout=60
    ).json()["sentences"]  # fmt: skip
    assert [one["words"] for one in words] == [[w["word"] for w in one["words"]] for one in told]
    peaks = requests.get(f"{server.url}{links['peaks']}", timeout=60).json()
    assert peaks["duration"] == pytest.approx(90, abs=0.2)
    assert 2000 <= len(peaks["peaks"]) <= 4000
    bucket_s = peaks["duration"] / len(peaks["peaks"])
    spoken: set[int] = set()
    for compact, full in zip(words, told, strict=True):
        at = compact["start"]
        gaps, lengths = compact["times"][::2], compact["times"][1::2]
        for gap, length, word in zip(gaps, lengths, full["words"], strict=True):
            at += gap / 100
            assert at == pytest.approx(word["start"], abs=0.011)
            spoken |= set(range(int(at / bucket_s), int((at + length / 100) / bucket_s)))
            at += length / 100
    loud = [peaks["peaks"][index] for index in spoken if index < len(peaks["peaks"])]
    quiet = [peak for index, peak in enumerate(peaks["peaks"]) if index not in spoken]
    assert sum(loud) / len(loud) > 3 * sum(quiet) / len(quiet)
