"""Recordings that went wrong in the ways that people report, down to their words and times.

Each is made of the first 48.2 s of the sample meeting, of which the bundled model hears 150 words,
and goes through the whole pipeline.
"""

from __future__ import annotations

import difflib
import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.settings import Settings
from shared.states import JobStatus
from shared.transcripts.values import Word
from tests.support import factories
from tests.support.pipeline_worker import Worker
from tests.support.recordings.makers import has_ffmpeg
from worker import child_process
from worker.configured_recogniser import load_configured_recogniser
from worker.recogniser import Recogniser
from worker.tasks import transcribe_next

SAMPLE = Path(__file__).parents[3] / "worker" / "demo_model" / "sample_meeting.flac"
BASE_S = 48.2
TURN_S = 25.9
"""A pause, in which tracks and files change over."""

PICTURE = "-f lavfi -i testsrc=s=160x120:r=10:d=55"
TONE = "-f lavfi -i 'sine=f=220:d=48,volume=0.02'"
HISS = "-f lavfi -i anoisesrc=d=48.2:c=white:a=0.5:r=16000"
SILENCE = "-f lavfi -i anullsrc=r=16000:cl=mono:d=40"
TURNS = (
    f"[0:a]volume=enable='gt(t,{TURN_S})':volume=0[a];"
    f"[1:a]volume=enable='between(t,0,{TURN_S})':volume=0[b]"
)
LUNCH = "aselect='lt(t,12.5)+gt(t,25.9)',asetpts='if(gt(T,20),PTS+7200/TB,PTS)'"

Expected = Callable[[float], float]


def as_it_is(seconds: float) -> float:
    return seconds


def five_later(seconds: float) -> float:
    return seconds + 5.0


@dataclass(frozen=True, slots=True)
class Case:
    """`commands`: arguments of ffmpeg, BASE and OUT filled in; several outputs are joined.

    words: how many of the 150 have to be there, in their order.  at: when a word is heard that the
    base has at a given second.  warnings: all that the job has.
    """

    suffix: str
    commands: tuple[str, ...]
    words: int = 150
    at: Expected = as_it_is
    warnings: tuple[str, ...] = ()


def case(suffix: str, *commands: str, **values: object) -> Case:
    return Case(suffix, commands, **values)  # type: ignore[arg-type]


CASES = {
    "the second track speaks": case(
        "mkv", f"{PICTURE} {TONE} -i BASE -map 0:v -map 1:a -map 2:a -c:v libx264 -c:a aac OUT"
    ),
    "two people on two tracks": case(
        "mp4", f'-i BASE -i BASE -filter_complex "{TURNS}" -map [a] -map [b] -c:a aac OUT'
    ),
    "one channel inverted": case(
        "wav",
        "-i BASE -af 'pan=stereo|c0=c0|c1=-1*c0' OUT",
        warnings=("channels_out_of_phase",),
    ),
    "one channel hisses": case(
        "wav", f"-i BASE {HISS} -filter_complex [0:a][1:a]join=inputs=2:channel_layout=stereo OUT"
    ),
    "30 dB over full scale": case("wav", "-i BASE -af volume=30dB -c:a pcm_f32le OUT"),
    "40 dB over full scale": case("wav", "-i BASE -af volume=40dB -c:a pcm_f32le OUT"),
    "60 dB too quiet, float": case(
        "wav", "-i BASE -af volume=-60dB -c:a pcm_f32le OUT", warnings=("very_quiet",)
    ),
    "60 dB too quiet, 24 bit": case(
        "wav", "-i BASE -af volume=-60dB -c:a pcm_s24le OUT", warnings=("very_quiet",)
    ),
    "joined AAC whose rate changes": case(
        "aac",
        f"-t {TURN_S} -i BASE -ar 16000 -c:a aac OUT",
        f"-ss {TURN_S} -i BASE -ar 44100 -ac 2 -c:a aac OUT",
    ),
    "joined WAV": case("wav", f"-t {TURN_S} -i BASE OUT", f"-ss {TURN_S} -i BASE -ar 44100 OUT"),
    "joined M4A": case("m4a", f"-t {TURN_S} -i BASE OUT", f"-ss {TURN_S} -i BASE -ac 2 OUT"),
    "a chain whose channels change": case(
        "ogg",
        f"-t {TURN_S} -i BASE -c:a libopus OUT",
        f"-ss {TURN_S} -i BASE -ac 2 -c:a libopus OUT",
    ),
    "H.264 whose sound starts late": case(
        "mkv",
        f"{PICTURE} -itsoffset 5 -i BASE -map 0:v -map 1:a -c:v libx264 -c:a aac OUT",
        at=five_later,
    ),
    "M4A whose clock begins at 5 s": case(
        "m4a", "-itsoffset 5 -i BASE -c:a aac OUT", at=five_later
    ),
    "WebM whose clock begins at 5 s": case("webm", "-itsoffset 5 -i BASE OUT", at=five_later),
    "Ogg whose clock begins at 5 s": case(
        "ogg", "-i BASE -c:a libopus -output_ts_offset 5 OUT", at=five_later
    ),
    "a break of two hours": case(
        "webm",
        f'-i BASE -af "{LUNCH}" -c:a libopus -b:a 32k OUT',
        words=112,
        at=lambda seconds: seconds + (7200 if seconds > 20 else 0),
        warnings=("silence_filled",),
    ),
    "MP3 without a table of contents": case(
        "mp3",
        f"{SILENCE} -i BASE -filter_complex [0:a][1:a]concat=n=2:v=0:a=1 -ar 44100 -q:a 4 "
        "-write_xing 0 -id3v2_version 0 OUT",
        at=lambda seconds: seconds + 40,
    ),
    "G.722": case("wav", "-i BASE -ar 16000 -c:a g722 OUT"),
    "G.723.1": case(
        "wav", "-i BASE -ar 8000 -c:a g723_1 -b:a 6300 OUT", words=138, warnings=("low_confidence",)
    ),
    "G.726": case(
        "wav", "-i BASE -ar 8000 -c:a g726 -b:a 32k OUT", words=134, warnings=("low_confidence",)
    ),
    "a camera's MXF": case(
        "mxf",
        f"{PICTURE} -i BASE -map 0:v -map 1:a -r 25 -c:v mpeg2video -ar 48000 -c:a pcm_s16le "
        "-shortest OUT",
    ),
    "S302M": case("ts", "-i BASE -ar 48000 -ac 2 -c:a s302m -strict -2 OUT"),
    "a lecture in RealMedia": case("rm", "-i BASE -c:a ac3 -f rm OUT"),
    "VOC": case("voc", "-i BASE -f voc OUT"),
}


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    return load_configured_recogniser(Settings(model="demo"), calibrate=False)


