"""The services that the views use, created once for an application."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import cast

from celery import Celery
from flask import Flask, current_app

from shared import jobs
from shared.celery_doorbell import make_ringing_celery
from shared.db import Database
from shared.quotas.limits import OwnerLimits, owner_limits
from shared.settings import Settings
from shared.storage.blob_store import BlobStore
from shared.storage.configured import open_blob_store
from shared.storage.errors import StorageUnavailable
from shared.storage.identity import StorageState, check_storage
from shared.storage.measured_space import Space, WorkSpace, work_space
from web.oidc.provider import Providers
from web.running_hashes import RunningHashes

_EXTENSION = "longscribe"


@dataclass(slots=True)
class StorageSeen:
    """Result of the last comparison of storage and database, for pages that ask no database."""

    state: StorageState = StorageState.SOUND
    identity: str | None = None
    """Identity of the storage when it was sound last."""


@dataclass(frozen=True, slots=True)
class Services:
    """The services of an application. `celery` only sends doorbells and imports no worker code."""

    settings: Settings
    db: Database
    blobs: BlobStore
    work_space: WorkSpace
    celery: Celery
    providers: Providers
    hashes: RunningHashes = field(default_factory=RunningHashes)
    migrated: threading.Event = field(default_factory=threading.Event)
    """Set once the database was found to have this version's schema, and then not checked again."""
    storage_seen: StorageSeen = field(default_factory=StorageSeen)

    @property
    def storage_is_gone(self) -> bool:
        """Return whether the recordings' storage is missing, as far as that is known without asking
        the database."""
        seen = self.storage_seen
        if seen.identity is None:
            return seen.state is not StorageState.SOUND
        try:
            return self.blobs.identity() != seen.identity
        except OSError:
            return True

    @property
    def storage_is_full(self) -> bool:
        """Return whether recordings are refused because space is lacking.

        False where the storage cannot be asked; /readyz reports that.
        """
        return _is_full(self.blobs)

    @property
    def work_folder_is_full(self) -> bool:
        """Return whether workers on this data folder take no jobs because space is lacking."""
        return _is_full(self.work_space)

    def usable_bytes(self) -> int:
        """Bytes that can still be written to the fuller of storage and work folder.

        Raises OSError when the storage cannot be asked.
        """
        return min(self.blobs.usable_bytes(), self.work_space.usable_bytes())

    def require_storage(self) -> None:
        """Check that the recordings' storage is there. Raises StorageUnavailable or
        SQLAlchemyError."""
        if self.check_storage() is not StorageState.SOUND:
            raise StorageUnavailable

    def check_storage(self) -> StorageState:
        """Compare the storage with the database; the first time it is taken into use. Raises
        SQLAlchemyError."""
        seen = self.storage_seen
        seen.state = check_storage(self.db, self.blobs, may_begin=True)
        if seen.state is StorageState.SOUND:
            try:
                seen.identity = self.blobs.identity()
            except OSError:
                seen.state = StorageState.UNREACHABLE
        return seen.state

    @property
    def owner_limits(self) -> OwnerLimits:
        return owner_limits(self.settings)

    @property
    def uploads_kept_s(self) -> float:
        return self.settings.upload_expires_hours * 3600

    @property
    def queue_limit(self) -> jobs.QueueLimit:
        return jobs.queue_limit_of(self.settings)


def _is_full(place: Space) -> bool:
    try:
        return place.usable_bytes() == 0
    except OSError:
        return False


def open_services(app: Flask, settings: Settings) -> Services:
    """Create the services of `app`; each connects when it is first used."""
    opened = Services(
        settings=settings,
        db=Database(settings.resolved_database_url),
        blobs=open_blob_store(settings),
        work_space=work_space(settings),
        celery=make_ringing_celery(settings),
        providers=Providers(settings.oidc),
    )
    app.extensions[_EXTENSION] = opened
    return opened


def services() -> Services:
    """The services of the application that handles this request."""
    return cast(Services, current_app.extensions[_EXTENSION])
