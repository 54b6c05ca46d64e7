"""The parent believes nothing that the child says: here the child is somebody else's program."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from shared.errors import (
    AudioTooLong,
    DecodeTimeout,
    LongscribeError,
    NoAudio,
    TransientError,
    UnsupportedMedia,
    WorkerLost,
)
from worker.audio.decode import DecodeLimits, decode
from worker.audio.decoder import process

HEADER = (
    """say(event="guard", confined=True); """
    """say(event="header", duration_s=1.0, tracks=[dict(heard=True, channels=1)])"""
)
DONE = """say(event="done")"""
SOUND = """piece(100)"""

Impostor = Callable[[str], Path]


@pytest.fixture
def impostor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Impostor:
    """Puts a program in the decoder's place, and gives a recording for it not to read."""
    python = sys.executable

    def install(code: str) -> Path:
        script = tmp_path / "impostor"
        script.write_text(
            f"#!{python}\nimport json, os, signal, struct, sys, time\n"
            "def say(**facts): os.write(2, json.dumps(facts).encode() + b'\\n')\n"
            "def piece(samples, at=0.0, track=0, channels=1, size=None):\n"
            "    os.write(1, struct.pack('=HHId', track, channels, samples, at))\n"
            "    os.write(1, bytes(4 * samples if size is None else size))\n" + code
        )
        script.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(script))
        recording = tmp_path / "recording"
        recording.write_bytes(b"x")
        return recording

    return install


def decode_all(recording: Path, **limits: float) -> int:
    values = DecodeLimits(**({"wall_s": 60.0, "stall_s": 60.0} | limits))  # type: ignore[arg-type]
    with decode(recording, limits=values) as audio:
        return sum(len(block) for block in audio)


def test_an_honest_one_is_heard(impostor: Impostor) -> None:
    assert decode_all(impostor(f"{HEADER}; {SOUND}; {DONE}")) == 100


@pytest.mark.parametrize(
    ("code", "error"),
    [
        pytest.param("", UnsupportedMedia, id="says nothing"),
        pytest.param("sys.exit(1)", UnsupportedMedia, id="fails at once"),
        pytest.param(HEADER, UnsupportedMedia, id="ends without a word"),
        pytest.param(f"{HEADER}; {SOUND}", UnsupportedMedia, id="sound without an end"),
        pytest.param(
            f"{HEADER}; {SOUND}; {DONE}; sys.exit(1)", UnsupportedMedia, id="fails at the end"
        ),
        pytest.param(
            f"{HEADER}; {SOUND}; os.write(1, bytes(7)); {DONE}", UnsupportedMedia, id="half a head"
        ),
        pytest.param(
            f"{HEADER}; piece(100, size=399); {DONE}", UnsupportedMedia, id="half a sample"
        ),
        pytest.param(f"{HEADER}; piece(100, track=1); {DONE}", UnsupportedMedia, id="no track"),
        pytest.param(f"{HEADER}; piece(0); {DONE}", UnsupportedMedia, id="no samples"),
        pytest.param(f"{HEADER}; piece(2**32 - 1, size=0); {DONE}", UnsupportedMedia, id="many"),
        pytest.param(
            f"{HEADER}; piece(9, channels=60000, size=0); {DONE}", UnsupportedMedia, id="channels"
        ),
        pytest.param(f"{HEADER}; piece(100, at=float('nan'))", UnsupportedMedia, id="no time"),
        pytest.param(f"{HEADER}; piece(100, at=1e300); {DONE}", AudioTooLong, id="end of time"),
        pytest.param("say(event=[]); say(event=7); say(); print(5)", UnsupportedMedia, id="odd"),
        pytest.param("os.write(2, b'[' * 9000 + b'\\n')", UnsupportedMedia, id="deeply nested"),
        pytest.param("os.write(2, b'[1]\\nnull\\n{{{\\n')", UnsupportedMedia, id="not objects"),
        pytest.param(
            "while True: os.write(2, b'x' * 4096)", UnsupportedMedia, id="a line without an end"
        ),
        pytest.param(
            f"{HEADER}\nwhile True: say(event='done', samples='many')",
            DecodeTimeout,
            id="talks without end",
        ),
        pytest.param("os.kill(os.getpid(), signal.SIGSEGV)", UnsupportedMedia, id="crashes"),
        pytest.param(
            "os.kill(os.getpid(), signal.SIGXCPU)", DecodeTimeout, id="out of processor time"
        ),
        pytest.param("os.kill(os.getpid(), signal.SIGKILL)", WorkerLost, id="killed from outside"),
        pytest.param("say(event='error', code='no_audio')", NoAudio, id="no audio"),
        pytest.param("say(event='error', code='root')", UnsupportedMedia, id="unknown code"),
        pytest.param("say(event='error', code=['x'])", UnsupportedMedia, id="no code"),
    ],
)
def test_whatever_it_does_is_an_error_with_a_code(
    impostor: Impostor, code: str, error: type[LongscribeError]
) -> None:
    # Where its time is not to be up, a busy machine may need some for Python's start.
    within_s = 1.5 if error is DecodeTimeout else 60.0
    with pytest.raises(error):
        decode_all(impostor(code), wall_s=within_s, stall_s=within_s)


