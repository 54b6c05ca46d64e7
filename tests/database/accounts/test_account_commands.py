"""`longscribe user` and `longscribe key`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import Result
from typer.testing import CliRunner

from shared import accounts, owner_data
from shared.cli.main import app
from shared.db import Database
from shared.models import Job, StorageRow, new_id
from shared.models.storage import ONLY_ROW
from shared.settings import Settings
from shared.storage.configured import open_blob_store
from shared.storage.identity import adopt_storage
from tests.support import factories
from tests.support.people import ATTEMPTS, HERE, LIMITS, PASSWORD, quick_hashes

Command = Callable[..., Result]


@pytest.fixture
def command(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Command]:
    monkeypatch.setenv("LONGSCRIBE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LONGSCRIBE_DATABASE_URL", database_url)

    def run(*arguments: str, said: str = "") -> Result:
        return CliRunner().invoke(app, list(arguments), input=said)

    with quick_hashes():
        yield run


def enters(db: Database, name: str, password: str) -> accounts.Person:
    person, _ = accounts.sign_in(db, LIMITS, ATTEMPTS, name=name, password=password, address=HERE)
    return person


def test_the_first_account_is_an_administrators(command: Command, db: Database) -> None:
    job_id = factories.submit(db)
    assert "no account yet" in command("user", "list").output
    refused = command("user", "add", "anna")
    assert refused.exit_code == 2 and "--admin" in refused.output
    added = command("user", "add", "anna", "--admin")
    assert added.exit_code == 0, added.output
    password = added.output.split()[-1]
    anna = enters(db, "anna", password)
    assert anna.is_admin and anna.password_is_temporary
    assert factories.view(db, job_id, owner_id=anna.id).job.id == job_id
    assert command("user", "add", "ANNA").exit_code == 2


def test_accounts_are_listed_disabled_and_given_passwords(command: Command, db: Database) -> None:
    for arguments in (("anna", "--admin"), ("bo",)):
        added = command("user", "add", *arguments, "--password-stdin", said=f"{PASSWORD}\n")
        assert added.exit_code == 0 and PASSWORD not in added.output
    assert not enters(db, "bo", PASSWORD).password_is_temporary
    off = command("user", "second-step-off", "bo")
    assert off.exit_code == 0 and "had no authenticator" in off.output
    assert command("user", "disable", "bo").exit_code == 0
    assert "bo\t-\tdisabled\t0 recordings" in command("user", "list").output
    assert command("user", "enable", "bo").exit_code == 0
    said = command("user", "password", "bo").output
    assert enters(db, "bo", said.split()[-1]).password_is_temporary
    last = command("user", "disable", "anna")
    assert last.exit_code == 2 and "only administrator" in last.output
    unknown = command("user", "password", "nobody")
    assert unknown.exit_code == 2 and "There is no account 'nobody'" in unknown.output
    short = command("user", "password", "bo", "--password-stdin", said="short\n")
    assert short.exit_code == 2 and "10 characters" in short.output


def test_an_account_gets_a_quota_of_hours(command: Command, db: Database) -> None:
    command("user", "add", "anna", "--admin")
    assert "0.0 hours this month, of the server's default" in command("user", "list").output
    said = command("user", "quota", "anna", "12.5")
    assert said.exit_code == 0 and "anna may submit 12.5 hours of audio a month." in said.output
    assert accounts.person_named(db, "anna").monthly_audio_s == 12.5 * 3600
    assert "any amount" in command("user", "quota", "anna", "any").output
    assert accounts.person_named(db, "anna").monthly_audio_s == 0
    command("user", "quota", "anna", "default")
    assert accounts.person_named(db, "anna").monthly_audio_s is None
    for wrong in ("many", "nan", "2000000"):
        refused = command("user", "quota", "anna", wrong)
        assert refused.exit_code == 2 and "from 0 to 1,000,000" in refused.output


def test_recordings_are_handed_over(command: Command, db: Database) -> None:
    for arguments in (("anna", "--admin"), ("bo",)):
        command("user", "add", *arguments)
    job_id = factories.submit(db)  # without sign-in, after the first account was made
    moved = command("user", "hand-over", "local", "bo")
    assert moved.exit_code == 0 and moved.output.startswith("1 recordings now belong to bo")
    command("user", "hand-over", "bo", "anna")
    anna = accounts.person_named(db, "anna")
    assert factories.view(db, job_id, owner_id=anna.id).job.id == job_id
    assert command("user", "hand-over", "nobody", "anna").exit_code == 2


def test_all_of_an_account_is_exported_and_erased(
    command: Command, db: Database, tmp_path: Path
) -> None:
    for arguments in (("anna", "--admin"), ("bo",)):
        command("user", "add", *arguments)
    factories.submit(db, owner_id=accounts.person_named(db, "bo").id)
    file = tmp_path / "bo.zip"
    exported = command("user", "export", "bo", "-o", str(file))
    assert exported.exit_code == 0, exported.output
    assert ZipFile(file).testzip() is None
    assert command("user", "erase", "bo", "--confirm", "bob").exit_code == 2
    blobs = open_blob_store(Settings(data_dir=tmp_path / "data", model="demo"))
    with db.writing() as session:
        session.add(StorageRow(id=ONLY_ROW, identity=new_id()))
    refused = command("user", "erase", "bo", "--confirm", "bo")  # the disk is not mounted
    assert refused.exit_code == 2 and "not mounted" in refused.output, refused.output
    assert factories.count(db, Job) == 1
    assert owner_data.asked_for(db) == []
    adopt_storage(db, blobs)
    erased = command("user", "erase", "bo", said="bo\n")
    assert erased.exit_code == 0 and "is erased" in erased.output, erased.output
    assert factories.count(db, Job) == 0
    assert command("user", "enable", "bo").exit_code != 0


def test_keys_are_made_listed_and_revoked(command: Command, db: Database) -> None:
    command("user", "add", "anna", "--admin")
    made = command("key", "add", "anna", "nightly import")
    key = made.stdout.strip()
    assert made.exit_code == 0 and accounts.find_by_key(db, key) is not None
    listed = command("key", "list", "anna").output
    assert "nightly import" in listed and key not in listed
    revoked = command("key", "revoke", "anna", listed.split("\t")[0])
    assert revoked.exit_code == 0, revoked.output
    assert accounts.find_by_key(db, key) is None
    assert command("key", "revoke", "anna", "no such key").exit_code == 2


def test_a_database_without_tables_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty_database_url: str
) -> None:
    monkeypatch.setenv("LONGSCRIBE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("LONGSCRIBE_DATABASE_URL", empty_database_url)
    result = CliRunner().invoke(app, ["user", "list"])
    assert result.exit_code == 2 and "Traceback" not in result.output
    assert "database" in result.output