@pytest.fixture
def heard(
    sqlite_url: str, tmp_path: Path, recogniser: Recogniser, monkeypatch: pytest.MonkeyPatch
) -> Callable[[bytes], tuple[Sequence[Word], jobs.JobView]]:
    """Takes a file through the pipeline: its words, and its job."""
    worker = Worker(Database(sqlite_url), tmp_path)
    monkeypatch.setattr(child_process, "_tools", worker.tools(recogniser))

    def hear(content: bytes) -> tuple[Sequence[Word], jobs.JobView]:
        job_id = worker.submit(content)
        transcribe_next("test")
        assert factories.status_of(worker.db, job_id) == JobStatus.COMPLETED
        found = jobs.get_transcript(worker.db, owner_id=LOCAL_OWNER, job_id=job_id)
        return [word for said in found.sentences for word in said.words], worker.job(job_id)

    return hear


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not has_ffmpeg():
        if os.environ.get("CI") == "true":
            pytest.fail("the ffmpeg program is missing")
        pytest.skip("the ffmpeg program is not installed")
    path = tmp_path_factory.mktemp("words") / "base.wav"
    run(f"-t {BASE_S} -i {SAMPLE} -c:a pcm_s16le {path}")
    return path


@pytest.fixture(scope="module")
def said() -> list[Word]:
    """The words of the base, once they are known."""
    return []


def run(arguments: str) -> None:
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", *shlex.split(arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("name", CASES)
def test_every_word_is_there_at_its_time(
    name: str,
    base: Path,
    tmp_path: Path,
    said: list[Word],
    heard: Callable[[bytes], tuple[Sequence[Word], jobs.JobView]],
) -> None:
    said += [] if said else heard(base.read_bytes())[0]
    assert len(said) == 150
    wanted = CASES[name]
    joined = b""
    for number, command in enumerate(wanted.commands):
        out = tmp_path / f"{number}.{wanted.suffix}"
        run(command.replace("BASE", str(base)).replace("OUT", str(out)))
        joined += out.read_bytes()

    words, job = heard(joined)

    matcher = difflib.SequenceMatcher(
        None, [word.word for word in said], [word.word for word in words], autojunk=False
    )
    pairs = [
        (said[one + number], words[other + number])
        for one, other, length in matcher.get_matching_blocks()
        for number in range(length)
    ]
    assert len(pairs) >= wanted.words
    assert len(words) <= len(pairs) + (150 - wanted.words)
    off = {
        word.word: round(word.start - wanted.at(original.start), 2)
        for original, word in pairs
        if abs(word.start - wanted.at(original.start)) > 0.25
    }
    assert off == {}
    assert tuple(job.job.warnings) == wanted.warnings
