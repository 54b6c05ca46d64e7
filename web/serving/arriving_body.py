"""The body of a request, read as it arrives."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator
from math import inf
from typing import Any, Protocol

from gunicorn.http.body import (  # type: ignore[import-untyped]
    Body,
    ChunkedReader,
)
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]

from web.errors import BrokenBody


class _Unreader(Protocol):
    """gunicorn's buffer of what was received and not used yet."""

    def read(self, size: int | None = None, read_ahead: int | None = None) -> bytes: ...
    def unread(self, data: bytes) -> None: ...


class ArrivingBody(io.RawIOBase):
    """A `wsgi.input` whose reads return what has arrived.

    gunicorn's waits until it has as much as was asked for, and loses the beginning of that when
    the client leaves in between.
    """

    def __init__(self, body: Body) -> None:
        reader = body.reader
        if isinstance(reader, ChunkedReader):
            self._pieces: Iterator[bytes] = reader.parser
            self._rest_bytes = inf
        else:
            self._pieces = _pieces_of_length(reader.unreader, reader.length)
            self._rest_bytes = reader.length
        self._left = b""
        self.failed = False
        """True if reading has raised: where the next request begins is then unknown."""

    @property
    def rest_bytes(self) -> float:
        """Bytes that were not read: of a body in chunks, infinitely many until its end was."""
        return self._rest_bytes + len(self._left)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as bytes are here; wait where none is. 0 at the end.

        Raises OSError, which whoever reads a body takes for a fault of the client's.
        """
        if not self._left:
            try:
                self._left = next((piece for piece in self._pieces if piece), b"")
            except Exception as error:
                self.failed = True
                if isinstance(error, ParseException):
                    raise BrokenBody(str(error)) from error
                raise
            self._rest_bytes = self._rest_bytes - len(self._left) if self._left else 0
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def _pieces_of_length(unreader: _Unreader, length: int) -> Iterator[bytes]:
    """Yield the next `length` bytes as they arrive. Raises OSError if the client leaves: half of a
    list is not to take the place of a whole one."""
    while length:
        piece = unreader.read(read_ahead=length)
        if not piece:
            raise ConnectionResetError(errno.ECONNRESET, "the client left in the midst of a body")
        if len(piece) > length:
            unreader.unread(piece[length:])
            piece = piece[:length]
        length -= len(piece)
        yield piece
