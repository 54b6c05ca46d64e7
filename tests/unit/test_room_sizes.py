"""No folder and no file grows until nobody finds anything in it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.support.stack import REPOSITORY

MOST_FILES = 16
MOST_LINES = 350
MOST_LINES_OF_TESTS = 400

PRODUCT = ("shared", "web", "worker", "migrations", "longscribe_client")

FLAT = {"migrations/versions": "revisions are read by their number, in the order that they run"}
"""Folders that may hold more files, and why. What is outside the product and its tests is not
counted: docs/ is the list of documents that a reader chooses from."""


def _files(*folders: str) -> list[Path]:
    return [
        path
        for folder in folders
        for path in (REPOSITORY / folder).rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and not any(part.startswith(".") for part in path.relative_to(REPOSITORY).parts)
    ]


def test_no_folder_holds_more_than_16_files() -> None:
    held = Counter(str(path.parent.relative_to(REPOSITORY)) for path in _files(*PRODUCT, "tests"))
    assert len(held) > 100
    full = {folder: count for folder, count in held.items() if count > MOST_FILES}
    assert set(full) - set(FLAT) == set(), "divide them by what the files are about"
    assert set(FLAT) <= set(full), "no exception any more"


@pytest.mark.parametrize(
    ("folders", "most"), [(PRODUCT, MOST_LINES), (("tests",), MOST_LINES_OF_TESTS)]
)
def test_no_module_is_longer_than_a_reader_keeps_in_mind(
    folders: tuple[str, ...], most: int
) -> None:
    modules = [path for path in _files(*folders) if path.suffix == ".py"]
    assert len(modules) > 100
    lengths = {
        str(path.relative_to(REPOSITORY)): len(path.read_text().splitlines()) for path in modules
    }
    assert {path: lines for path, lines in lengths.items() if lines > most} == {}
