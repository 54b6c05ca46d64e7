"""An application that knows a provider, which really listens on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.oidc.provider import FakeProvider, in_settings, running_provider
from tests.support.people import an_admin
from tests.support.web.web_app import database, make_app
from web.oidc.provider import Provider

MakeOffice = Callable[..., Flask]


def make_new(provider: FakeProvider) -> None:
    """Undo whatever was set."""
    fresh = FakeProvider(issuer=provider.issuer)
    provider.__dict__.clear()
    provider.__dict__.update(fresh.__dict__)


def forget(app: Flask) -> None:
    """Let the application know nothing of the provider yet."""
    known = app.extensions["longscribe"].providers._by_id
    known["office"] = Provider(known["office"].configured)


@pytest.fixture(scope="module")
def running() -> Iterator[FakeProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: FakeProvider) -> FakeProvider:
    """The provider as it is at first."""
    make_new(running)
    return running


@pytest.fixture
def make_office(database_url: str, tmp_path: Path, provider: FakeProvider) -> Iterator[MakeOffice]:
    """Makes an application that knows the provider as `office`, and an administrator, Anna."""
    made: list[Flask] = []

    def make(**changes: Any) -> Flask:
        app = make_app(
            database_url,
            tmp_path,
            sign_in="required",
            proxies=1,
            oidc_providers=in_settings(provider, **changes),
        )
        if not made:
            an_admin(database(app))
        made.append(app)
        return app

    yield make
    for app in made:
        database(app).dispose()


@pytest.fixture
def app(make_office: MakeOffice) -> Flask:
    return make_office()
