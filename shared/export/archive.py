"""A zip file that is written while it is read: no copy of it lies anywhere."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath

_STORED_AS = 0o644 << 16


@dataclass(frozen=True, slots=True)
class Packed:
    """A content in pieces that is compressed already, as recordings mostly are: to try again
    would be for nothing."""

    pieces: Iterable[bytes]


Member = tuple[str, bytes | Iterable[bytes] | Packed, datetime | None]
"""A name, a content whole or in pieces, and a time."""


class _Outgoing:
    """Takes what `zipfile` writes until it is taken away. It cannot seek, so sizes come behind."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def zip_pieces(members: Iterable[Member]) -> Iterator[bytes]:
    """The bytes of a zip file with these members, in pieces as they are made. Holds one member at a
    time, or a piece of one. Names that differ in capitals only get a number."""
    outgoing = _Outgoing()
    names: set[str] = set()
    with zipfile.ZipFile(outgoing, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for name, content, at in members:
            entry = zipfile.ZipInfo(unique_name(name, names), _zip_time(at))
            entry.compress_type = zipfile.ZIP_DEFLATED
            if isinstance(content, Packed):
                entry.compress_type, content = zipfile.ZIP_STORED, content.pieces
            entry.external_attr = _STORED_AS
            if isinstance(content, bytes):
                archive.writestr(entry, content)
            else:
                with archive.open(entry, "w", force_zip64=True) as member:
                    for piece in content:
                        member.write(piece)
                        if piece := outgoing.take():
                            yield piece
            yield outgoing.take()
    yield outgoing.take()


def unique_name(name: str, taken: set[str]) -> str:
    """`name`, with a number before its suffix if it is taken; it is taken then.

    >>> names = {"a.txt"}
    >>> unique_name("A.txt", names), unique_name("a.txt", names)
    ('A (2).txt', 'a (3).txt')
    """
    path = PurePath(name)
    candidate, number = name, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{path.stem} ({number}){path.suffix}"
    taken.add(candidate.casefold())
    return candidate


def _zip_time(at: datetime | None) -> tuple[int, int, int, int, int, int]:
    """A time as zip files have it: from 1980, two seconds apart."""
    at = at or datetime(1980, 1, 1, tzinfo=UTC)
    if at.year < 1980:
        at = datetime(1980, 1, 1, tzinfo=UTC)
    return (at.year, at.month, at.day, at.hour, at.minute, at.second)
