"""Recognise where a recording begins, of whatever kind: behind the end of another one."""

from __future__ import annotations

import os
import re

from worker.audio.decoder.mp3 import end_of_tags
from worker.audio.decoder.parts.frames import frames_at

_FIRST_BLOCK = 1 << 14
_BLOCK = 1 << 20
HEAD = 64
"""Bytes by which a beginning is recognised; blocks overlap by so many."""

_KINDS = (
    # Bytes that all of a kind have, how far behind the beginning they stand, and the beginning.
    (b"WAVE", 8, rb"(?:RIFF|RIFX|RF64|BW64).{4}WAVE[ -~]{4}"),
    (b"AVI LIST", 8, rb"RIFF.{4}AVI LIST"),
    (b"FORM", 0, rb"FORM.{4}AIF[FC][ -~]{4}"),
    (b"caff\x00\x01", 0, rb"caff\x00\x01\x00\x00desc"),
    (b"riff\x2e\x91\xcf\x11", 0, rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"),
    # With the first metadata block, which always is a STREAMINFO of 34 bytes.
    (b"fLaC", 0, rb"fLaC[\x00\x80]\x00\x00\x22"),
    # The first page of a stream, of which the number is 0.
    (b"OggS\x00\x02", 0, rb"OggS\x00\x02.{12}\x00{4}"),
    (b"\x1a\x45\xdf\xa3", 0, rb"\x1a\x45\xdf\xa3.{0,40}?\x42\x82.{1,8}?(?:webm|matroska)"),
    (b"ftyp", 4, rb"\x00\x00\x00[\x10-\x7f]ftyp[ -~]{4}"),
    (b"#!AMR", 0, rb"#!AMR(?:-WB)?\n"),
    # The header object of ASF, by its GUID.
    (b"\x30\x26\xb2\x75", 0, rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"),
    (b"FLV\x01", 0, rb"FLV\x01[\x01\x04\x05]\x00\x00\x00\x09\x00{4}"),
    (b"TTA1", 0, rb"TTA1[\x01\x02]\x00"),
)
_SOUGHT = tuple(
    # An anchor first: a pattern that begins with a choice is looked for at a tenth of the speed.
    (re.compile(re.escape(anchor)), at, re.compile(pattern, re.DOTALL))
    for anchor, at, pattern in _KINDS
)
_WHERE_ANOTHER_ENDS = (rb"wvpk.{4}[\x02-\x10]\x04", rb"\.snd\x00.{2}[^\x00]?.{4}\x00\x00\x00")
"""Beginnings that cannot be looked for inside a file: short, or repeated in it."""
_BEGINNING = re.compile(
    b"|".join(b"(?:" + p + b")" for p in [k[2] for k in _KINDS] + list(_WHERE_ANOTHER_ENDS)),
    re.DOTALL,
)
_ZEROS = bytes(_BLOCK + 2 * HEAD)
"""A block of digital silence, or of room that was reserved and never written."""
_TAG = re.compile(rb"ID3[\x02-\x04][\x00-\x04].[\x00-\x7f]{4}", re.DOTALL)


def begins(descriptor: int, at: int, head: bytes | None = None, *, but: str = "") -> bool:
    """Return whether a recording begins at `at`; `head` is what stands there, if it was read.

    but: a kind of `frames_at` that does not count.
    """
    head = os.pread(descriptor, HEAD, at) if head is None else head
    if _TAG.match(head):
        at = end_of_tags(descriptor, at)
        head = os.pread(descriptor, HEAD, at)
    return bool(_BEGINNING.match(head)) or frames_at(descriptor, at, head) not in ("", but)


def next_beginning(descriptor: int, start: int, end: int, *, but: str = "") -> int | None:
    """Offset of the first recording that begins in [start, end), of all kinds with a beginning that
    occurs nowhere else; None without any. `but` is as in `begins`.
    """
    at = start
    while at < end:
        # A small block first: a file may be joined of thousands.
        size = _FIRST_BLOCK if at == start else _BLOCK
        first = max(start, at - HEAD)
        block = os.pread(descriptor, min(at + size + HEAD, end) - first, first)
        if _ZEROS.startswith(block):  # compared in a fraction of the time that searching takes
            at += size
            continue
        found = None
        for anchor, behind, pattern in _SOUGHT:
            for hit in anchor.finditer(block):
                offset = hit.start() - behind
                if found is not None and offset >= found:
                    break
                if offset >= 0 and pattern.match(block, offset):
                    found = offset
                    break
        for tag in _TAG.finditer(block):
            if found is not None and tag.start() >= found:
                break
            if begins(descriptor, first + tag.start(), but=but):
                found = tag.start()
                break
        if found is not None:
            return first + found
        at += size
    return None
