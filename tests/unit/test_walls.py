"""The rules about who imports whom hold for files that nobody has written yet."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import REPOSITORY

PACKAGES = ("migrations", "shared", "web", "worker")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code, without what is no code."""
    folder = tmp_path_factory.mktemp("walls")
    for package in PACKAGES:
        shutil.copytree(
            REPOSITORY / package,
            folder / package,
            ignore=lambda _, names: [n for n in names if Path(n).suffix not in ("", ".py")],
        )
    shutil.copyfile(REPOSITORY / "pyproject.toml", folder / "pyproject.toml")
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_code_as_it_is_keeps_them(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("place", "forbidden"),
    [
        ("worker", "import torch"),
        ("worker", "import flask"),
        ("worker/decoding", "from torch import nn"),
        ("worker/model_store", "import funasr"),
        ("worker/bench", "import torch.cuda"),
        ("worker/bench/gpu", "import web.app"),
        ("worker/engine", "import apiflask"),
        ("worker/engine/loading", "from web import app"),
        ("web", "import torch"),
        ("web/pages", "import worker.pipeline"),
        ("web/api", "import numpy"),
        ("shared", "import numpy"),
        ("shared/jobs", "import web.app"),
        ("shared/cli", "import av"),
        ("shared/export", "from flask import request"),
        ("shared/models", "import worker"),
        ("migrations", "import funasr"),
        ("migrations/versions", "import web"),
    ],
)
def test_a_forbidden_import_in_a_new_file_breaks_one(
    copy: Path, place: str, forbidden: str
) -> None:
    new = copy / place / "nobody_knows_it_yet.py"
    new.write_text(f"{forbidden}\n")
    try:
        done = lint(copy)
    finally:
        new.unlink()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "nobody_knows_it_yet" in done.stdout