def test_killed_from_outside_is_worth_another_try() -> None:
    assert issubclass(WorkerLost, TransientError)


def test_sound_without_end_stops_at_the_cap(impostor: Impostor) -> None:
    with pytest.raises(AudioTooLong):
        endless = f"{HEADER}\nat = 0.0\nwhile True: piece(1024, at); at += 0.064"
        decode_all(impostor(endless), max_audio_s=20)


@pytest.mark.parametrize("claim", ["-5", "0", "None", "'long'", "float('nan')", "[1]", "10**400"])
def test_an_absurd_duration_is_none(impostor: Impostor, claim: str) -> None:
    recording = impostor(
        f"say(event='header', duration_s={claim}, parts={claim}, tracks={claim}); {SOUND}; {DONE}"
    )
    with decode(recording) as audio:
        assert audio.duration_s is None
        assert sum(len(block) for block in audio) == 100


def test_memory_is_named_when_memory_was_the_reason(impostor: Impostor) -> None:
    with pytest.raises(UnsupportedMedia, match="1024 MiB of memory"):
        decode_all(impostor("say(event='error', code='memory'); sys.exit(3)"))


def test_a_child_that_is_not_confined_is_logged(
    impostor: Impostor, caplog: pytest.LogCaptureFixture
) -> None:
    recording = impostor(
        f"say(event='guard', confined=False, reason='seccomp: Invalid argument'); {HEADER}; "
        f"{SOUND}; {DONE}"
    )
    with caplog.at_level(logging.WARNING):
        assert decode_all(recording) == 100
    assert "seccomp: Invalid argument" in caplog.text


def test_a_traceback_goes_to_the_log_and_never_to_the_person(
    impostor: Impostor, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UnsupportedMedia) as caught:
        decode_all(impostor("raise RuntimeError('internal detail')"))
    assert "internal detail" in caplog.text
    assert "internal detail" not in caught.value.message


def test_the_child_gets_no_environment_and_no_descriptors(
    impostor: Impostor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGSCRIBE_DATABASE_URL", "postgresql://user:secret@db/longscribe")
    seen = tmp_path / "seen"
    look = f"facts = [dict(os.environ), sorted(os.listdir('/proc/self/fd'))]; {HEADER}"
    recording = impostor(f"{look}; open({str(seen)!r}, 'w').write(json.dumps(facts))")
    with (tmp_path / "another job").open("w") as other:
        os.set_inheritable(other.fileno(), True)
        with pytest.raises(UnsupportedMedia):
            decode_all(recording)
    environment, descriptors = json.loads(seen.read_text())
    # LC_CTYPE is Python's own doing; 3 is the listing itself.
    assert set(environment) <= {"PYTHONPATH", "LC_ALL", "LC_CTYPE"}
    assert descriptors == ["0", "1", "2", "3"]


def test_time_that_the_reader_takes_is_not_the_childs(
    impostor: Impostor, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_s = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + taken_s)
    monkeypatch.setattr(process, "time", clock)
    recording = impostor(f"{HEADER}\nfor second in range(10): piece(16000, float(second))\n{DONE}")
    limits = DecodeLimits(wall_s=60.0, stall_s=60.0, wall_s_per_audio_s=0.01)
    with decode(recording, limits=limits, block_s=2.5) as audio:
        got = 0
        for block in audio:
            got += len(block)
            taken_s += 40.0
    assert got == 160_000


def test_blocks_are_writable_and_not_shared(impostor: Impostor) -> None:
    recording = impostor(f"{HEADER}; {SOUND}; {DONE}")
    with decode(recording, block_s=0.002) as audio:
        first, second = next(audio), next(audio)
    first[:] = 7
    assert not np.shares_memory(first, second)


def test_limits_that_refuse_everything_are_refused() -> None:
    with pytest.raises(ValueError, match="256 MiB"):
        DecodeLimits(memory_bytes=1 << 20)
    with pytest.raises(ValueError, match="refuses every recording"):
        DecodeLimits(wall_s=0)


def test_budgets_grow_with_the_sound() -> None:
    limits = DecodeLimits(max_audio_s=3600, cpu_s=10, cpu_s_per_audio_s=0.1, wall_s=5)
    assert limits.cpu_budget_s == 370
    assert limits.wall_budget_s(0) == 5
    assert limits.wall_budget_s(16_000 * 100) == 55
