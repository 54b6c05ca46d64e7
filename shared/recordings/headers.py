"""The lengths of files that tell it in a header of a fixed form: FLAC, ASF, Monkey's Audio, TTA and
WavPack."""

from __future__ import annotations

import struct

from shared.recordings.bounded_file import BoundedFile

ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_FIRST_OBJECT_AT = 30
_ASF_OBJECT = struct.Struct("<16sQ")

_APE_OLDEST = 3980
"""Versions before have another header, and are of before 2004."""

_WAVPACK_RATES = (
    *(6_000, 8_000, 9_600, 11_025, 12_000, 16_000, 22_050, 24_000),
    *(32_000, 44_100, 48_000, 64_000, 88_200, 96_000, 192_000),
)


def flac_length_s(file: BoundedFile) -> float | None:
    """Seconds; None where the encoder did not know them."""
    bits = int.from_bytes(file.read(18, 8))
    rate, samples = bits >> 44, bits & 2**36 - 1
    return samples / rate


def asf_length_s(file: BoundedFile) -> float | None:
    """Seconds, without those that a player reads ahead; None without file properties."""
    at = _ASF_FIRST_OBJECT_AT
    while len(head := file.read(at, _ASF_OBJECT.size)) == _ASF_OBJECT.size:
        name, size = _ASF_OBJECT.unpack(head)
        if name == _ASF_PROPERTIES:
            plays, ahead_ms = struct.unpack("<Q8xQ", file.read(at + 64, 24))
            return float(plays / 1e7 - ahead_ms / 1e3)
        if size < _ASF_OBJECT.size:
            return None
        at += size
    return None


def ape_length_s(file: BoundedFile) -> float | None:
    """Seconds; None for files of old versions."""
    version, descriptor_bytes = struct.unpack("<4xHxxI", file.read(0, 12))
    if version < _APE_OLDEST:
        return None
    a_frame, last_frame, frames, rate = struct.unpack("<4xIII4xI", file.read(descriptor_bytes, 24))
    return float(((frames - 1) * a_frame + last_frame) / rate) if frames else None


def tta_length_s(file: BoundedFile) -> float | None:
    rate, samples = struct.unpack("<II", file.read(10, 8))
    return float(samples / rate)


def wavpack_length_s(file: BoundedFile) -> float | None:
    """Seconds; None where the encoder did not know them, or for a rate of its own."""
    samples, flags = struct.unpack("<12xI8xI", file.read(0, 28))
    rate_index = flags >> 23 & 15
    if samples == 2**32 - 1 or rate_index >= len(_WAVPACK_RATES):
        return None
    return float(samples / _WAVPACK_RATES[rate_index])
