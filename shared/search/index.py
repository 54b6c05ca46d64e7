"""The search index: which jobs may have certain grams, by the number of their search entry.

It may name a job that has them no more, so whoever asks compares the text; it never leaves one out
that it was given.  SQLite's FTS5 walks its lists from the newest; PostgreSQL's GIN gives whole
lists only, and is asked for a block of numbers at a time.
"""

from __future__ import annotations

from collections.abc import Collection
from struct import pack
from typing import Protocol
from zlib import crc32

from sqlalchemy import ARRAY, BigInteger, Integer, bindparam, text
from sqlalchemy.orm import Session

_BLOCK_BITS = 16
"""65,536 numbers are a block on PostgreSQL: whatever the grams, a block is read in some 20 ms."""


class SearchIndex(Protocol):
    goes_with_rows: bool
    """True if an entry leaves the index with its row, so that `remove` is not needed."""

    def stored(self, number: int, grams: Collection[int]) -> tuple[int, str | list[int]]:
        """Values that `put` writes into a row of `search_index`: the number, and the grams as they
        are kept."""

    def put(self, session: Session, number: int, grams: Collection[int]) -> None:
        """Make these the grams of an entry, besides at most such as it had before."""

    def remove(self, session: Session, number: int, grams: Collection[int]) -> None:
        """Forget an entry that is never to be found again, and has these grams."""

    def candidates(
        self, session: Session, grams: Collection[int], *, below: int, down_to: int = 0, most: int
    ) -> list[int]:
        """The highest numbers from `down_to` to below a number whose entries may have all of the
        grams, the highest first. Fewer than `most` are all that there are."""

    def clear(self, session: Session) -> None:
        """Forget everything."""


def index_of(session: Session) -> SearchIndex:
    """The index of the database that a session is on."""
    return index_on(session.get_bind().dialect.name)


def index_on(dialect: str) -> SearchIndex:
    """The index of a kind of database, 'sqlite' or 'postgresql'."""
    return _INDEXES[dialect]


class _Fts5Index:
    """Grams are words of hexadecimal digits, so that no tokeniser has an opinion on them.

    The table keeps no content: an entry's grams are added, and removed by naming them.  Those that
    a correction took away stay, and cost a comparison when they are asked for.
    """

    goes_with_rows = False

    def stored(self, number: int, grams: Collection[int]) -> tuple[int, str]:
        return number, _words(grams)

    def put(self, session: Session, number: int, grams: Collection[int]) -> None:
        session.execute(
            text("INSERT INTO search_index (rowid, grams) VALUES (:number, :grams)"),
            {"number": number, "grams": _words(grams)},
        )

    def remove(self, session: Session, number: int, grams: Collection[int]) -> None:
        session.execute(
            text(
                "INSERT INTO search_index (search_index, rowid, grams) "
                "VALUES ('delete', :number, :grams)"
            ),
            {"number": number, "grams": _words(grams)},
        )

    def candidates(
        self, session: Session, grams: Collection[int], *, below: int, down_to: int = 0, most: int
    ) -> list[int]:
        found = session.scalars(
            text(
                "SELECT rowid FROM search_index WHERE search_index MATCH :grams "
                "AND rowid < :below AND rowid >= :down_to ORDER BY rowid DESC LIMIT :most"
            ),
            {"grams": _words(grams), "below": below, "down_to": down_to, "most": most},
        )
        return list(found.all())

    def clear(self, session: Session) -> None:
        session.execute(text("INSERT INTO search_index (search_index) VALUES ('delete-all')"))


def _words(grams: Collection[int]) -> str:
    # One format for all, not one for each: a third of the time.
    return ("%x " * len(grams)) % tuple(grams)


class _GinIndex:
    """A gram's key depends on the block too, so that its lists end where the block does."""

    goes_with_rows = True

    def stored(self, number: int, grams: Collection[int]) -> tuple[int, list[int]]:
        return number, _keys(number >> _BLOCK_BITS, grams)

    def put(self, session: Session, number: int, grams: Collection[int]) -> None:
        session.execute(
            _PUT, dict(zip(("number", "keys"), self.stored(number, grams), strict=True))
        )

    def remove(self, session: Session, number: int, grams: Collection[int]) -> None:
        raise NotImplementedError("an entry's foreign key does it")

    def candidates(
        self, session: Session, grams: Collection[int], *, below: int, down_to: int = 0, most: int
    ) -> list[int]:
        first, last = session.execute(
            text("SELECT min(number), max(number) FROM search_index")
        ).one()
        if first is None:
            return []
        below = min(below, last + 1)
        down_to = max(down_to, first)
        found: list[int] = []
        for block in range((below - 1) >> _BLOCK_BITS, (down_to >> _BLOCK_BITS) - 1, -1):
            asked = {
                "keys": _keys(block, grams),
                "below": below,
                "down_to": down_to,
                "most": most - len(found),
            }
            found += session.scalars(_CANDIDATES, asked)
            if len(found) == most:
                break
        return found

    def clear(self, session: Session) -> None:
        session.execute(text("TRUNCATE search_index"))


def _keys(block: int, grams: Collection[int]) -> list[int]:
    """A key is a hash of 32 bits: half the size, and two that meet cost a comparison."""
    return [crc32(pack(">IQ", block, gram)) - 2**31 for gram in grams]


_PUT = text(
    "INSERT INTO search_index (number, keys) VALUES (:number, :keys) "
    "ON CONFLICT (number) DO UPDATE SET keys = excluded.keys"
).bindparams(bindparam("number", type_=BigInteger), bindparam("keys", type_=ARRAY(Integer)))

# Sorted outside: an order by number would tempt the planner to walk the table instead.
_CANDIDATES = text(
    "WITH found AS MATERIALIZED (SELECT number FROM search_index WHERE keys @> :keys) "
    "SELECT number FROM found WHERE number < :below AND number >= :down_to "
    "ORDER BY number DESC LIMIT :most"
).bindparams(
    bindparam("keys", type_=ARRAY(Integer)),
    bindparam("below", type_=BigInteger),
    bindparam("down_to", type_=BigInteger),
)

_INDEXES: dict[str, SearchIndex] = {"sqlite": _Fts5Index(), "postgresql": _GinIndex()}
