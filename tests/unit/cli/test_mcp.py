"""`longscribe mcp` before anybody asks it anything."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shared.cli.main import app
from shared.cli.mcp.answers import clock
from shared.cli.mcp.local_files import FileNotAllowed, allowed_file


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--http", "--files", "/tmp"], "--files"),
        (["--http", "--key-file", "/tmp/key"], "--key-file"),
        (["--http", "--host", "0.0.0.0"], "--name"),
        (["--key-file", "/nowhere/key"], "no API key"),
    ],
)
def test_what_cannot_be_served_is_refused(arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(app, ["mcp", *arguments])
    assert (done.exit_code, words in done.output) == (2, True), done.output


def test_an_account_without_a_home_is_asked_for_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    done = CliRunner().invoke(app, ["mcp"])
    assert (done.exit_code, "--files" in done.output) == (2, True), done.output


def test_without_its_packages_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    done = CliRunner().invoke(app, ["mcp"])
    assert (done.exit_code, "longscribe[mcp]" in done.output) == (2, True)


def test_only_what_lies_below_a_folder_and_is_not_hidden_may_be_sent(tmp_path: Path) -> None:
    inbox, beside = tmp_path / "inbox", tmp_path / "inbox-of-others"
    for folder in (inbox / ".ssh", inbox / "deep", beside):
        folder.mkdir(parents=True)
    for name in ("deep/a.wav", ".ssh/key", ".env", "../inbox-of-others/b.wav"):
        (inbox / name).write_bytes(b"sound")
    (inbox / "to-key").symlink_to(inbox / ".ssh" / "key")
    allowed = [inbox]
    assert allowed_file(f"{inbox}/deep/../deep/a.wav", allowed) == inbox / "deep" / "a.wav"
    assert allowed_file(str(beside / "b.wav"), [inbox, beside]) == beside / "b.wav"
    wrong = [".ssh/key", ".env", "to-key", "deep", "../inbox-of-others/b.wav", "none", "a\0b"]
    for name in wrong:
        with pytest.raises(FileNotAllowed):
            allowed_file(f"{inbox}/{name}", allowed)


def test_times_are_written_for_people() -> None:
    assert [clock(0), clock(59.9), clock(3661), clock(36000)] == [
        *("0:00:00", "0:00:59", "1:01:01", "10:00:00")
    ]
