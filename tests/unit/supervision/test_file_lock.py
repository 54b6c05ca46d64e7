"""One process at a time holds the lock, which ends with it; a stop signal ends the waiting."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.stack import wait_for
from worker.supervision.file_lock import GivenUp, file_lock

_HOLDER = """
import sys, time
from pathlib import Path
from worker.supervision.file_lock import file_lock
with file_lock(Path(sys.argv[1]), give_up=lambda: False):
    print("held", flush=True)
    time.sleep(60)
"""


def never() -> bool:
    return False


def test_it_is_held_by_one_and_passes_on_when_its_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "lock"
    taken = threading.Event()

    def take() -> None:
        with file_lock(path, give_up=never):
            taken.set()

    command = [sys.executable, "-c", _HOLDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        waiting = threading.Thread(target=take)
        waiting.start()
        assert not taken.wait(0.5)
        holder.kill()
    wait_for(taken.is_set, what="the lock")
    waiting.join()


def test_it_is_free_again_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(KeyError), file_lock(path, give_up=never):
        raise KeyError
    with file_lock(path, give_up=never):
        pass


def test_whoever_is_told_to_stop_does_not_go_on(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(GivenUp), file_lock(path, give_up=lambda: True):
        pytest.fail("went on")
    asked = iter([False, False, True, True])
    with (
        file_lock(path, give_up=never),
        pytest.raises(GivenUp),
        file_lock(path, give_up=lambda: next(asked)),
    ):
        pytest.fail("held by two")


def test_a_folder_that_cannot_be_written_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with file_lock(tmp_path / "file" / "lock", give_up=never):
        pass
