"""A zip file that is written while it is read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime

from shared.export.archive import zip_pieces

Member = tuple[str, bytes, datetime | None]


def test_members_come_back_under_names_that_no_file_system_takes_for_one_another() -> None:
    at = datetime(2026, 11, 30, 12, 34, 56, tzinfo=UTC)
    members: list[Member] = [("周会.txt", b"a", at), ("A.txt", b"b", None), ("a.TXT", b"c", at)]
    whole = b"".join(zip_pieces(members))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.namelist() == ["周会.txt", "A.txt", "a (2).TXT"]
        assert archive.read("a (2).TXT") == b"c"
        assert archive.getinfo("周会.txt").date_time == (2026, 11, 30, 12, 34, 56)
        assert archive.testzip() is None


def test_each_member_is_out_before_the_next_is_made() -> None:
    made = 0

    def members() -> Iterator[Member]:
        nonlocal made
        for number in range(3):
            made += 1
            yield f"{number}.txt", bytes(100_000), None

    pieces = zip_pieces(members())
    next(pieces)
    assert made == 1
    assert sum(map(len, pieces)) > 0
