"""File names: decoded and cleaned when they are submitted, and encoded in headers."""

from __future__ import annotations

import re
import unicodedata
from email.errors import MessageError
from email.header import decode_header, make_header
from pathlib import PurePosixPath
from urllib.parse import quote, unquote_to_bytes

MAX_LENGTH = 255
"""Characters, as in the database's column and in most file systems."""

UNNAMED = "recording"

_LONGEST_SUFFIX = 16

_UNPRINTABLE = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
_REFUSED = re.compile(r'[/\\:*?"<>|]')
_MOST_BYTES = 200
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that make 'gpj.exe' read 'exe.jpg'."""


def clean_filename(name: str | None) -> str:
    """The base name without anything that cannot be printed, at most 255 characters.

    >>> clean_filename("C:\\\\meetings\\\\周会 01.m4a")
    '周会 01.m4a'
    """
    base = re.split(r"[/\\]", name or "")[-1]
    base = "".join(
        character for character in base if unicodedata.category(character) not in _UNPRINTABLE
    )
    base = _DIRECTION.sub("", base).strip()
    if base.strip(".") == "":
        return UNNAMED
    if len(base) > MAX_LENGTH:
        suffix = PurePosixPath(base).suffix
        suffix = suffix if len(suffix) <= _LONGEST_SUFFIX else ""
        base = base[: MAX_LENGTH - len(suffix)] + suffix
    return base


_EXTENDED = re.compile(r";\s*filename\*\s*=\s*([\w.:-]+)'[^']*'([^\s;\"]+)", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
"""A quoted text, or the rest from a quote that is never closed."""
_ENCODED_WORD = re.compile(r"=\?[\w.:-]+\?[bq]\?[^?\s]*\?=", re.IGNORECASE)


def without_quoted(disposition: str) -> str:
    """The header with its quoted texts emptied, so that what looks like a parameter is one.

    >>> without_quoted('form-data; name="a; filename=b"; size=3')
    'form-data; name=""; size=3'
    """
    return _QUOTED.sub('""', disposition)


def submitted_filename(disposition: str, plain: str) -> str:
    """The name of a form's file: its `filename*` (RFC 8187) before its `filename`, which is
    `plain`, wherever in the header Content-Disposition it stands; and encoded words of mail, as
    some Java programs send them, decoded.

    >>> submitted_filename("form-data; filename*=GBK''%D6%DC%BB%E1.wav; filename=x.wav", "x.wav")
    '周会.wav'
    >>> submitted_filename("", "=?UTF-8?B?5ZGo5LyaLndhdg==?=")
    '周会.wav'
    """
    if extended := _EXTENDED.search(without_quoted(disposition)):
        try:
            return unquote_to_bytes(extended[2]).decode(extended[1])
        except (LookupError, ValueError):
            return plain
    if _ENCODED_WORD.search(plain):
        try:
            return str(make_header(decode_header(plain)))
        except (LookupError, ValueError, MessageError):
            return plain
    return plain


def download_name(title: str, suffix: str) -> str:
    """The name of a file that is made of the recording with this title; no character in it is one
    that some file system refuses.

    >>> download_name("Q3/Q4: 预算?", "docx")
    'Q3-Q4- 预算-.docx'
    """
    stem = clean_filename(_REFUSED.sub("-", title))[: MAX_LENGTH - len(suffix) - 1]
    # Most file systems count bytes, of which a Chinese character has three.
    while len(stem.encode()) > _MOST_BYTES:
        stem = stem[:-1]
    return f"{stem.rstrip(' .') or UNNAMED}.{suffix}"


def decode_text(text: bytes) -> str:
    """Decode a name or a field that does not say in which encoding it is: UTF-8, else GB18030.

    Bytes that are neither become U+FFFD each: a recording is not refused for its name.

    >>> decode_text("会议.wav".encode("gbk"))
    '会议.wav'
    """
    try:
        return text.decode()
    except UnicodeDecodeError:
        pass
    try:
        return text.decode("gb18030")
    except UnicodeDecodeError:
        return text.decode("utf-8", "replace")


def attachment(name: str) -> str:
    """A Content-Disposition for a download called `name`, in any script (RFC 6266, RFC 5987)."""
    return _disposition("attachment", name)


def inline(name: str) -> str:
    """A Content-Disposition for a file that is shown in the browser, and saved as `name`."""
    return _disposition("inline", name)


def _disposition(kind: str, name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    ascii_name = re.sub(r'["\\%;]', "", ascii_name).strip()
    # '周会.txt' would leave '.txt', a hidden file.
    if ascii_name.startswith(".") or not ascii_name:
        ascii_name = UNNAMED + ascii_name
    header = f'{kind}; filename="{ascii_name}"'
    if ascii_name != name:
        header += f"; filename*=UTF-8''{quote(name, safe='')}"
    return header
