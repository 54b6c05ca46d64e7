"""A server with a recording of Bo's, who shares it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.accounts import Person
from shared.db import Database
from shared.sharing import AccessLevel, share_job, shares_of, withdraw_share
from tests.support import factories
from tests.support.people import a_person, an_admin, bearer, form_token, quick_hashes, signed_in
from tests.support.web.web_app import database, make_app, submit


@dataclass
class Sharing:
    """Bo's recording, and the clients of five people: each answers by key and by cookie."""

    app: Flask
    db: Database
    people: dict[str, Person]
    programs: dict[str, FlaskClient]
    pages: dict[str, FlaskClient]

    def job(self) -> str:
        """A finished recording of Bo's, with its bytes."""
        accepted = submit(self.programs["Bo"])
        assert accepted.status_code == 202, accepted.text
        self.finish()
        return str(accepted.get_json()["id"])

    def finish(self) -> None:
        """Transcribe what waits."""
        factories.complete(self.db, factories.claim(self.db))

    def change_settings(self, **changes: Any) -> None:
        services = self.app.extensions["longscribe"]
        object.__setattr__(services, "settings", services.settings.model_copy(update=changes))

    def share(self, job_id: str, name: str, level: AccessLevel) -> None:
        bo = self.people["Bo"].id
        share_job(self.db, owner_id=bo, job_id=job_id, name=name, level=level)

    def withdraw(self, job_id: str, name: str) -> None:
        bo = self.people["Bo"].id
        (share,) = [
            one for one in shares_of(self.db, owner_id=bo, job_id=job_id) if one.name == name
        ]
        withdraw_share(self.db, owner_id=bo, job_id=job_id, share_id=share.id)


@pytest.fixture
def sharing(sqlite_url: str, tmp_path: Path) -> Iterator[Sharing]:
    with quick_hashes():
        app = make_app(
            sqlite_url, tmp_path, sign_in="required", share_links=True, sign_in_attempts=3
        )
        db = database(app)
        an_admin(db)
        names = ("Bo", "Reader", "Corrector", "Stranger", "Former")
        people = {name: a_person(db, name) for name in names}
        programs, pages = {}, {}
        for name, person in people.items():
            programs[name] = app.test_client()
            programs[name].environ_base["HTTP_AUTHORIZATION"] = bearer(db, person)["Authorization"]
            pages[name] = signed_in(app, name)
            pages[name].environ_base["HTTP_X_CSRFTOKEN"] = form_token(pages[name], "/")
        yield Sharing(app, db, people, programs, pages)
        db.dispose()
