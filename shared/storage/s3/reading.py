"""A range of an object being read, over connections that may break."""

from __future__ import annotations

from typing import Any, Self

from shared.storage.errors import StorageSilent
from shared.storage.s3.client import AlreadyThere, Client

_TRIES = 4
"""Connections that may break one after another without a byte in between."""


class ObjectRange:
    """The bytes [start, stop) of an object. After a break it goes on where it was.

    Raises FileNotFoundError if it is gone, and StorageSilent.
    """

    def __init__(self, client: Client, name: str, start: int, stop: int | None) -> None:
        self._client = client
        self._name = name
        self._at = start
        self._body: Any = None
        # Asked first, for a range beyond the end has no answer that tells the size.
        head = client.send("head_object", name)
        self.size_bytes = int(head["ContentLength"])
        self._etag = head["ETag"]
        self._stop = self.size_bytes if stop is None else min(stop, self.size_bytes)

    def read(self, most: int) -> bytes:
        most = min(most, self._stop - self._at)
        if most <= 0:
            return b""
        for left in reversed(range(_TRIES)):
            try:
                data = self._piece(most)
            except AlreadyThere as error:  # another, not the one that was opened
                self.close()
                url = self._client.address.url(self._name)
                raise StorageSilent("another object took its place", url) from error
            except StorageSilent:
                self.close()
                if not left:
                    raise
                continue
            self._at += len(data)
            return data
        raise AssertionError("unreachable")

    def _piece(self, most: int) -> bytes:
        with self._client.told(self._name):
            if self._body is None:
                # Of the same bytes: an object may have taken the place of another.
                self._body = self._client.send(
                    "get_object",
                    self._name,
                    Range=f"bytes={self._at}-{self._stop - 1}",
                    IfMatch=self._etag,
                )["Body"]
            data: bytes = self._body.read(most)
        if not data:
            raise StorageSilent("the answer ended early", self._client.address.url(self._name))
        return data

    def close(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
