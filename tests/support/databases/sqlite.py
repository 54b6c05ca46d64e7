"""Migrated SQLite databases for tests: copies of a file that each process makes once."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import migrations


def migrated_file(path: Path) -> str:
    """Write a migrated database to `path`; its URL."""
    path.write_bytes(_migrated())
    return _url(path)


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        migrations.upgrade(_url(path))
        return path.read_bytes()


def _url(path: Path) -> str:
    return f"sqlite:///{path}"
