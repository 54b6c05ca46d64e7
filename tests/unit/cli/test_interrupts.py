"""Ctrl-C while a command is still importing what it needs."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest

from tests.support.stack import REPOSITORY

IMPORTING = """
import os, runpy, signal, sys

class PressesCtrlC:
    def find_spec(self, name, *_):
        if name == {pressed_at!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, PressesCtrlC())
sys.argv = ["longscribe", *{arguments!r}]
"""


def run_interrupted(program: str, pressed_at: str, *arguments: str) -> tuple[int, str, str]:
    """Exit status and output of a program that is interrupted at the import of a module."""
    code = IMPORTING.format(pressed_at=pressed_at, arguments=arguments) + program
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("pressed_at", "arguments"),
    [
        ("typer", ["version"]),
        ("pydantic_core", ["version"]),
        ("shared.cli.remote.commands", ["list"]),
    ],
)
def test_the_program_ends_in_silence(pressed_at: str, arguments: list[str]) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    module, function = project["scripts"]["longscribe"].split(":")
    program = f"from {module} import {function}\n{function}()"
    assert run_interrupted(program, pressed_at, *arguments) == (130, "", "")


@pytest.mark.parametrize("module", ["worker.bench", "worker.model_store", "worker.minutes"])
def test_what_the_program_goes_on_as_ends_in_silence(module: str) -> None:
    program = f"runpy.run_module({module!r}, run_name='__main__')"
    assert run_interrupted(program, "pydantic_core") == (130, "", "")
