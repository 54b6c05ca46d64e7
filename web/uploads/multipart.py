"""Bodies with recordings in them, and the file parts of a form in particular, written straight to
where recordings are kept.

Werkzeug would spool each part to a temporary file that is then copied.  Here the parser writes
into an IncomingBlob, so a recording crosses the disk once, is hashed as it comes, and is refused
at the byte that is one too many.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, cast

from flask import Request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import ClientDisconnected

from shared import jobs
from shared.errors import InvalidRequest
from shared.storage.blob_store import IncomingBlob, StoredBlob
from shared.storage.space import require_space
from web.authentication.owner import current_owner_id
from web.http.filenames import clean_filename
from web.idempotency import idempotency_key
from web.services import services

MAX_FILES_OF_A_FORM = 50

FILE_PARTS = {"jobs.submit_job": 1, "pages.submit": MAX_FILES_OF_A_FORM}
"""Endpoints that take files, and how many. Elsewhere a file is refused before a byte is kept."""

_FORM_ALLOWANCE_BYTES = 64 * 1024
"""What boundaries, headers and the other fields may add to the length of a request."""

_PIECE_BYTES = 256 * 1024


class ReceivedFile:
    """As much of a file object as the form parser needs, over an IncomingBlob."""

    def __init__(self, incoming: IncomingBlob) -> None:
        self._incoming = incoming

    @property
    def size_bytes(self) -> int:
        return self._incoming.size_bytes

    def write(self, data: bytes) -> int:
        return self._incoming.write(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Called once by the parser when the part is complete. Nobody reads it back."""
        return 0

    def close(self) -> None:
        self._incoming.discard()

    def keep(self) -> StoredBlob:
        return self._incoming.keep()


class _Body:
    """What the client sends; ClientDisconnected, a 400 that nobody reads, once it has left."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except (OSError, ParseException) as error:  # silent for too long, or a chunk broke off
            raise ClientDisconnected from error


def give_up_on_silence(request: Request) -> None:
    """A client that vanished without a word would hold its thread for ever: gunicorn waits for a
    body without a limit."""
    if (connection := request.environ.get("gunicorn.socket")) is not None:
        connection.settimeout(services().settings.upload_silence_s)


def body_pieces(request: Request) -> Iterator[bytes]:
    """The body as it comes; ClientDisconnected where it ends before its announced length."""
    give_up_on_silence(request)
    body = _Body(request.stream)
    received = 0
    while piece := body.read(_PIECE_BYTES):
        received += len(piece)
        yield piece
    if received < (request.content_length or 0):
        raise ClientDisconnected


class UploadRequest(Request):
    """A request whose file parts become ReceivedFiles. What is not kept is gone at its end."""

    max_form_parts = MAX_FILES_OF_A_FORM + 20

    def __init__(self, environ: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(environ, *args, **kwargs)
        self._received: list[ReceivedFile] = []

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        most = FILE_PARTS.get(self.endpoint or "", 0)
        if len(self._received) >= most:
            raise InvalidRequest(
                f"This address takes {most} file{'' if most == 1 else 's'} in one request."
                if most
                else "This address takes no file.",
                param="file",
            )
        expected = total_content_length or 0
        self._require_room(filename, expected if most == 1 else 0)
        received = ReceivedFile(self._receive(most, expected))
        self._received.append(received)
        return cast(IO[bytes], received)

    def _get_stream_for_parsing(self) -> IO[bytes]:
        give_up_on_silence(self)
        return cast(IO[bytes], _Body(super()._get_stream_for_parsing()))

    def _require_room(self, filename: str | None, request_bytes: int) -> None:
        """Refuse what the queue has no room for before the bytes of hours are sent."""
        jobs.require_room(
            services().db,
            services().queue_limit,
            filename=clean_filename(filename),
            size_bytes=max(0, request_bytes - _FORM_ALLOWANCE_BYTES),
            owner_id=current_owner_id(),
            idempotency_key=idempotency_key(self.headers.get("Idempotency-Key")),
        )

    def _receive(self, most: int, request_bytes: int) -> IncomingBlob:
        store = services().blobs
        if not self._received:
            require_space(store, request_bytes)
        # The length of one file of several is not known before it ends.
        expected = max(0, request_bytes - _FORM_ALLOWANCE_BYTES) if most == 1 else 0
        return store.receive(
            max_bytes=services().settings.max_upload_bytes, expected_bytes=expected
        )

    def close(self) -> None:
        # Also reached when the client left or the parser refused, before there are any `files`.
        super().close()
        for received in self._received:
            received.close()


def received_file(file: FileStorage) -> ReceivedFile:
    """The bytes behind a file of the form."""
    received = file.stream
    assert isinstance(received, ReceivedFile)
    return received
