"""Forms with recordings in them, whose file parts are written straight to the blob store.

Werkzeug would spool each part to a temporary file that is then copied. Here the parser writes into
an IncomingBlob, so a recording is written once, is hashed as it arrives, and is refused at the
first byte beyond the limit.
"""

from __future__ import annotations

import io
from typing import IO, Any, cast

from flask import Request
from werkzeug.datastructures import FileStorage
from werkzeug.formparser import FormDataParser

from shared import jobs
from shared.errors import InvalidRequest
from shared.export.reports.refusals import TemplateTooLarge
from shared.export.reports.word import LARGEST_DOCUMENT
from shared.quotas.limits import UNLIMITED
from shared.storage.blob_store import IncomingBlob, StoredBlob
from web.authentication.owner import current_owner_id
from web.http.filenames import clean_filename
from web.idempotency_key_header import idempotency_key
from web.services import services
from web.uploads.form_parser import FormParser
from web.uploads.request_body import RequestBody
from web.uploads.reserved_room import ReservedRoom

MAX_FILES_OF_A_FORM = 50

FILE_PARTS = {
    "jobs.submit_job": 1,
    "openai.create_transcription": 1,
    "pages.submit": MAX_FILES_OF_A_FORM,
}
"""The endpoints that take files, and how many in one request; others refuse any file."""

_SMALL_FILES = {"pages.keep_named_template": LARGEST_DOCUMENT}
"""The endpoints that take one file which is no recording and is kept in memory, and its most
bytes."""

_MAX_FORM_PARTS = 520
"""Room for all jobs that the list sends at once, and for the fields beside them."""

_MOST_TEXT_BYTES = {
    "jobs.submit_job": 2 * 2**20,
    "pages.submit": 2 * 2**20,
    "words.keep_hotwords": 7 * 2**20,
    "words.add_replacements": 7 * 2**20,
}
"""The endpoints that take a list of words, and how long it may be: 2 MiB, which a form without
files writes with three bytes each.  Elsewhere it is Werkzeug's half a megabyte."""

_FORM_ALLOWANCE_BYTES = 64 * 1024
"""Bytes by which boundaries, headers and other fields may make a request longer than its file."""


class ReceivedFile:
    """The file object that the form parser writes a part to, over an IncomingBlob."""

    def __init__(self, incoming: IncomingBlob, room: ReservedRoom) -> None:
        self._incoming = incoming
        self._room = room

    @property
    def size_bytes(self) -> int:
        return self._incoming.size_bytes

    def write(self, data: bytes) -> int:
        self._room.receive(len(data))
        return self._incoming.write(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Do nothing: the parser rewinds a complete part once, but nobody reads it back."""
        return 0

    def close(self) -> None:
        """Discard the bytes unless they were kept."""
        self._incoming.discard()

    def keep(self) -> StoredBlob:
        """Make the bytes durable, and return what is stored."""
        return self._incoming.keep()


class SmallFile(io.BytesIO):
    """A file of a form that is no recording."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__()
        self._most = most_bytes

    def write(self, data: Any) -> int:
        """Write bytes. Raises TemplateTooLarge at the first byte beyond the limit."""
        if self.tell() + len(data) > self._most:
            raise TemplateTooLarge
        return super().write(data)


class UploadRequest(Request):
    """A request whose file parts become ReceivedFiles, discarded at its end unless kept."""

    form_data_parser_class = FormParser
    max_form_parts = _MAX_FORM_PARTS

    def __init__(self, environ: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(environ, *args, **kwargs)
        self._received: list[ReceivedFile] = []
        self._room: ReservedRoom | None = None
        self._has_small_file = False

    def make_form_data_parser(self) -> FormDataParser:
        most = _MOST_TEXT_BYTES.get(self.endpoint or "")
        if most is not None:
            self.max_form_memory_size = most
        return super().make_form_data_parser()

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if (most_bytes := _SMALL_FILES.get(self.endpoint or "")) and not self._has_small_file:
            self._has_small_file = True
            return SmallFile(most_bytes)
        most = FILE_PARTS.get(self.endpoint or "", 0)
        if len(self._received) >= most:
            raise InvalidRequest(
                f"This address takes {most} file{'' if most == 1 else 's'} in one request."
                if most
                else "This address takes no file.",
                param="file",
            )
        expected = total_content_length or 0
        services().require_storage()
        is_repeat = self._require_room(filename, expected if most == 1 else 0)
        if self._room is None:
            limits = UNLIMITED if is_repeat else services().owner_limits
            self._room = ReservedRoom(expected, limits)
        received = ReceivedFile(self._receive(most, expected), self._room)
        self._received.append(received)
        return cast(IO[bytes], received)

    def _get_stream_for_parsing(self) -> IO[bytes]:
        return cast(IO[bytes], RequestBody(super()._get_stream_for_parsing()))

    def _require_room(self, filename: str | None, request_bytes: int) -> bool:
        """Refuse a file, before reading it, that the queue has no room for. Raises QueueFull.

        Returns whether the request repeats one that made a job, so that nothing will be kept of it.
        """
        return jobs.require_room(
            services().db,
            services().queue_limit,
            filename=clean_filename(filename),
            size_bytes=max(0, request_bytes - _FORM_ALLOWANCE_BYTES),
            owner_id=current_owner_id(),
            idempotency_key=idempotency_key(self.headers.get("Idempotency-Key")),
        )

    def _receive(self, most: int, request_bytes: int) -> IncomingBlob:
        # The length of one file of several is not known before it ends.
        expected = max(0, request_bytes - _FORM_ALLOWANCE_BYTES) if most == 1 else 0
        here = services()
        return here.blobs.receive(max_bytes=here.settings.max_upload_bytes, expected_bytes=expected)

    def close(self) -> None:
        # Also reached when the client left or the parser refused, before there are any `files`.
        super().close()
        for received in self._received:
            received.close()
        if self._room is not None:
            self._room.release()


def received_file(file: FileStorage) -> ReceivedFile:
    """Return the ReceivedFile behind a file of the form."""
    received = file.stream
    assert isinstance(received, ReceivedFile)
    return received
