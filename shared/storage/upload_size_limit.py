"""Refusal of a recording that is larger than the server accepts, by whichever way it comes."""

from __future__ import annotations

from shared.errors import FileTooLarge


def too_large(max_bytes: int) -> FileTooLarge:
    """Error for a file that exceeds LONGSCRIBE_MAX_UPLOAD_BYTES."""
    return FileTooLarge(
        f"This file is larger than the {max_bytes / 2**20:.0f} MB that this server accepts. "
        "Compress it (an hour of speech needs about 30 MB as MP3), or ask the operator to raise "
        "LONGSCRIBE_MAX_UPLOAD_BYTES.",
        param="file",
    )
