"""The one place that chooses where recordings are kept."""

from __future__ import annotations

from shared.settings import Settings
from shared.storage.blob_store import BlobStore
from shared.storage.local.folder import LocalFolder


def open_blob_store(settings: Settings) -> BlobStore:
    """Open the store that `settings` name. Nothing is made until something is written to it."""
    return LocalFolder(settings.recordings_dir, min_free_bytes=settings.min_free_bytes)
