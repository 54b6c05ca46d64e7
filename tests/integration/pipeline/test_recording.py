"""What a job asks of its recording, and what the recording does to times and to the account."""

from __future__ import annotations

import dataclasses
import threading
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from shared import jobs
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from shared.transcripts.recording_report import ChannelUse, TrackUse
from shared.transcripts.values import Sentence
from tests.support import factories
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.pipeline_worker import Worker
from tests.support.stack_without_http import as_wav
from worker.audio.decode import BLOCK_S, DecodedAudio
from worker.audio.player_clock import PlayerClock
from worker.pipeline.attempt import Attempt
from worker.pipeline.transcribe import transcribe
from worker.recogniser import SAMPLE_RATE

RANDOM = np.random.default_rng(5)


def speech(*turns: tuple[float, float]) -> np.ndarray:
    """Half a minute of silence with noise from each `start` to `end`, in seconds."""
    sound = np.zeros(30 * SAMPLE_RATE, np.int16)
    for start, end in turns:
        at = slice(round(start * SAMPLE_RATE), round(end * SAMPLE_RATE))
        sound[at] = RANDOM.normal(0, 4000, at.stop - at.start).clip(-32_000, 32_000)
    return sound


LEFT, RIGHT = speech((2, 4), (12, 14)), speech((7, 9), (20, 22))


def stereo() -> bytes:
    return as_wav(np.stack([LEFT, RIGHT], axis=1), channels=2)


def submit(worker: Worker, content: bytes, **options: object) -> str:
    with worker.blobs.receive(max_bytes=2**30) as incoming:
        incoming.write(content)
        blob = incoming.keep()
    return factories.submit(worker.db, blob=blob, options=options)


def sentences(worker: Worker, job_id: str) -> tuple[Sentence, ...]:
    return jobs.get_transcript(worker.db, owner_id=LOCAL_OWNER, job_id=job_id).sentences


def test_channels_together_are_one_speaker_and_the_account_is_kept(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = submit(worker, stereo())
    worker.run(StubRecogniser(), monkeypatch)
    found = sentences(worker, job_id)
    assert {sentence.speaker for sentence in found} == {None}
    assert found[0].start < 4 and found[-1].end > 20
    report = worker.job(job_id).report
    assert report is not None
    assert (report.container, report.decoded_s, report.parts) == ("wav", 30.0, 1)
    assert [(track.codec, track.channels, track.use) for track in report.tracks] == [
        ("pcm_s16le", 2, TrackUse.MIXED)
    ]


def test_each_channel_is_a_person_and_the_sentences_are_in_order_of_time(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = submit(worker, stereo(), channels="each")
    worker.run(StubRecogniser(), monkeypatch)
    found = sentences(worker, job_id)
    turns = [
        (speaker, next(said).start)
        for speaker, said in groupby(found, key=lambda sentence: sentence.speaker)
    ]
    assert [speaker for speaker, _ in turns] == ["Channel 1", "Channel 2"] * 2
    assert [start for _, start in turns] == pytest.approx([2, 7, 12, 20], abs=0.5)
    starts = [sentence.start for sentence in found]
    assert starts == sorted(starts)
    shown = worker.job(job_id)
    assert shown.job.recording.duration_s == pytest.approx(30.0)
    assert shown.report is not None
    assert shown.report.tracks[0].channel_use is ChannelUse.SEPARATE


def test_two_channels_in_which_people_speak_at_once(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = np.stack([speech((2, 6)), speech((4, 8))], axis=1)
    jobs_ = [submit(worker, as_wav(sound, channels=2), channels=how) for how in ("each", "mix")]
    for _ in jobs_:
        worker.run(StubRecogniser(), monkeypatch)
    apart, together = (
        jobs.get_transcript(worker.db, owner_id=LOCAL_OWNER, job_id=job_id) for job_id in jobs_
    )
    assert apart.at_once is not None
    [(began, ended)] = apart.at_once
    assert (began, ended) == pytest.approx((4, 6), abs=0.6)
    assert together.at_once is None


def test_one_channel_alone(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = submit(worker, stereo(), channels=2)
    worker.run(StubRecogniser(), monkeypatch)
    found = sentences(worker, job_id)
    assert {sentence.speaker for sentence in found} == {None}
    inside = [7 <= sentence.start + 0.5 <= 10 or sentence.start + 0.5 >= 20 for sentence in found]
    assert all(inside) and found[0].start < 10 and found[-1].start > 19


@pytest.mark.parametrize("options", [{"channels": 3}, {"tracks": 2}])
def test_what_is_not_there_is_said(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, options: dict[str, object]
) -> None:
    job_id = submit(worker, stereo(), **options)
    worker.run(StubRecogniser(), monkeypatch)
    job = worker.job(job_id).job
    assert (job.status, job.error_code) == (JobStatus.FAILED, "no_audio")
    assert "fewer" in (job.error_message or "")


class Stop(Exception):
    """Stands for the process being killed."""


@pytest.mark.parametrize("batches", [1, 3])
def test_each_is_the_same_after_an_attempt_that_died(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    undisturbed = submit(worker, stereo(), channels="each")
    worker.run(StubRecogniser(), monkeypatch)
    job_id = submit(worker, stereo(), channels="each")
    tools = worker.tools(StubRecogniser())
    monkeypatch.setattr(tools.batch_sizer, "_fixed_s", 3.0)
    first = factories.claim(worker.db)

    def die() -> None:
        if len(tools.recogniser.batches) >= batches:  # type: ignore[attr-defined]
            raise Stop

    with pytest.raises(Stop):
        transcribe(Attempt.begin(tools, first, die))
    jobs.release(worker.db, first)
    worker.run(StubRecogniser(), monkeypatch)
    assert sentences(worker, job_id) == sentences(worker, undisturbed)


def test_times_follow_the_players_clock(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the tenth second on the recorder's clock is 0.8 s behind the samples."""
    clock = PlayerClock()
    clock.note(10 * SAMPLE_RATE, 9.2)

    class SteppedBack(DecodedAudio):
        @property
        def clock(self) -> PlayerClock:
            return clock

    def decode(path: Path, *, limits: object, abandoned: threading.Event, **take: object) -> object:
        return SteppedBack(path, limits, BLOCK_S, abandoned, **take)  # type: ignore[arg-type]

    plain = submit(worker, as_wav(LEFT))
    worker.run(StubRecogniser(), monkeypatch)
    monkeypatch.setattr("worker.pipeline.speech_source.decode", decode)
    stepped = submit(worker, as_wav(LEFT))
    worker.run(StubRecogniser(), monkeypatch)
    before, after = sentences(worker, plain), sentences(worker, stepped)
    assert after[0] == before[0]
    later = [dataclasses.astuple(word)[1:3] for word in before[-1].words]
    heard = [dataclasses.astuple(word)[1:3] for word in after[-1].words]
    assert np.subtract(later, heard) == pytest.approx(0.8, abs=1e-6)
