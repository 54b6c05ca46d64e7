"""The rules about who imports whom hold for files that nobody has written yet."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stack import REPOSITORY

ROOTS = ("longscribe_client", "migrations", "shared", "web", "worker")
PACKAGES = sorted(
    str(init.parent.relative_to(REPOSITORY))
    for root in ROOTS
    for init in (REPOSITORY / root).rglob("__init__.py")
)
ENGINE = ("worker/engine", "worker/demo_model")
"""Folders that may import torch and FunASR."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The code, without what is no code."""
    for root in ROOTS:
        shutil.copytree(
            REPOSITORY / root,
            tmp_path / root,
            ignore=lambda _, names: [n for n in names if Path(n).suffix not in ("", ".py")],
        )
    shutil.copyfile(REPOSITORY / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_code_as_it_is_keeps_them(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("forbidden", "places"),
    [
        ("import torch", [p for p in PACKAGES if not p.startswith(ENGINE)]),
        ("import funasr", [p for p in PACKAGES if not p.startswith(ENGINE)]),
        ("import numpy", [p for p in PACKAGES if not p.startswith("worker")]),
        ("import av", [p for p in PACKAGES if not p.startswith("worker")]),
        ("from flask import request", [p for p in PACKAGES if not p.startswith("web")]),
        ("import apiflask", [p for p in PACKAGES if not p.startswith("web")]),
        (
            "from shared.models import Job",
            [p for p in PACKAGES if p.startswith("web")],
        ),
        ("import web.app", [p for p in PACKAGES if not p.startswith(("web", "shared/cli"))]),
        ("import worker.tasks", [p for p in PACKAGES if p.startswith(("web", "migrations"))]),
        ("import worker", [p for p in PACKAGES if p.startswith("shared/") and "cli" not in p]),
        (
            "import shared.cli.main",
            # A new file at the top of shared has no place in the layers yet: see the next test.
            [p for p in PACKAGES if p != "shared" and not p.startswith("shared/cli")],
        ),
        (
            "import shared.storage.local.folder",
            [p for p in PACKAGES if not p.startswith("shared/storage")],
        ),
        ("import migrations", [p for p in PACKAGES if p.startswith("shared/") and "cli" not in p]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_forbidden_import_in_a_new_file_of_any_package_breaks_one(
    copy: Path, forbidden: str, places: list[str]
) -> None:
    assert len(places) > 2
    for place in places:
        (copy / place / "nobody_knows_it_yet.py").write_text(f"{forbidden}\n")
    done = lint(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    modules = [f"{place.replace('/', '.')}.nobody_knows_it_yet" for place in places]
    unseen = [module for module in modules if f"{module} -> " not in done.stdout]
    assert unseen == [], done.stdout


@pytest.mark.parametrize("package", ["shared", "web", "worker", "worker/engine"])
def test_a_new_room_without_a_place_in_the_layers_breaks_them(copy: Path, package: str) -> None:
    room = copy / package / "nobody_knows_it_yet"
    room.mkdir()
    (room / "__init__.py").write_text("")
    done = lint(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "nobody_knows_it_yet" in done.stdout


def test_only_the_storage_asks_where_recordings_lie() -> None:
    askers = {
        str(path.relative_to(REPOSITORY))
        for root in ROOTS
        for path in (REPOSITORY / root).rglob("*.py")
        if "recordings_dir" in path.read_text()
    }
    assert askers == {
        "shared/settings/__init__.py",
        "shared/storage/configured.py",
        # A copy of an installation is a copy of its folders.
        "shared/cli/backup/make.py",
        "shared/cli/backup/restore.py",
    }
