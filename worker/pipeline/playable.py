"""The playable copy of an attempt's recording: made beside recognition, then stored.

A transcript is worth more than its copy: whatever goes wrong with the copy is logged, and the job
goes on without.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import structlog

from shared import jobs
from shared.errors import FenceLost, InsufficientStorage
from shared.models import new_id
from shared.storage.blob_store import key_of
from shared.storage.measured_space import require_space
from worker.audio.playable.maker import CopyMaker
from worker.audio.playable.needed import RecordingFacts, needs_playable_copy
from worker.audio.playable.process import BYTES_A_SECOND, MEDIA_TYPE, EncodingFailed
from worker.audio.spool import AudioSpool
from worker.audio.takes import TakesClock
from worker.pipeline.attempt import Attempt

log = structlog.get_logger(__name__)

_FILE_NAME = "playable.webm"
_WAIT_S = 0.2
_STANDSTILL_S = 60.0
_CHUNK_BYTES = 1 << 20


class PlayableCopy:
    """Decides whether a copy is made, makes it in the spool's folder, and stores it.

    The steps: `consider` what is known of the recording as often as more is known, tell
    `decoded_all`, and `store` once recognition is done.  Left before that, nothing is stored.
    """

    def __init__(self, attempt: Attempt, spool: AudioSpool, clock: TakesClock) -> None:
        self._attempt = attempt
        self._spool = spool
        self._clock = clock
        self._is_decided = attempt.tools.settings.playable_copy == "never"
        self._maker: CopyMaker | None = None
        self._running = ExitStack()

    def consider(self, facts: RecordingFacts | None, expected_s: float | None) -> None:
        """Begin to make a copy if one is needed, and none is there or begun."""
        if self._is_decided or facts is None:
            return
        reason = needs_playable_copy(facts)
        if reason is None:
            return
        self._is_decided = True
        store = self._attempt.store
        _, is_there = store.read(jobs.planned_playable_copy)
        if is_there:
            return
        try:
            size = int((expected_s or 0.0) * BYTES_A_SECOND)
            require_space(self._attempt.tools.work_space, size)
        except InsufficientStorage as error:
            log.error("makes no playable copy", reason=error.message)
            return
        log.info("makes a playable copy", reason=reason.value)
        selection = self._attempt.selection
        self._maker = self._running.enter_context(
            CopyMaker(
                self._spool,
                self._clock,
                self._spool.path.with_name(_FILE_NAME),
                several_takes="each" in (selection.tracks, selection.channels),
                sandbox_required=self._attempt.tools.settings.sandbox_required,
            )
        )

    def decoded_all(self) -> None:
        """Tell that the spool is full."""
        if self._maker is not None:
            self._maker.spool_is_full()

    def store(self) -> None:
        """Wait for the copy and store it. Raises what ends the attempt, and nothing else."""
        if self._maker is None:
            return
        try:
            self._wait(self._maker)
            self._keep(self._maker)
        except (EncodingFailed, InsufficientStorage, OSError) as error:
            log.error("the playable copy was not made", error=repr(error))

    def _wait(self, maker: CopyMaker) -> None:
        """Wait until the copy is made. Raises EncodingFailed if that stands still."""
        position, moved_at = maker.position, time.monotonic()
        while not maker.wait(_WAIT_S):
            self._attempt.check()
            if maker.position != position:
                position, moved_at = maker.position, time.monotonic()
                self._attempt.liveness.note_progress()
            elif time.monotonic() - moved_at > _STANDSTILL_S:
                raise EncodingFailed("the encoder stands still")

    def _keep(self, maker: CopyMaker) -> None:
        """Choose a key, store the bytes under it, and say so: in this order, no crash leaves bytes
        that no row names, and none is served by halves."""
        store, tools, claim = self._attempt.store, self._attempt.tools, self._attempt.claim
        store.write(jobs.plan_playable_copy, key_of(new_id()))
        key, is_there = store.read(jobs.planned_playable_copy)
        if key is None:
            return  # deleted meanwhile; the next write of the attempt finds out
        if is_there:
            return  # another job of the recording was first
        size = maker.path.stat().st_size
        try:
            with (
                maker.path.open("rb") as made,
                tools.blobs.receive(
                    max_bytes=size, expected_bytes=size, blob_id=key.rpartition("/")[-1]
                ) as incoming,
            ):
                while chunk := made.read(_CHUNK_BYTES):
                    incoming.write(chunk)
                blob = incoming.keep()
            copy = jobs.PlayableCopy(blob.key, blob.size_bytes, MEDIA_TYPE)
            store.write(jobs.store_playable_copy, copy)
        except FenceLost:
            # The job may have been deleted since, and the key with it.
            if store.read(jobs.planned_playable_copy) == (None, False):
                tools.blobs.delete(key)
            raise
        log.info("stored a playable copy", bytes=size, fence=claim.fence)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.close()
