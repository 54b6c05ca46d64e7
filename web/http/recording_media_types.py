"""The media type of a recording, for players.

It follows from the first bytes, as in the players themselves, or from the name where the bytes tell
nothing. No type here is one that a browser would show as a page.
"""

from __future__ import annotations

from pathlib import PurePath

HEAD_BYTES = 64
"""The number of first bytes that `media_type` needs."""

UNKNOWN = "application/octet-stream"

RANGES = (UNKNOWN, "audio/*", "video/*")
"""The media types, as the ranges of an Accept header, that `media_type` returns."""

_BY_FIRST_BYTES: tuple[tuple[int, bytes, str], ...] = (
    # Offset, bytes, type; the more specific first.
    (0, b"ID3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"#!AMR-WB", "audio/amr-wb"),
    (0, b"#!AMR", "audio/amr"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (8, b"AIFF", "audio/aiff"),
    (8, b"AIFC", "audio/aiff"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypM4B", "audio/mp4"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp3g", "video/3gpp"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "audio/x-ms-wma"),
    (0, b"caff", "audio/x-caf"),
    (0, b".snd", "audio/basic"),
    (0, b"FLV", "video/x-flv"),
    (0, b"wvpk", "audio/x-wavpack"),
    (0, b"TTA1", "audio/x-tta"),
    (0, b"MAC ", "audio/x-ape"),
    (0, b"\x00\x00\x01\xba", "video/mpeg"),
)

_EBML = b"\x1a\x45\xdf\xa3"
"""WebM and Matroska, which name themselves a little later."""

_BY_SUFFIX = {
    "aac": "audio/aac", "ac3": "audio/ac3", "aif": "audio/aiff", "aiff": "audio/aiff",
    "amr": "audio/amr", "ape": "audio/x-ape", "au": "audio/basic", "avi": "video/x-msvideo",
    "caf": "audio/x-caf", "flac": "audio/flac", "flv": "video/x-flv", "m4a": "audio/mp4",
    "mkv": "video/x-matroska", "mov": "video/quicktime", "mp3": "audio/mpeg", "mp4": "video/mp4",
    "mpeg": "video/mpeg", "mpg": "video/mpeg", "oga": "audio/ogg", "ogg": "audio/ogg",
    "opus": "audio/ogg", "ts": "video/mp2t", "wav": "audio/wav", "webm": "video/webm",
    "wma": "audio/x-ms-wma",
}  # fmt: skip


def media_type(head: bytes, filename: str) -> str:
    """The type of the file that begins with `head` and was submitted as `filename`.

    >>> media_type(b"<html><script>", "meeting.html")
    'application/octet-stream'
    """
    for offset, mark, found in _BY_FIRST_BYTES:
        if head[offset : offset + len(mark)] == mark:
            return found
    if head.startswith(_EBML):
        return "video/webm" if b"webm" in head else "video/x-matroska"
    if len(head) > 1 and head[0] == 0xFF:
        if head[1] & 0xF6 == 0xF0:  # the layer's bits, which are zero in ADTS alone
            return "audio/aac"
        if head[1] & 0xE0 == 0xE0:
            return "audio/mpeg"
    return _BY_SUFFIX.get(PurePath(filename).suffix[1:].lower(), UNKNOWN)
