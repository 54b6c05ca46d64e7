"""Real files of twenty kinds, damaged at random: decoding ends, in time, by a documented error or
with no more sound than there can be. 160 files; LONG=1 makes them 2,000."""

from __future__ import annotations

import os
import resource
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.errors import AudioTooLong, DecodeTimeout, NoAudio, UnsupportedMedia
from shared.transcripts.recording_report import RecordingReport
from shared.transcripts.values import SAMPLE_RATE
from tests.support.recordings.kinds import KINDS, Condition
from tests.support.recordings.makers import Workshop, has_ffmpeg
from tests.support.recordings.mutations import mutate
from worker.audio.decode import decode

NAMES = (
    "WAV, 16 bit",
    "WAV, float",
    "WAV, IMA ADPCM",
    "AIFF",
    "CAF",
    "FLAC",
    "MP3",
    "AAC (ADTS)",
    "AMR",
    "M4A, AAC",
    "MP4, H.264 and AAC",
    "MP4, fragmented, H.264 and AAC",
    "Matroska, H.264 and AAC",
    "WebM, VP8 and Vorbis",
    "WebM, Opus",
    "Ogg, Opus",
    "Ogg, FLAC",
    "MPEG-TS, H.264 and AAC",
    "AVI, MP3",
    "WMA",
)
SECONDS = 12.0
SEEDS = range(8)
MORE_SEEDS = range(8, 100)

LONGEST_S = 60.0
"""Most seconds for one file; it takes half a second on an idle machine."""
MOST_MEMORY = 500 << 20
"""Bytes that the decoder's process may hold."""
MOST_SOUND = 2.2
"""Times the sound that was there: blocks are doubled, and rates are misread."""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    if not has_ffmpeg():
        if os.environ.get("CI") == "true":
            pytest.fail("the ffmpeg program is missing")
        pytest.skip("the ffmpeg program is not installed")
    return Workshop(tmp_path_factory.mktemp("damaged"), SECONDS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seeds", [SEEDS, pytest.param(MORE_SEEDS, marks=[pytest.mark.long])])
@pytest.mark.timeout(900)
def test_damage_is_survived(
    name: str,
    seeds: range,
    workshop: Workshop,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind = KINDS[name]
    recording = workshop.make(kind, Condition.PLAIN).read_bytes()
    path = tmp_path / f"damaged.{kind.suffix}"
    ends: Counter[str] = Counter()
    wrong = []
    held: list[int] = []
    monkeypatch.setattr(os, "waitpid", waiting_that_notes(held))
    for seed in seeds:
        path.write_bytes(mutate(recording, seed))
        began = time.monotonic()
        try:
            with decode(path) as audio:
                samples = sum(len(block) for block in audio)
        except (UnsupportedMedia, NoAudio, AudioTooLong, DecodeTimeout) as error:
            ends[type(error).__name__] += 1
        else:
            ends["decoded"] += 1
            wrong += [f"seed {seed}: {fault}" for fault in faults(samples, audio.report)]
        took_s = time.monotonic() - began
        if took_s > LONGEST_S:
            wrong.append(f"seed {seed}: took {took_s:.1f} s")
        if "Traceback" in caplog.text:
            # Whatever is wrong with a file, the decoder's own code has an answer to it.
            wrong.append(f"seed {seed}: {caplog.messages[-1]}")
        caplog.clear()

    print(f"{name}: {dict(ends)}, {max(held) >> 20} MiB at the most")
    assert wrong == []
    assert held
    # The kernel counts what this process held when it began a child as held by the child.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert max(held) <= max(MOST_MEMORY, own)


def waiting_that_notes(held: list[int]) -> Callable[[int, int], tuple[int, int]]:
    """An os.waitpid that notes the most bytes which each ended child held at once."""

    def waitpid(pid: int, options: int) -> tuple[int, int]:
        ended, status, usage = os.wait4(pid, options)
        if ended:
            held.append(usage.ru_maxrss * 1024)
        return ended, status

    return waitpid


def faults(samples: int, report: RecordingReport) -> list[str]:
    """What of the sound there cannot have been; sentences."""
    told_s = max(report.announced_s or 0.0, SECONDS * MOST_SOUND)
    found = [
        f"track {track.number} has {track.decoded_s:.1f} s of sound"
        for track in report.tracks
        if track.decoded_s > told_s
    ]
    filled_s = report.filled_s + max((track.starts_s for track in report.tracks), default=0.0)
    if samples / SAMPLE_RATE > told_s + filled_s + 1.0:
        found.append(f"{samples / SAMPLE_RATE:.1f} s, of which {filled_s:.1f} s are holes")
    return found
