"""The databases of installations and pipelines.

What is asked of a database is tested on both kinds in tests/database.  What processes make of its
answers is the same on either, and asked of PostgreSQL only where CI=true.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from shared.cli.doctor import speech
from tests.conftest import migrated_database
from tests.support import zygote
from tests.support.thorough import kinds_of_database


@pytest.fixture(autouse=True, scope="package")
def warm_children() -> Iterator[None]:
    """Most workers here work, and start on the way."""
    with zygote.warm_children():
        yield


@pytest.fixture(params=kinds_of_database())
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(scope="module", params=kinds_of_database())
def module_database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A migrated database for all tests of a module."""
    with migrated_database(request.param, request, tmp_path_factory.mktemp("db")) as url:
        yield url


@pytest.fixture
def warm_inspection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine that the doctor asks has torch as it starts; TestEmbedded of the doctor's tests
    asks as a person does."""
    asks = SimpleNamespace(**{**vars(subprocess), "run": zygote.run})
    monkeypatch.setattr(speech, "subprocess", asks)
