"""What the doctor says of tallies, and what a recount does about it, on both databases."""

from __future__ import annotations

from sqlalchemy import update
from typer.testing import CliRunner

from shared.cli.doctor.finding import Level
from shared.cli.doctor.tallies import check_tallies
from shared.cli.main import app
from shared.db import Database
from shared.models import StoredTally, Tally
from tests.support import factories


def test_wrong_tallies_are_a_problem_until_they_are_counted_again(
    db: Database, database_url: str
) -> None:
    factories.submit_lasting(db, 60)
    [found] = check_tallies(db)
    assert found.level is Level.OK
    with db.writing() as session:
        session.execute(update(Tally).values(jobs=Tally.jobs * 3))
        session.execute(update(StoredTally).values(bytes=StoredTally.bytes + 7))
    for found in (problems := check_tallies(db)):
        assert found.level is Level.PROBLEM
        assert "longscribe recount" in found.what_to_do
    assert ["by -7 bytes" in found.finding for found in problems] == [False, True]
    environment = {"LONGSCRIBE_DATABASE_URL": database_url}
    told = CliRunner().invoke(app, ["recount"], env=environment)
    assert (told.exit_code, told.stdout.splitlines()[-1]) == (0, "The tallies are right.")
    assert check_tallies(db)[0].level is Level.OK
