"""A process of the embedded stack: it is started again, ended whole, and its log is bounded."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from shared.cli.embedded.child import Child
from tests.support.stack import wait_for


def test_a_death_is_told_with_a_pause_that_doubles(tmp_path: Path) -> None:
    child = Child("worker", [sys.executable, "-c", "exit(3)"], log=tmp_path / "worker.log")
    child.start()
    said: list[str] = []
    deadline = time.monotonic() + 120
    while len(said) < 3 and time.monotonic() < deadline:
        if happened := child.revive():
            said.append(happened)
        time.sleep(0.02)
    child.end(0)
    assert said == [
        "worker ended (exit status 3); starting it again in 1 s",
        "worker started again",
        "worker ended (exit status 3); starting it again in 2 s",
    ]


def test_one_that_cannot_start_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.cli.embedded.child._FIRST_PAUSE_S", 0.01)
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    child = Child("worker", [str(program)], log=tmp_path / "worker.log")
    child.start()
    said: list[str] = []

    def say_as_much_as(count: int) -> None:
        wait_for(lambda: said.extend(filter(None, [child.revive()])) or len(said) >= count)

    say_as_much_as(1)
    program.rename(tmp_path / "away")
    say_as_much_as(2)
    (tmp_path / "away").rename(program)
    say_as_much_as(3)
    child.end(0)
    assert "cannot start (No such file or directory)" in said[1]
    assert said[2] == "worker started again"


def test_one_that_does_not_stop_is_killed_with_all_below_it(tmp_path: Path) -> None:
    stubborn = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "below = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(below.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    child = Child("worker", [sys.executable, "-c", stubborn], log=tmp_path / "worker.log")
    child.start()
    while not child.last_lines():
        time.sleep(0.02)
    below = int(child.last_lines()[0])
    child.ask_to_stop()
    child.end(time.monotonic() + 0.2)
    assert child.exit_status() == "killed by SIGKILL"
    wait_for(lambda: _is_over(below), what="the process below it")


def test_only_the_lines_since_the_latest_start_are_shown(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("of an earlier run\n")
    child = Child("web", [sys.executable, "-c", "print('now')"], log=log)
    child.start()
    child.end(time.monotonic() + 120)
    assert child.last_lines() == ["now"]


def test_a_large_log_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.cli.embedded.child._LOG_KEPT_BYTES", 10)
    log = tmp_path / "web.log"
    log.write_text("more than ten bytes\n")
    child = Child("web", [sys.executable, "-c", "print('now')"], log=log)
    child.start()
    child.end(time.monotonic() + 120)
    assert log.read_text() == "now\n"
    assert (tmp_path / "web.log.1").exists()


def test_a_log_that_grows_is_set_aside_while_its_process_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.cli.embedded.child._LOG_KEPT_BYTES", 10)
    log, told = tmp_path / "web.log", tmp_path / "told"
    os.mkfifo(told)
    writes = f"source = open({str(told)!r})\nfor line in source: print(line, end='', flush=True)"
    child = Child("web", [sys.executable, "-c", writes], log=log)
    child.start()
    child.bound_log()
    with told.open("w", buffering=1) as say:
        for earlier, line in (("", "the first of them"), ("the first of them", "the second")):
            say.write(f"{line}\n")
            wait_for(lambda line=line: log.read_text() == f"{line}\n", what=line)
            assert earlier in _set_aside(log)
            child.bound_log()
            assert log.read_text() == ""
            assert _set_aside(log) == f"{line}\n"
        say.write("now\n")
    child.end(time.monotonic() + 120)
    child.bound_log()
    assert (log.read_text(), child.last_lines()) == ("now\n", ["now"])
    assert not list(tmp_path.glob("*.draft"))


def test_a_log_that_somebody_cut_or_removed_harms_nothing(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("of an earlier run, and longer than what comes\n")
    child = Child("web", [sys.executable, "-c", "print('now')"], log=log)
    child.start()
    child.end(time.monotonic() + 120)
    log.write_text("after the cut\n")
    assert child.last_lines() == ["after the cut"]
    log.unlink()
    child.bound_log()


def test_a_log_that_somebody_removes_while_it_is_set_aside_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.cli.embedded.child._LOG_KEPT_BYTES", 10)
    log = tmp_path / "web.log"
    log.write_text("more than ten bytes\n")
    copy = shutil.copyfile

    def copy_and_remove(source: Path, target: Path) -> None:
        copy(source, target)
        source.unlink()

    monkeypatch.setattr(shutil, "copyfile", copy_and_remove)
    Child("web", [sys.executable], log=log).bound_log()
    assert _set_aside(log) == "more than ten bytes\n"
    assert not log.exists()


def _set_aside(log: Path) -> str:
    kept = log.with_suffix(".log.1")
    return kept.read_text() if kept.exists() else ""


def _is_over(pid: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
