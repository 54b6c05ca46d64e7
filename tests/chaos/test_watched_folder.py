"""`longscribe watch` is killed at every step and at any time: each file becomes one job."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from shared import jobs
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from tests.chaos.machinery.accepting_server import accepting_server, transcript_of
from tests.chaos.machinery.faulty_installation import FaultyInstallation, recording
from tests.chaos.machinery.killed_watcher import STEPS
from tests.support.stack import REPOSITORY
from tests.support.zygote.parent_death import die_with_parent

SEED = 16


def dropped(tmp_path: Path, contents: dict[str, bytes]) -> tuple[Path, Path]:
    """The folder to be watched, and that from which files come into it."""
    inbox, coming = tmp_path / "inbox", tmp_path / "coming"
    for folder in (inbox, coming):
        folder.mkdir()
    for name, content in contents.items():
        (coming / name).write_bytes(content)
    return inbox, coming


def watch_until_done(
    tmp_path: Path, contents: dict[str, bytes], url: str, *, seed: int, each: int, at_any_time: int
) -> Path:
    """Let the watcher live until all is done, killed `each` times at each step; the folder."""
    inbox, coming = dropped(tmp_path, contents)
    command = [sys.executable, "-m", "tests.chaos.machinery.killed_watcher"]
    arguments = [str(inbox), str(coming), url, str(seed), str(each), str(at_any_time)]
    begun = time.monotonic()
    done = subprocess.run(
        [*command, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        preexec_fn=die_with_parent,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    kills = Counter(told["kills"])
    assert told["last"] == 0, done.stderr
    took_s = time.monotonic() - begun
    print(
        f"\nseed {seed}: {len(contents)} files in {took_s:.0f} s through {kills.total()} kills, "
        f"{dict(kills)}"
    )
    assert [step for step in STEPS if not kills[step]] == []
    return inbox


def check_folder(inbox: Path, contents: dict[str, bytes], *, bad: set[str]) -> None:
    """Each recording lies in `done` beside its transcript or in `failed` beside the reason, and
    nothing is left of the kills."""
    lying = sorted(path.name for path in inbox.iterdir())
    assert lying == sorted([".longscribe", "done", "failed"])
    for folder, names in (("done", contents.keys() - bad), ("failed", bad)):
        beside = ".error.txt" if folder == "failed" else ""
        wanted = [
            one
            for name in names
            for one in (name, name + beside if beside else f"{Path(name).stem}.txt")
        ]
        found = sorted(path.name for path in (inbox / folder).iterdir())
        assert found == sorted(wanted)
        for name in names:
            assert (inbox / folder / name).read_bytes() == contents[name]
    assert json.loads((inbox / ".longscribe" / "notes.json").read_text()) == {}
    assert len(list((inbox / ".longscribe").iterdir())) <= 3  # the notes, the lock, a torn note


@pytest.mark.parametrize(
    ("count", "each", "at_any_time"),
    [(120, 1, 12), pytest.param(1000, 4, 50, marks=[pytest.mark.long])],
)
@pytest.mark.timeout(900)
def test_each_of_many_files_is_accepted_once_while_the_watcher_is_killed(
    count: int, each: int, at_any_time: int, tmp_path: Path
) -> None:
    chosen = random.Random(SEED)
    names = [f"{n:04} {'bad' if n % 3 == 0 else '周会'}.wav" for n in range(count)]
    # Every tenth has the content of the one before.
    contents = {name: chosen.randbytes(chosen.randint(1, 5000)) for name in names}
    for n in range(10, count, 10):
        contents[names[n]] = contents[names[n - 1]]
    with accepting_server() as server:
        inbox = watch_until_done(
            tmp_path, contents, server.url, seed=SEED, each=each, at_any_time=at_any_time
        )
        assert server.accepted() == sorted(contents.items())
    bad = {name for name in names if "bad" in name}
    check_folder(inbox, contents, bad=bad)
    for name in contents.keys() - bad:
        written = (inbox / "done" / f"{Path(name).stem}.txt").read_bytes()
        assert written == transcript_of(contents[name])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_file_is_one_job_of_a_real_server_while_the_watcher_is_killed(
    faulty: FaultyInstallation, tmp_path: Path
) -> None:
    faulty.stack.env["LONGSCRIBE_LEASE_S"] = "30"  # no worker dies here
    faulty.stack.start_web()
    faulty.start_worker()
    sound = recording(spans=1)
    contents = {f"{n:02} 周会.wav": sound for n in range(30)}
    contents |= {f"{n:02} bad.wav": b"no sound" * (n + 1) for n in range(30)}
    inbox = watch_until_done(tmp_path, contents, faulty.stack.url, seed=SEED, each=1, at_any_time=6)
    bad = {name for name in contents if "bad" in name}
    check_folder(inbox, contents, bad=bad)
    views = jobs.list_jobs(faulty.db, owner_id=LOCAL_OWNER, limit=100).jobs
    accepted = {
        name: [view.job.id for view in views if view.job.recording.filename == name]
        for name in contents
    }
    assert [name for name, ids in accepted.items() if len(ids) != 1] == []
    assert len(views) == len(contents)
    text = (inbox / "done" / "00 周会.txt").read_text()
    assert text.replace("\n", "") == faulty.transcript(accepted["00 周会.wav"][0]).text
    assert {faulty.status(accepted[name][0]) for name in bad} == {JobStatus.FAILED}
