"""Parsing of forms, which says what is wrong with one that is not well-formed.

Werkzeug's parser takes such a form for an empty one, and a header that is not in UTF-8 for the end
of it. Its decoder is used here part by part.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import IO, NoReturn

from werkzeug.datastructures import FileStorage, Headers, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.sansio.multipart import (
    Data,
    Epilogue,
    Event,
    Field,
    File,
    MultipartDecoder,
    NeedData,
    State,
)

from shared.errors import MalformedForm
from web.http.filenames import decode_text, submitted_filename, without_quoted

_PIECE_BYTES = 64 * 1024

_FILE_NAME = re.compile(r";\s*filename\*?\s*=", re.IGNORECASE)

_MAX_TEXT_BYTES = 2**20
"""The most bytes of all fields that are no files together; they are kept in memory."""

_AS_IT_IS = frozenset(("7bit", "8bit", "binary", ""))
"""Values of Content-Transfer-Encoding, of mail, that change nothing."""

_CUT_OFF = {
    State.PREAMBLE: "none of its parts begins with the boundary that Content-Type names",
    State.PART: "it ends within the headers of a part",
}
"""Reason why a body of several parts ended too early, by where the decoder then stands."""


class FormParser(FormDataParser):
    """The parser of `UploadRequest`. Raises MalformedForm, and RequestEntityTooLarge."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        """Return the stream, the fields and the files of a form."""
        if mimetype == "multipart/form-data":
            form, files = self._parts(stream, (options or {}).get("boundary"), content_length)
            return stream, form, files
        if mimetype != "application/x-www-form-urlencoded":
            return stream, self.cls(), self.cls()
        self.silent = False
        text = _at_most(stream, self._most_text_bytes)
        try:
            return super().parse(io.BytesIO(text), mimetype, len(text), options)
        except UnicodeDecodeError:
            raise MalformedForm("The form in this request is not in UTF-8.") from None

    @property
    def _most_text_bytes(self) -> int:
        return max(_MAX_TEXT_BYTES, self.max_form_memory_size or 0)

    def _parts(
        self, stream: IO[bytes], boundary: str | None, content_length: int | None
    ) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
        if not boundary or not boundary.isascii():
            raise MalformedForm(
                "The header Content-Type names no boundary of the form's parts. Leave the header "
                "to the library that makes the form."
            )
        decoder = _PartDecoder(
            boundary.encode(),
            max_form_memory_size=self.max_form_memory_size,
            max_parts=self.max_form_parts,
        )
        fields: list[tuple[str, str]] = []
        files: list[tuple[str, FileStorage]] = []
        part: Field | File | None = None
        sink: IO[bytes] = io.BytesIO()
        text_bytes = 0
        for event in _events(decoder, stream):
            if isinstance(event, File):
                event = _named(event)
            if isinstance(event, Field | File):
                part = event
                sink = self._sink_of(part, content_length)
            elif isinstance(event, Data) and part is not None:
                if isinstance(part, Field):
                    text_bytes += len(event.data)
                    if text_bytes > self._most_text_bytes:
                        raise RequestEntityTooLarge
                sink.write(event.data)
                if event.more_data:
                    continue
                if isinstance(part, File):
                    sink.seek(0)
                    file = FileStorage(sink, part.filename, part.name, headers=part.headers)
                    files.append((part.name, file))
                elif isinstance(sink, io.BytesIO):
                    fields.append((part.name, decode_text(sink.getvalue())))
        return self.cls(fields), self.cls(files)

    def _sink_of(self, part: Field | File, content_length: int | None) -> IO[bytes]:
        if not part.name:
            raise MalformedForm("A part of the form in this request has no name.")
        encoding = part.headers.get("content-transfer-encoding", "binary").strip().lower()
        if encoding not in _AS_IT_IS:
            # RFC 7578 knows none in forms, and what was kept would be no recording.
            raise MalformedForm(
                f"The part '{part.name[:80]}' is encoded ({encoding[:20]}), which forms do not do. "
                "Send its bytes as they are, without Content-Transfer-Encoding."
            )
        if isinstance(part, File):
            return self.stream_factory(
                total_content_length=content_length,
                filename=part.filename,
                content_type=part.headers.get("content-type"),
                content_length=None,
            )
        if _FILE_NAME.search(without_quoted(part.headers.get("content-disposition", ""))):
            raise MalformedForm(
                f"The file name of the part '{part.name[:80]}' cannot be read. Write it in quotes, "
                'filename="…", in UTF-8.'
            )
        return io.BytesIO()


def _named(part: File) -> File:
    disposition = part.headers.get("content-disposition", "")
    return replace(part, filename=submitted_filename(disposition, part.filename))


class _PartDecoder(MultipartDecoder):
    """The decoder, for headers in GB18030 too: programs on a Chinese Windows send names so."""

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        return super()._parse_headers(decode_text(bytes(data)).encode())


def _events(decoder: _PartDecoder, stream: IO[bytes]) -> Iterator[Event]:
    """Decode the body piece by piece. Raises MalformedForm where it is not whole."""
    part = ""
    is_empty = True
    while not decoder.complete:
        piece = stream.read(_PIECE_BYTES)
        is_empty = is_empty and not piece
        decoder.receive_data(piece or None)
        try:
            while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
                if isinstance(event, Field | File):
                    part = event.name
                yield event
        except ValueError as error:
            _explain(decoder, error, part, is_empty=is_empty)


def _explain(decoder: _PartDecoder, error: ValueError, part: str, *, is_empty: bool) -> NoReturn:
    if is_empty:
        raise MalformedForm("The form in this request is empty.") from None
    if not decoder.complete or "Content-Disposition" in str(error):
        raise MalformedForm(
            "A part of the form in this request has no header Content-Disposition."
        ) from None
    why = _CUT_OFF.get(
        decoder.state, f"it ends within the part '{part[:80]}', without the closing boundary"
    )
    raise MalformedForm(
        f"The form in this request is not whole: {why}. It was cut off on the way, or made "
        "wrongly. Send it again."
    ) from None


def _at_most(stream: IO[bytes], limit: int) -> bytes:
    """Read all of a stream. Raises RequestEntityTooLarge where that is more than `limit`."""
    read = bytearray()
    while piece := stream.read(_PIECE_BYTES):
        read += piece
        if len(read) > limit:
            raise RequestEntityTooLarge
    return bytes(read)
