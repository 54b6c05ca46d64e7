"""Length of a recording as its file states it, so that its waiting time need not be estimated.

Files are untrusted, and this runs while somebody waits for an answer: whatever a file holds, its
reading ends after a bounded number of bytes and calls, and what cannot be read is not known.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from shared.recordings import chunks, headers, matroska, mp3, mp4, ogg
from shared.recordings.bounded_file import BoundedFile
from shared.storage.blob_store import BlobStore, StoredBlob

_MOST_BYTES = 2 * 2**20
_MOST_READS = 5_000

_MAGIC_BYTES = 16
_Reader = Callable[[BoundedFile], float | None]

_READERS: tuple[tuple[re.Pattern[bytes], _Reader], ...] = tuple(
    (re.compile(magic, re.DOTALL), reader)
    for magic, reader in (
        (rb"(?:RIFF|RF64|BW64)....WAVE", chunks.wave_length_s),
        (rb"FORM....AIF[FC]", chunks.aiff_length_s),
        (rb"....(?:ftyp|moov|mdat|free|skip|wide|pnot)", mp4.mp4_length_s),
        (re.escape(matroska.MAGIC), matroska.matroska_length_s),
        (rb"OggS", ogg.ogg_length_s),
        (rb"fLaC", headers.flac_length_s),
        (re.escape(headers.ASF_HEADER), headers.asf_length_s),
        (rb"MAC ", headers.ape_length_s),
        (rb"TTA1", headers.tta_length_s),
        (rb"wvpk", headers.wavpack_length_s),
        (rb"ID3|\xff[\xe2-\xff]", mp3.mp3_length_s),
    )
)
"""Readers by the first bytes of a file, whatever its name."""


def told_length_s(blobs: BlobStore, blob: StoredBlob) -> float | None:
    """The seconds that a stored recording's container tells; None where it tells none.

    They are a claim: the decoder finds out. Raises nothing.
    """
    file = BoundedFile(blobs, blob, most_bytes=_MOST_BYTES, most_reads=_MOST_READS)
    try:
        magic = file.read(0, _MAGIC_BYTES)
        for pattern, reader in _READERS:
            if pattern.match(magic):
                length_s = reader(file)
                break
        else:
            return None
    except Exception:  # noqa: BLE001 - a guess serves as well, and the file may hold anything
        return None
    return length_s if length_s is not None and 0 < length_s < math.inf else None
