"""A recording that browsers cannot play gets a copy that they can, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame

from shared import jobs
from shared.errors import FenceLost, InsufficientStorage
from shared.models import LOCAL_OWNER
from shared.settings import Settings
from shared.states import JobStatus
from tests.support import factories
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.pipeline_worker import Worker
from tests.support.speech.media import RATE, Pcm, encode, lag_s, signal
from worker.audio.decode import decode
from worker.audio.playable import maker
from worker.audio.playable.process import EncodingFailed
from worker.pipeline import playable
from worker.pipeline.attempt import Attempt
from worker.pipeline.transcribe import transcribe

SECONDS = 20.0
SOUND = signal(SECONDS)


class Stop(Exception):
    """Stands for the process being killed."""


@pytest.fixture(scope="module")
def aiff(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return encode(SOUND, tmp_path_factory.mktemp("aiff") / "a", "aiff").read_bytes()


def copy_of(worker: Worker, job_id: str) -> jobs.PlayableCopy | None:
    view = worker.job(job_id)
    assert view.job.status is JobStatus.COMPLETED, view.job.error_message
    return view.job.recording.playable


def stored(worker: Worker) -> set[str]:
    return {entry.name for entry in worker.blobs.recordings()}


def sound_of(path: Path) -> tuple[float, Pcm]:
    with av.open(str(path)) as container:
        assert container.format.name == "matroska,webm"
        assert container.streams.audio[0].codec_context.name in ("opus", "libopus")
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        frames = [frame for frame in container.decode(audio=0) if isinstance(frame, AudioFrame)]
        parts = [part for frame in [*frames, None] for part in resampler.resample(frame)]
    assert frames[0].time is not None
    return frames[0].time, np.concatenate([part.to_ndarray()[0] for part in parts])


@pytest.mark.parametrize("kind", ["amr", "wma", "avi", "aiff", "aac", "m4a-alac"])
def test_the_copy_has_the_times_of_the_transcript(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    original = encode(SOUND, tmp_path / "recording", kind)
    job_id = worker.submit(original.read_bytes())
    recogniser = StubRecogniser()
    worker.run(recogniser, monkeypatch)
    copy = copy_of(worker, job_id)
    assert copy is not None
    assert copy.media_type == "audio/webm;codecs=opus"
    assert copy.size_bytes <= 4000 * SECONDS
    path = worker.blobs.root / copy.key
    assert path.stat().st_size == copy.size_bytes
    with decode(original) as audio:
        spool = np.concatenate(list(audio))
    first_s, heard = sound_of(path)
    assert abs(lag_s(heard, spool) + first_s) <= 0.02
    duration_s = worker.job(job_id).job.recording.duration_s
    assert len(heard) / RATE == pytest.approx(duration_s, abs=0.1)
    assert not list(worker.settings.work_dir.iterdir())


@pytest.mark.parametrize("kind", ["wav", "mp3", "m4a", "webm", "flac"])
def test_none_is_made_of_what_browsers_play(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    job_id = worker.submit(encode(SOUND, tmp_path / "recording", kind).read_bytes())
    monkeypatch.setattr(playable, "CopyMaker", None)
    worker.run(StubRecogniser(), monkeypatch)
    assert copy_of(worker, job_id) is None


def two_tracks(path: Path, sounds: Sequence[Pcm]) -> Path:
    with av.open(str(path), "w", format="webm") as container:
        tracks = [container.add_stream("libopus", rate=48_000, layout="mono") for _ in sounds]
        for at in range(0, len(sounds[0]), RATE):
            for track, sound in zip(tracks, sounds, strict=True):
                frame = AudioFrame.from_ndarray(
                    np.ascontiguousarray(sound[None, at : at + RATE]), format="s16", layout="mono"
                )
                frame.sample_rate, frame.pts = RATE, at
                frame.time_base = Fraction(1, RATE)
                container.mux(track.encode(frame))
        for track in tracks:
            container.mux(track.encode(None))
    return path


@pytest.mark.parametrize(
    ("options", "heard"),
    [({}, (0, 1)), ({"tracks": "each"}, (0, 1)), ({"tracks": 2}, (1,)), ({"tracks": 1}, None)],
)
def test_of_several_tracks_those_in_the_transcript_are_heard(
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    options: dict[str, object],
    heard: tuple[int, ...] | None,
) -> None:
    half = len(SOUND) // 2
    sounds = [SOUND.copy(), signal(SECONDS, seed=8)]
    sounds[0][half:] = 0
    sounds[1][:half] = 0
    with worker.blobs.receive(max_bytes=2**30) as incoming:
        incoming.write(two_tracks(tmp_path / "two.webm", sounds).read_bytes())
        blob = incoming.keep()
    job_id = factories.submit(worker.db, blob=blob, options=options)
    worker.run(StubRecogniser(), monkeypatch)
    copy = copy_of(worker, job_id)
    assert (copy is None) == (heard is None)
    if copy is not None and heard is not None:
        first_s, sound = sound_of(worker.blobs.root / copy.key)
        assert len(sound) / RATE == pytest.approx(SECONDS, abs=0.1)
        for track, part in enumerate((slice(0, half), slice(half, len(SOUND)))):
            if track in heard:
                assert abs(lag_s(sound[part], sounds[track][part]) + first_s) <= 0.02
            else:
                edge = RATE // 10  # where Opus smears what comes next
                assert np.abs(sound[part][edge:-edge]).max() < 100


def test_none_is_made_where_the_setting_says_never(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, aiff: bytes
) -> None:
    worker.settings = Settings(
        **worker.settings.model_dump(exclude_unset=True) | {"playable_copy": "never"}
    )
    job_id = worker.submit(aiff)
    worker.run(StubRecogniser(), monkeypatch)
    assert copy_of(worker, job_id) is None


@pytest.mark.parametrize(
    "error", [EncodingFailed("out of order"), InsufficientStorage(), OSError()]
)
def test_a_copy_that_cannot_be_made_costs_no_transcript(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, aiff: bytes, error: Exception
) -> None:
    def fail(*args: object, **values: object) -> None:
        raise error

    job_id = worker.submit(aiff)
    monkeypatch.setattr(maker.CopyMaker, "wait", fail)
    worker.run(StubRecogniser(), monkeypatch)
    assert copy_of(worker, job_id) is None
    assert stored(worker) == {worker.job(job_id).job.recording.blob_key}


def test_an_encoder_that_is_killed_costs_no_transcript(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, aiff: bytes
) -> None:
    job_id = worker.submit(aiff)
    real = maker.CopyEncoder.write

    def killed(self: maker.CopyEncoder, block: Pcm) -> None:
        self.kill()
        self._process.wait()
        real(self, block)

    monkeypatch.setattr(maker.CopyEncoder, "write", killed)
    worker.run(StubRecogniser(), monkeypatch)
    assert copy_of(worker, job_id) is None


def test_an_encoder_that_stands_still_is_given_up(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, aiff: bytes
) -> None:
    job_id = worker.submit(aiff)
    monkeypatch.setattr(playable, "_STANDSTILL_S", 0.5)
    monkeypatch.setattr(maker.CopyMaker, "spool_is_full", lambda self: None)
    worker.run(StubRecogniser(), monkeypatch)
    assert copy_of(worker, job_id) is None


@pytest.mark.parametrize("step", ["plan_playable_copy", "store_playable_copy", "store_recognition"])
def test_a_crash_leaves_no_bytes_that_nobody_knows_and_the_next_attempt_goes_on(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, aiff: bytes, step: str
) -> None:
    job_id = worker.submit(aiff)
    tools = worker.tools(StubRecogniser())
    first = factories.claim(worker.db)

    def die(*args: object, **values: object) -> None:
        raise Stop

    with monkeypatch.context() as patched, pytest.raises(Stop):
        patched.setattr(jobs, step, die)
        transcribe(Attempt.begin(tools, first, lambda: None))
    key, is_there = jobs.planned_playable_copy(worker.db, first)
    assert is_there == (step == "store_recognition")
    assert stored(worker) <= {first.blob_key, key}
    jobs.release(worker.db, first)
    worker.run(StubRecogniser(), monkeypatch)
    copy = copy_of(worker, job_id)
    assert copy is not None and (key is None or copy.key == key)
    assert stored(worker) == {first.blob_key, copy.key}
    jobs.delete(worker.db, worker.blobs, owner_id=LOCAL_OWNER, job_id=job_id)
    assert stored(worker) == set()


def test_an_attempt_that_lost_a_deleted_job_takes_its_copy_back(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, aiff: bytes
) -> None:
    job_id = worker.submit(aiff)
    tools = worker.tools(StubRecogniser())
    first = factories.claim(worker.db)
    real = jobs.store_playable_copy

    def late(*args: object, **values: object) -> None:
        factories.expire_lease(worker.db, job_id)
        jobs.expire_leases(worker.db, max_attempts=3)
        jobs.delete(worker.db, worker.blobs, owner_id=LOCAL_OWNER, job_id=job_id)
        real(*args, **values)  # type: ignore[arg-type]

    with monkeypatch.context() as patched, pytest.raises(FenceLost):
        patched.setattr(jobs, "store_playable_copy", late)
        transcribe(Attempt.begin(tools, first, lambda: None))
    assert stored(worker) == set()


def test_an_attempt_that_stops_while_it_waits_ends_the_encoder(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, aiff: bytes
) -> None:
    worker.submit(aiff)
    tools = worker.tools(StubRecogniser())
    claimed = factories.claim(worker.db)
    asked: list[bool] = []

    def stop() -> None:
        if asked:
            raise Stop

    def never(self: maker.CopyMaker, timeout_s: float) -> bool:
        asked.append(True)
        return False

    monkeypatch.setattr(maker.CopyMaker, "wait", never)
    with pytest.raises(Stop):
        transcribe(Attempt.begin(tools, replace(claimed), stop))
    assert not list(worker.settings.work_dir.iterdir())
