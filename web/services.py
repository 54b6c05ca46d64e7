"""The services that the views use, created once for an application."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import cast

from celery import Celery
from flask import Flask, current_app

from shared import jobs
from shared.db import Database
from shared.queue import make_ringing_celery
from shared.settings import Settings
from shared.storage.blobs import BlobStore
from web.running_hashes import RunningHashes

_EXTENSION = "longscribe"


@dataclass(frozen=True, slots=True)
class Services:
    """The services of an application. `celery` only sends doorbells and imports no worker code."""

    settings: Settings
    db: Database
    blobs: BlobStore
    celery: Celery
    hashes: RunningHashes = field(default_factory=RunningHashes)
    migrated: threading.Event = field(default_factory=threading.Event)
    """Set once the database was found to have this version's schema, and then not checked again."""

    @property
    def disk_is_full(self) -> bool:
        """Whether no upload fits. False where the folder cannot be read, which /readyz reports."""
        try:
            return self.blobs.usable_bytes() == 0
        except OSError:
            return False

    @property
    def uploads_kept_s(self) -> float:
        return self.settings.upload_expires_hours * 3600

    @property
    def queue_limit(self) -> jobs.QueueLimit:
        return jobs.QueueLimit(
            most_s=self.settings.max_queued_hours * 3600,
            longest_s=self.settings.max_audio_s,
            seen_within_s=self.settings.worker_seen_within_s,
        )


def open_services(app: Flask, settings: Settings) -> Services:
    """Create the services of `app`; each connects when it is first used."""
    opened = Services(
        settings=settings,
        db=Database(settings.resolved_database_url),
        blobs=BlobStore(settings.recordings_dir, min_free_bytes=settings.min_free_bytes),
        celery=make_ringing_celery(settings),
    )
    app.extensions[_EXTENSION] = opened
    return opened


def services() -> Services:
    """The services of the application that handles this request."""
    return cast(Services, current_app.extensions[_EXTENSION])
