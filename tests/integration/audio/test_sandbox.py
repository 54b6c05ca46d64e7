"""A process in the sandbox that somebody has taken over gets nowhere, and its parent goes on."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shared.errors import (
    DecodeTimeout,
    LongscribeError,
    SandboxUnavailable,
    UnsupportedMedia,
)
from tests.support.stack import REPOSITORY
from worker.audio.decode import DecodeLimits, decode
from worker.audio.playable.process import CopyEncoder, EncodingFailed
from worker.audio.sandbox.check import why_unavailable
from worker.audio.sandbox.system_calls import Role


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    """Another process of the same user, which lives until the test has looked at it."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with process:
        yield process
        process.kill()


@pytest.mark.parametrize("role", Role)
def test_whatever_it_tries_is_refused(
    role: Role, tmp_path: Path, victim: subprocess.Popen[bytes]
) -> None:
    precious = tmp_path / "another job"
    precious.write_text("precious")
    done = subprocess.run(
        [
            *("sh", "-c", 'exec "$@" 9<>"$0"', str(precious)),
            *(sys.executable, "-m", "tests.support.doubles.hostile_child"),
            *(role.value, str(victim.pid), str(precious)),
        ],
        env={"PYTHONPATH": str(REPOSITORY)},
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
    )
    # SIGSEGV: a kernel without 32-bit calls, which come last.
    assert done.returncode in (0, -signal.SIGSEGV), done.stderr.decode()
    lines = done.stdout.splitlines()
    assert lines, done.stderr.decode()
    outcomes = {name: said for line in lines for name, said in json.loads(line).items()}
    assert {name: said for name, said in outcomes.items() if said != "EPERM"} == {}
    assert len(outcomes) > 1000
    assert victim.poll() is None
    assert precious.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == [precious.name]


def taken_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, guard: str = "") -> Path:
    """Have the decoder's process run `code` once it is in its sandbox; a recording to decode."""
    script = tmp_path / "taken over"
    script.write_text(
        f"#!{sys.executable}\n"
        "import json, os, signal, sys\n"
        "from worker.audio.sandbox import resource_limits, seccomp\n"
        "from worker.audio.sandbox.system_calls import Role\n"
        "terms = json.loads(sys.argv[-1])\n"
        "def say(**facts): os.write(2, json.dumps(facts).encode() + b'\\n')\n"
        "resource_limits.die_with_parent(terms['parent_pid'])\n"
        "resource_limits.limit_resources(terms['memory_bytes'], terms['cpu_s'])\n"
        + (guard or "seccomp.confine(Role.DECODER); say(event='guard', confined=True)")
        + f"\n{code}\n"
    )
    script.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(script))
    recording = tmp_path / "recording"
    recording.write_bytes(b"x")
    return recording


HEADER = "say(event='header', duration_s=1.0, tracks=[dict(heard=True, channels=1)])\n"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        pytest.param("kept = b''\nwhile True: kept += bytes(1 << 28)", UnsupportedMedia, id="bomb"),
        pytest.param(
            "try: signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nexcept OSError: pass\n"
            "while True: pass",
            DecodeTimeout,
            id="endless loop",
        ),
        pytest.param(
            f"{HEADER}while True: os.write(1, b'\\xff' * 4096)", UnsupportedMedia, id="lies"
        ),
        pytest.param("while True: os.write(2, b'{' * 4096)", UnsupportedMedia, id="talks"),
        pytest.param("os.close(1); os.close(2)\nwhile True: pass", DecodeTimeout, id="goes silent"),
        pytest.param("os.kill(os.getppid(), signal.SIGKILL)", UnsupportedMedia, id="kills"),
    ],
)
def test_its_parent_sees_a_failure_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, error: type[LongscribeError]
) -> None:
    limits = DecodeLimits(max_audio_s=1, cpu_s=1, wall_s=20, stall_s=20, sandbox_required=True)
    recording = taken_over(monkeypatch, tmp_path, code)
    with pytest.raises(error), decode(recording, limits=limits) as audio:
        for _ in audio:
            pass


def test_nothing_is_decoded_without_the_sandbox_where_it_is_required(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    unconfined = "say(event='guard', confined=False, reason='seccomp: Invalid argument')"
    recording = taken_over(monkeypatch, tmp_path, HEADER, guard=unconfined)
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(SandboxUnavailable),
        decode(recording, limits=DecodeLimits(sandbox_required=True)),
    ):
        pass
    assert "seccomp: Invalid argument" in caplog.text


def test_the_sound_counts_only_once_the_sandbox_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recording = taken_over(monkeypatch, tmp_path, HEADER, guard="pass")
    with (
        pytest.raises(SandboxUnavailable),
        decode(recording, limits=DecodeLimits(sandbox_required=True)),
    ):
        pass


def test_the_encoder_of_the_playable_copy_is_in_the_sandbox(tmp_path: Path) -> None:
    with CopyEncoder(tmp_path / "copy", sandbox_required=True) as encoder:
        encoder.write(np.zeros(16_000 * 60, np.int16))  # more than the pipe holds: it reads by now
        status = Path(f"/proc/{encoder.pid}/status").read_text()
        encoder.finish()
    assert "Seccomp:\t2" in status
    assert "NoNewPrivs:\t1" in status


@pytest.fixture
def on_riscv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Children believe that they run on a processor for which there is no filter."""
    (tmp_path / "platform.py").write_text("def machine(): return 'riscv64'\n")
    for module in ("worker.audio.playable.process", "worker.audio.sandbox.check"):
        monkeypatch.setattr(f"{module}._SOURCE_ROOT", f"{tmp_path}:{REPOSITORY}")


@pytest.mark.usefixtures("on_riscv")
def test_the_encoder_makes_no_copy_without_the_sandbox_where_it_is_required(tmp_path: Path) -> None:
    with (
        pytest.raises(EncodingFailed, match="riscv64"),
        CopyEncoder(tmp_path / "copy", sandbox_required=True) as encoder,
    ):
        encoder.finish()


def test_the_check_finds_it_here() -> None:
    assert why_unavailable() is None


@pytest.mark.usefixtures("on_riscv")
def test_the_check_says_why_it_is_not_there() -> None:
    assert why_unavailable() == "no list of system calls for riscv64"
