"""Reading of a request's body while the client sends it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from flask import Request
from werkzeug.exceptions import ClientDisconnected

_PIECE_BYTES = 256 * 1024


class RequestBody:
    """A stream of the body that raises ClientDisconnected once the client has left."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, all without it. Raises ClientDisconnected."""
        try:
            return self._stream.read(size)
        except OSError as error:  # too slow, or a broken chunk
            raise ClientDisconnected from error


def body_pieces(request: Request) -> Iterator[bytes]:
    """Yield the body in pieces of up to 256 KiB as they arrive.

    Raises ClientDisconnected where it ends before its announced length.
    """
    body = RequestBody(request.stream)
    received = 0
    while piece := body.read(_PIECE_BYTES):
        received += len(piece)
        yield piece
    if received < (request.content_length or 0):
        raise ClientDisconnected
