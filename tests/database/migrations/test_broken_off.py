"""A migration that is broken off on its way, and begun again."""

from __future__ import annotations

from tests.support.databases.broken_off import break_off_and_go_on
from tests.support.databases.postgresql import new_database


def test_what_was_broken_off_is_done_by_the_next(postgresql_url: str) -> None:
    with new_database(postgresql_url) as url:
        break_off_and_go_on(url, "0026", "0027")
