"""An older version that meets a newer schema says which version is needed, on both databases."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import make_url, text
from typer.testing import CliRunner

import migrations
from shared.cli.main import app
from shared.db import Database
from shared.states import JobStatus
from tests.support import factories
from tests.support.databases.postgresql import new_database


def run(*arguments: str, url: str, folder: Path) -> tuple[int, str]:
    done = CliRunner().invoke(
        app,
        ["migrate", *arguments],
        env={"LONGSCRIBE_DATABASE_URL": url, "LONGSCRIBE_DATA_DIR": str(folder)},
    )
    return done.exit_code, done.output


def of_a_newer(db: Database, *, version: str | None) -> None:
    """Leave the database as a newer version would."""
    with db.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        if version:
            session.execute(text(f"INSERT INTO schema_versions VALUES ('9999', '{version}')"))


def test_a_migration_notes_which_version_it_was(db: Database) -> None:
    found = migrations.state(db)
    assert (found.is_known, found.version) == (True, metadata.version("longscribe"))


@pytest.mark.parametrize("version", ["7.1.0", None])
@pytest.mark.parametrize("arguments", [(), ("--back-to", "0001")])
def test_the_version_that_is_needed_is_named(
    db: Database, database_url: str, tmp_path: Path, version: str | None, arguments: tuple[str, ...]
) -> None:
    of_a_newer(db, version=version)
    status, said = run(*arguments, url=database_url, folder=tmp_path)
    assert status == 2
    assert "9999" in said and "Can't locate" not in said
    assert (f"Start Longscribe {version} or a newer one" in said) == bool(version)
    assert f"longscribe migrate --back-to {migrations.state(db).head}" in said


def test_going_back_and_up_again(empty_database_url: str, tmp_path: Path) -> None:
    assert run(url=empty_database_url, folder=tmp_path)[0] == 0
    assert run("--back-to", "0016", url=empty_database_url, folder=tmp_path)[0] == 0
    db = Database(empty_database_url)
    assert migrations.state(db).current == "0016"
    assert run(url=empty_database_url, folder=tmp_path)[0] == 0
    assert migrations.is_current(db)
    db.dispose()


@pytest.mark.parametrize("named", ["base", "", "-1", "heads", "005", "nonsense"])
def test_only_a_revision_that_is_named_in_full_is_gone_back_to(
    db: Database, database_url: str, tmp_path: Path, named: str
) -> None:
    """To 'base', and to nothing, is to lose every job, transcript and account."""
    job_id = factories.submit(db)
    status, said = run(f"--back-to={named}", url=database_url, folder=tmp_path)
    assert status == 2
    assert f"There is no revision {named or 'without a name'}" in said
    assert "Nothing was changed" in said
    assert migrations.is_current(db)
    assert factories.status_of(db, job_id) == JobStatus.QUEUED


def test_a_schema_that_is_older_than_what_is_named_stays(
    empty_database_url: str, tmp_path: Path
) -> None:
    for revision, is_at in ((None, "no revision"), ("0016", "0016")):
        if revision:
            migrations.upgrade(empty_database_url, revision)
        status, said = run("--back-to", "0017", url=empty_database_url, folder=tmp_path)
        assert status == 2
        assert f"The schema is at {is_at}, which is before 0017" in said


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
def test_a_role_without_the_right_is_told_so_and_not_that_the_schema_is_old(
    empty_database_url: str, tmp_path: Path
) -> None:
    db = Database(empty_database_url)
    url = make_url(empty_database_url)
    role = f"stranger_{url.database}"
    with db.writing() as session:
        session.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))  # as PostgreSQL 15 does
        session.execute(text(f"CREATE ROLE {role} LOGIN"))
    try:
        stranger = url.set(username=role).render_as_string(hide_password=False)
        status, said = run(url=stranger, folder=tmp_path)
    finally:
        with db.writing() as session:
            session.execute(text(f"DROP ROLE {role}"))
        db.dispose()
    assert status == 2
    assert "permission denied for schema public. Have an administrator" in said


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_of_one_script_is_refused_before_it_has_tables(
    postgresql_server: str, tmp_path: Path, encoding: str
) -> None:
    template = f"template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
    with new_database(postgresql_server, template=template) as url:
        status, said = run(url=url, folder=tmp_path)
    assert status == 2
    assert f"encoding is {encoding}" in said and "ENCODING 'UTF8'" in said


def test_who_waits_for_the_schema_goes_on_once_another_has_made_it(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[float] = []

    def another_migrates(seconds: float) -> None:
        looked.append(seconds)
        migrations.upgrade(empty_database_url)

    # Not time.sleep itself, which threads of other tests in this process call.
    monkeypatch.setattr(migrations, "time", SimpleNamespace(sleep=another_migrates))
    migrations.wait_until_current(empty_database_url)
    assert len(looked) == 1


def test_who_waits_where_a_newer_version_was_is_told_so(db: Database, database_url: str) -> None:
    of_a_newer(db, version="7.1.0")
    with pytest.raises(migrations.NewerSchema, match=r"7\.1\.0"):
        migrations.wait_until_current(database_url)
