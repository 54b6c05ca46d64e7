"""Recognise streams of frames without a header of the file: MP3, AAC in ADTS, MPEG-TS."""

from __future__ import annotations

import os

_TS_PACKET = 188
# kbit/s by the index in the frame's header.
_RATES_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_RATES_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_HZ = (44_100, 48_000, 32_000)


def frames_at(descriptor: int, at: int, head: bytes) -> str:
    """The kind of two frames, one behind the other, that stand at `at` and begin with `head`:
    'mp3', 'aac', 'mpegts'; '' for anything else."""
    if len(head) < 8:
        return ""
    if head[0] == 0x47:
        syncs = (os.pread(descriptor, 1, at + count * _TS_PACKET) for count in range(1, 5))
        return "mpegts" if all(sync == b"\x47" for sync in syncs) else ""
    if head[0] != 0xFF:
        return ""
    for kind, length_of in (("aac", _adts_bytes), ("mp3", _mp3_bytes)):
        length = length_of(head)
        if length:
            following = os.pread(descriptor, 8, at + length)
            if len(following) == 8 and following[:2] == head[:2] and length_of(following):
                return kind
    return ""


def _adts_bytes(head: bytes) -> int:
    """Bytes of the ADTS frame that begins with `head`; 0 where it is none."""
    if head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length > 7 else 0


def _mp3_bytes(head: bytes) -> int:
    """Bytes of the frame of MPEG audio layer 3 that begins with `head`; 0 where it is none."""
    version, rate, hz = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if head[0] != 0xFF or head[1] & 0xE6 != 0xE2 or version == 1 or rate in (0, 15) or hz == 3:
        return 0
    is_first = version == 3
    kbits = (_RATES_1 if is_first else _RATES_2)[rate - 1]
    sample_rate = _HZ[hz] >> (0 if is_first else 1 if version == 2 else 2)
    return (144 if is_first else 72) * kbits * 1000 // sample_rate + (head[2] >> 1 & 1)
