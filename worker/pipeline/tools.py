"""Tools that a worker keeps from job to job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.db import Database
from shared.settings import Settings
from shared.storage.blob_store import BlobStore
from shared.storage.measured_space import WorkSpace
from worker.batching.out_of_memory import BatchSizer
from worker.recogniser import Recogniser
from worker.speaker_encoder import SpeakerEncoder


@dataclass(frozen=True, slots=True)
class Tools:
    """Settings, database, storage and the loaded model of one worker process, for all its jobs."""

    settings: Settings
    db: Database
    blobs: BlobStore
    work_space: WorkSpace
    recogniser: Recogniser
    batch_sizer: BatchSizer
    speaker_encoder: Callable[[], SpeakerEncoder]
    """Loads the encoder at its first call, for most jobs do not ask who speaks. Raises
    ModelUnavailable."""
