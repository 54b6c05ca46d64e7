"""The one place that chooses where recordings are kept."""

from __future__ import annotations

from shared.settings import Settings
from shared.settings.environment import InvalidSettings
from shared.storage.blob_store import BlobStore
from shared.storage.local.folder import LocalFolder


def open_blob_store(settings: Settings) -> BlobStore:
    """Open the store that `settings` name. Nothing is made until something is written to it."""
    if settings.s3_bucket:
        # Loaded here: most installations have none, and it takes 40 MiB.
        try:
            from shared.storage.s3.bucket import Bucket
        except ModuleNotFoundError as error:
            raise InvalidSettings(
                "LONGSCRIBE_S3_BUCKET needs a package that is not installed: pip install "
                "'longscribe[s3]'"
            ) from error
        return Bucket.of(settings)
    return LocalFolder(settings.recordings_dir, min_free_bytes=settings.min_free_bytes)
