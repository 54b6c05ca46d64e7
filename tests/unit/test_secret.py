"""The key that signs form tokens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.secret import session_secret
from shared.settings import Settings


@pytest.fixture
def our_umask() -> Iterator[None]:
    """The one that every process of ours takes."""
    before = os.umask(Settings().umask_bits)
    yield
    os.umask(before)


@pytest.mark.usefixtures("our_umask")
def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    key = session_secret(settings)
    assert len(key) == 64
    assert session_secret(settings) == key
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret_key"]


def test_processes_that_start_together_agree_on_one(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: session_secret(settings), range(64)))
    assert len(keys) == 1


def test_a_key_from_the_settings_wins(tmp_path: Path) -> None:
    assert session_secret(Settings(data_dir=tmp_path, secret_key=SecretStr("given"))) == "given"
    assert list(tmp_path.iterdir()) == []
