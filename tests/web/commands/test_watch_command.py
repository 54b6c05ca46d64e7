"""How `longscribe watch` ends, and what it prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import Result
from typer.testing import CliRunner

from longscribe_client.errors import AuthenticationFailed, ServerUnreachable
from shared.cli.remote import commands, watch_command
from shared.cli.remote.watch import FileEvent, FolderWatch

Look = Exception | FileEvent | None


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Look]:
    """What the next looks come to: an error, something that happens, or nothing."""
    left: list[Look] = []

    def look(watch: FolderWatch) -> None:
        match left.pop(0):
            case Exception() as problem:
                raise problem
            case FileEvent() as happened:
                watch._tell(happened)

    monkeypatch.setattr(FolderWatch, "look", look)
    monkeypatch.setattr(watch_command, "time", SimpleNamespace(sleep=lambda _: None))
    return left


@pytest.fixture
def watch(tmp_path: Path, looks: list[Look]) -> Callable[..., Result]:
    return lambda *options: CliRunner().invoke(commands.app, ["watch", str(tmp_path), *options])


def test_what_is_away_after_a_first_good_look_is_waited_for(
    looks: list[Look], watch: Callable[..., Result]
) -> None:
    away = ServerUnreachable("Nobody answers there.")
    looks[:] = [None, away, OSError("stale"), None, AuthenticationFailed("The key is revoked.")]
    ended = watch()
    assert (ended.exit_code, looks) == (2, [])
    for told in ("Nobody answers there.", "stale", "The key is revoked."):
        assert told in ended.stderr
    looks[:] = [away]  # the wrong address, perhaps
    assert watch().exit_code == 2


def test_what_had_to_be_postponed_is_told_and_the_status_says_so(
    looks: list[Look], watch: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks[:] = [FileEvent("postponed", Path("a\x1b[2J\nb.wav"), None, "No space left on device")]
    assert watch("--once").exit_code == 0
    monkeypatch.setattr(FolderWatch, "has_postponed", True)
    looks[:] = [FileEvent("postponed", Path("a\x1b[2J\nb.wav"), None, "No space left on device")]
    ended = watch("--once")
    assert ended.exit_code == 2
    assert ended.stdout == "postponed  a?[2J?b.wav  No space left on device\n"


@pytest.mark.parametrize("option", ["--every", "--settled"])
@pytest.mark.parametrize("given", ["inf", "1e300", "nan", "-1"])
def test_seconds_that_no_clock_knows_are_refused(
    looks: list[Look], watch: Callable[..., Result], option: str, given: str
) -> None:
    ended = watch(option, given)
    assert (ended.exit_code, looks) == (2, [])
    assert option in ended.stderr
