"""What Longscribe keeps is closed to other users, and nothing else is."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from shared.cli.doctor.finding import Level
from shared.cli.doctor.permissions import check_permissions
from shared.private_files import close_to_others, open_to_others
from shared.settings import Settings, load_settings
from shared.settings.environment import InvalidSettings


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A data folder as it was made with the usual umask."""
    folder = tmp_path / "data"
    for name in ("logs", "recordings/ab", "redis"):
        (folder / name).mkdir(parents=True)
    for name in ("longscribe.db", "longscribe.db-wal", "logs/web.log", "recordings/ab/one"):
        (folder / name).write_text("precious")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_open_is_closed(old: Path) -> None:
    settings = Settings(data_dir=old)
    [found] = check_permissions(settings)
    assert found.level is Level.WARNING and str(old) in found.finding
    closed = close_to_others(settings)
    assert {old, old / "longscribe.db", old / "logs" / "web.log", old / "recordings"} < {*closed}
    assert {mode(old), mode(old / "logs"), mode(old / "recordings")} == {0o700}
    assert {mode(old / "longscribe.db"), mode(old / "logs" / "web.log")} == {0o600}
    assert open_to_others(settings) == close_to_others(settings) == []
    assert check_permissions(settings)[0].level is Level.OK


def test_a_group_that_shares_the_folder_keeps_it(old: Path) -> None:
    (old / "longscribe.db").chmod(0o664)
    close_to_others(Settings(data_dir=old, umask="007"))
    assert mode(old) == 0o750
    assert mode(old / "longscribe.db") == 0o660


def test_a_database_elsewhere_is_closed_and_its_folder_is_not(old: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o755)
    database = elsewhere / "jobs.db"
    database.write_text("precious")
    database.chmod(0o644)
    close_to_others(Settings(data_dir=old, database_url=f"sqlite:///{database}"))
    assert mode(database) == 0o600
    assert mode(elsewhere) == 0o755


def test_recordings_on_another_disk_are_closed(old: Path, tmp_path: Path) -> None:
    other_disk = (old / "recordings").rename(tmp_path / "disk")
    (old / "recordings").symlink_to(other_disk)
    close_to_others(Settings(data_dir=old))
    assert mode(other_disk) == 0o700


def test_a_home_in_which_it_was_started_stays_as_it_is(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "logs").mkdir(parents=True)
    for name in ("letter", "stack.lock", "logs/mine"):
        (home / name).write_text("x")
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert close_to_others(Settings(data_dir=home)) == []
    assert "holds other things" in check_permissions(Settings(data_dir=home))[0].finding
    assert {mode(home), mode(home / "logs")} == {0o755}
    assert {mode(home / name) for name in ("letter", "logs/mine")} == {0o644}


@pytest.mark.parametrize("what", ["a home", "sticky"])
def test_a_folder_that_is_not_its_own_stays_as_it_is(tmp_path: Path, what: str) -> None:
    folder = tmp_path / what
    folder.mkdir()
    (folder / ("letter" if what == "a home" else "longscribe.db")).write_text("x")
    folder.chmod(0o755 if what == "a home" else 0o1777)
    before = mode(folder)
    assert close_to_others(Settings(data_dir=folder)) == []
    assert mode(folder) == before


def test_what_belongs_to_somebody_else_is_told_and_stays(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.getuid", lambda: old.stat().st_uid + 1)
    assert close_to_others(Settings(data_dir=old)) == []
    assert check_permissions(Settings(data_dir=old))[0].level is Level.WARNING


@pytest.mark.parametrize("umask", ["022", "070", "777", "0177", "0777x", "rwx"])
def test_others_never_get_anything(monkeypatch: pytest.MonkeyPatch, umask: str) -> None:
    monkeypatch.setenv("LONGSCRIBE_UMASK", umask)
    with pytest.raises(InvalidSettings, match="LONGSCRIBE_UMASK"):
        load_settings()
