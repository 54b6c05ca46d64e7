"""What `longscribe doctor` makes of what it is told, and that no check can hold up the others."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

import migrations
from shared.cli.doctor import database as doctor_database
from shared.cli.doctor import examine as doctor
from shared.cli.doctor import sandbox as doctor_sandbox
from shared.cli.doctor import speech as doctor_speech
from shared.cli.doctor.disk import check_data_folder, check_disk
from shared.cli.doctor.finding import (
    Check,
    Finding,
    Level,
    guarded,
    ok,
    problem,
    unchecked,
    warning,
)
from shared.cli.embedded.data_folder import claimed, holder
from shared.cli.main import app
from shared.db import Database
from shared.settings import Settings


class TestGuard:
    def test_a_check_that_fails_or_hangs_costs_its_own_finding_only(self) -> None:
        never = threading.Event()

        def hangs() -> list[Finding]:
            never.wait()
            return []

        def fails() -> list[Finding]:
            raise RuntimeError("the first line\nthe second")

        found = guarded(
            [
                Check("hangs", hangs, within_s=0.1),
                Check("hung", hangs, within_s=0.1, when_late=Level.PROBLEM),
                Check("fails", fails),
                Check("works", lambda: [ok("works", "well")]),
            ]
        )
        never.set()
        assert [[finding.level for finding in findings] for findings in found] == [
            ["unchecked"],
            ["problem"],
            ["unchecked"],
            ["ok"],
        ]
        assert "no answer within" in found[0][0].finding
        assert found[2][0].finding == "the check failed (RuntimeError: the first line)"


class TestAnswer:
    @pytest.mark.parametrize(
        ("findings", "status"),
        [
            ([ok("a", "b")], 0),
            ([ok("a", "b"), warning("a", "b", "c")], 0),
            ([unchecked("a", "b"), ok("a", "b")], 2),
            ([unchecked("a", "b"), problem("a", "b", "c")], 1),
        ],
    )
    def test_the_exit_status_is_that_of_the_worst(
        self, findings: list[Finding], status: int
    ) -> None:
        assert doctor.exit_status(findings) == status
        assert json.loads(doctor.as_json(findings))["exit_status"] == status

    def test_people_read_columns_and_below_them_what_to_do(self) -> None:
        text = doctor.as_columns(
            [ok("disk", "9 GB free"), problem("redis", "does not answer " * 9, "Start it.")]
        )
        lines = text.splitlines()
        assert lines[0] == "ok       disk   9 GB free"
        assert lines[1].startswith("problem  redis  does not answer")
        assert lines[-1] == " " * 16 + "-> Start it."
        assert max(map(len, lines)) <= 100

    def test_a_setting_that_makes_no_sense_means_that_nothing_could_be_checked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LONGSCRIBE_DATABASE_URL", "mysql://somewhere")
        result = CliRunner().invoke(app, ["doctor"])
        assert result.exit_code == 2
        assert "LONGSCRIBE_DATABASE_URL: must start with" in result.output

    @pytest.mark.parametrize(
        ("seconds", "words"),
        [(-1, "0 s"), (119, "119 s"), (600, "10 min"), (12_000, "3 h 20 min"), (8e5, "9 d")],
    )
    def test_times_read_as_people_say_them(self, seconds: float, words: str) -> None:
        assert doctor_database.in_words(seconds) == words


class TestFolders:
    def test_a_folder_that_is_not_there_yet_is_fine_and_stays_unmade(self, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path / "not" / "yet")
        (found,) = check_data_folder(settings)
        assert found.level is Level.OK and "not made yet" in found.finding
        assert check_disk(settings)[0].level is not Level.PROBLEM
        assert list(tmp_path.iterdir()) == []

    def test_one_that_cannot_be_made_is_a_problem(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        (found,) = check_data_folder(Settings(data_dir=tmp_path / "file" / "data"))
        assert found.level is Level.PROBLEM
        assert "LONGSCRIBE_DATA_DIR" in found.what_to_do

    def test_a_part_of_it_that_cannot_be_written_to_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "recordings").touch()
        (found,) = check_data_folder(Settings(data_dir=tmp_path))
        assert found.level is Level.PROBLEM
        assert str(tmp_path / "recordings") in found.finding

    @pytest.mark.parametrize(
        ("number", "what_to_do"),
        [
            (errno.ENOSPC, "Make room"),
            (errno.EDQUOT, "quota"),
            (errno.EROFS, "for writing"),
            (errno.EACCES, "Give this user"),
        ],
    )
    def test_what_to_do_depends_on_why_nothing_can_be_written(
        self, number: int, what_to_do: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(folder: Path) -> None:
            raise OSError(number, os.strerror(number), str(folder))

        monkeypatch.setattr("shared.cli.doctor.disk.require_writable", refuse)
        (found,) = check_data_folder(Settings(data_dir=tmp_path))
        assert os.strerror(number) in found.finding
        assert what_to_do in found.what_to_do

    def test_a_database_on_a_disk_to_be_read_only_is_told_by_its_mount(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "longscribe.db").touch()
        monkeypatch.setattr(os, "access", lambda *_: False)
        settings = Settings(data_dir=tmp_path)
        assert "Give this user" in doctor_database.check_database(settings)[0].what_to_do
        monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
        assert "Mount" in doctor_database.check_database(settings)[0].what_to_do

    def test_looking_leaves_nothing_behind(self, tmp_path: Path) -> None:
        (tmp_path / "recordings" / "incoming").mkdir(parents=True)
        (found,) = check_data_folder(Settings(data_dir=tmp_path))
        assert found.level is Level.OK
        assert list((tmp_path / "recordings" / "incoming").iterdir()) == []

    @pytest.mark.parametrize(
        ("limits", "storage", "work_folder"),
        [
            ({"min_free_bytes": 0, "max_audio_s": 60}, Level.OK, Level.OK),
            ({"min_free_bytes": 0, "max_audio_s": 3e9}, Level.OK, Level.WARNING),
            ({"min_free_bytes": 2**60}, Level.PROBLEM, Level.PROBLEM),
        ],
    )
    def test_free_space_is_held_against_the_reserve_and_the_longest_recording(
        self, limits: dict[str, Any], storage: Level, work_folder: Level, tmp_path: Path
    ) -> None:
        found = check_disk(Settings(data_dir=tmp_path, **limits))
        assert [(finding.thing, finding.level) for finding in found] == [
            ("disk", storage),
            ("work folder", work_folder),
        ]

    def test_who_holds_the_folder_is_told_and_neither_looking_nor_holding_is_in_the_way(
        self, tmp_path: Path
    ) -> None:
        assert holder(tmp_path) is None
        with claimed(tmp_path):
            assert holder(tmp_path) == str(os.getpid())
        assert holder(tmp_path) is None


class TestSchema:
    def test_an_old_an_unknown_and_no_schema_are_told_apart(self) -> None:
        def judged(current: str | None, *, is_known: bool) -> Finding:
            return doctor_database.judge_schema(
                migrations.SchemaState(current, "0002", is_known=is_known)
            )

        assert judged("0002", is_known=True).level is Level.OK
        assert "longscribe migrate" in judged("0001", is_known=True).what_to_do
        assert "newer" in judged("9999", is_known=False).finding
        assert "no tables" in judged(None, is_known=False).finding


class TestClock:
    @pytest.fixture
    def db(self, sqlite_url: str) -> Iterator[Database]:
        database = Database(sqlite_url)
        yield database
        database.dispose()

    @pytest.mark.parametrize(
        ("off_s", "says"), [(0, "agrees"), (-1800, "30 min behind"), (1800, "30 min ahead of")]
    )
    def test_this_machine_s_is_held_against_the_database_s(
        self, off_s: int, says: str, db: Database
    ) -> None:
        (found,) = doctor_database.check_clock(
            db, lambda: datetime.now(UTC) + timedelta(seconds=off_s)
        )
        assert says in found.finding
        assert found.level is (Level.WARNING if off_s else Level.OK)


class TestSpeech:
    def test_a_worker_s_packages_are_needed_where_the_stack_is_embedded_only(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            doctor_speech, "find_spec", lambda name: None if name == "torch" else object()
        )
        (embedded,) = doctor_speech.check_speech(Settings())
        (apart,) = doctor_speech.check_speech(Settings(redis_url="redis://redis"))  # type: ignore[arg-type]
        assert (embedded.level, apart.level) == (Level.PROBLEM, Level.WARNING)
        assert "torch cannot be found" in embedded.finding

    def test_an_engine_that_says_nothing_leaves_both_unchecked_with_its_last_words(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        python = tmp_path / "python"
        python.write_text("#!/bin/sh\necho noise; echo first >&2; echo 'no libcudart' >&2; exit 1")
        python.chmod(0o755)
        monkeypatch.setattr(doctor_speech.sys, "executable", str(python))
        found = doctor_speech.check_speech(Settings())
        assert [finding.level for finding in found] == [Level.UNCHECKED] * 3
        assert "no libcudart" in found[0].finding

    def test_what_an_engine_said_before_it_hung_counts(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        python = tmp_path / "python"
        python.write_text('#!/bin/sh\necho \'{"topic": "model", "path": "/m"}\'; exec sleep 60')
        python.chmod(0o755)
        monkeypatch.setattr(doctor_speech.sys, "executable", str(python))
        monkeypatch.setattr(doctor_speech, "ENGINE_WITHIN_S", 5.0)
        found = doctor_speech.check_speech(Settings())
        levels = [finding.level for finding in found]
        assert levels == [Level.OK, Level.UNCHECKED, Level.UNCHECKED]

    @pytest.mark.parametrize(("offline", "level"), [(False, Level.WARNING), (True, Level.PROBLEM)])
    def test_a_model_to_be_downloaded_is_a_problem_where_nothing_may_be(
        self, offline: bool, level: Level
    ) -> None:
        told = {"error": "not on this machine", "to_be_downloaded": True}
        found = doctor_speech.judge_model(Settings(model_offline=offline), told, "")
        assert found.level is level

    @pytest.mark.parametrize(
        ("device", "told", "driver", "level", "says"),
        [
            ("auto", {"device": "cpu"}, [], Level.OK, "auto is cpu"),
            ("auto", {"device": "cpu"}, ["H100"], Level.WARNING, "H100, but torch 2"),
            ("cpu", {"device": "cpu"}, ["H100"], Level.OK, "not used"),
            ("auto", {"device": "cuda:0", "name": "H100"}, ["H100"], Level.OK, "cuda:0 (H100)"),
            ("cuda:1", {"error": "sees 1 GPUs"}, ["H100"], Level.PROBLEM, "lists H100"),
        ],
    )
    def test_the_device_asked_for_is_held_against_what_torch_and_the_driver_see(
        self, device: str, told: dict[str, str], driver: list[str], level: Level, says: str
    ) -> None:
        found = doctor_speech.judge_device(
            Settings(device=device), {"torch": "2", **told}, "", driver
        )
        assert found.level is level
        assert says in found.finding

    @pytest.mark.parametrize(
        ("told", "level", "says"),
        [
            (None, Level.UNCHECKED, "did not get so far: killed"),
            ({"error": "no room", "no_room": True}, Level.WARNING, "beside what runs here now"),
            ({"error": "broken", "no_room": False}, Level.PROBLEM, "cannot be loaded"),
        ],
    )
    def test_what_came_of_loading_the_model_is_told(
        self, told: dict[str, object] | None, level: Level, says: str
    ) -> None:
        found = doctor_speech.judge_recognition(Settings(model="demo"), told, "killed")
        assert found.level is level
        assert says in found.finding

    def test_a_model_for_speakers_is_told_of_only_where_it_cannot_be_used(self) -> None:
        for told in ({}, {"path": "/m"}, {"error": "not here", "to_be_downloaded": True}):
            assert doctor_speech.judge_speakers(told) == []
        [found] = doctor_speech.judge_speakers({"error": "broken", "to_be_downloaded": False})
        assert (found.level, found.what_to_do) == (Level.WARNING, "broken")


class TestSandbox:
    @pytest.mark.parametrize(
        ("reason", "sandbox", "level"),
        [
            (None, "required", Level.OK),
            ("seccomp: Invalid argument", "if-available", Level.WARNING),
            ("seccomp: Invalid argument", "required", Level.PROBLEM),
        ],
    )
    def test_a_machine_without_it_is_told_and_is_a_problem_where_it_is_required(
        self, monkeypatch: pytest.MonkeyPatch, reason: str | None, sandbox: Any, level: Level
    ) -> None:
        monkeypatch.setattr(doctor_sandbox, "why_unavailable", lambda: reason)
        [found] = doctor_sandbox.check_sandbox(Settings(sandbox=sandbox))
        assert found.level is level
        assert (reason or "") in found.finding
