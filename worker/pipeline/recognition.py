"""Recognition of a recording, from its bytes to its words.

    recording -> samples and spans of speech, on a thread of their own
              -> window by window: batch plan, stored -> batch by batch: recognise, commit

Whatever ends an attempt in between, the next one finds the plan and the finished batches in SQL,
decodes again and goes on with the batch that was missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict

import structlog

from shared import jobs
from shared.errors import (
    InsufficientStorage,
    NoAudio,
)
from shared.jobs import RecognisedSegment
from shared.storage.errors import DiskTooSmall, NoRoomToDecode, RecordingLost, StorageUnavailable
from shared.storage.identity import require_storage
from shared.storage.measured_space import require_space
from shared.transcripts.values import DECODED_BYTES_A_SECOND
from worker.audio.decode import DecodeLimits
from worker.audio.spool import AudioSpool
from worker.batching.batch_packing import plan_batches
from worker.batching.windows import PlanningWindows
from worker.pipeline.attempt import Attempt
from worker.pipeline.batch_runner import BatchRunner
from worker.pipeline.playable import PlayableCopy
from worker.pipeline.progress import RecordingProgress
from worker.pipeline.speech_source import SpeechSource
from worker.recogniser import SpeechSpan
from worker.supervision.retrying_store import retry_while_unavailable

log = structlog.get_logger(__name__)


class RecognitionRun:
    """Recognises the recording of one attempt: `recognise` it, then take its `segments`.

    The steps of `recognise`:
    1. decode and find speech, block by block (`SpeechSource`, on a thread of its own);
    2. once the length is known, choose the batch size;
    3. run what an earlier attempt planned, less the batches that it committed;
    4. cut what follows into windows; plan, store and run each.
    When an earlier attempt has planned all of it, no speech is looked for, and 4 is left out.
    """

    def __init__(self, attempt: Attempt, spool: AudioSpool) -> None:
        self._attempt = attempt
        self._spool = spool
        self._stored = attempt.store.read(jobs.stored_plan, attempt.plan_key)
        self._batches = 1 + max((segment.batch for segment in self._stored.segments), default=-1)
        self._batch_size_s = 0.0
        self._progress = RecordingProgress(attempt.store, spool)
        self._runner = BatchRunner(attempt, spool)

    def segments(self) -> list[RecognisedSegment]:
        """Segments recognised by now, in order of their samples."""
        return self._runner.segments()

    def recognise(self) -> jobs.Recognition:
        """Decode, plan and recognise to the recording's end; what is known of it then.

        Raises what decoding and recognition raise.
        """
        planned = self._stored.complete
        tools = self._attempt.tools
        with (
            self._recording() as recording,
            SpeechSource(
                recording,
                self._spool,
                None if planned else tools.recogniser.voice_activity,
                selection=self._attempt.selection,
                limits=DecodeLimits(
                    max_audio_s=tools.settings.max_audio_s,
                    sandbox_required=tools.settings.sandbox_required,
                ),
                require_space=self._require_room,
            ) as source,
            PlayableCopy(self._attempt, self._spool, source.clock) as self._copy,
        ):
            self._runner.heard_s = source.clock.heard_s
            if planned:
                for _ in self._blocks(source):
                    pass
                self._choose_batch_size()
                self._run(self._stored.segments)
            else:
                for window, is_last in self._windows(source):
                    self._run(self._plan(window, is_last=is_last))
            # A storage that went away in mid-reading looks like a recording that ends early.
            self._attempt.store.read(lambda db, _: require_storage(db, tools.blobs))
            _require_readable(recording)
            self._copy.store()
            report = source.report
        return jobs.Recognition(
            report.duration_s, warnings=[], report=report, takes=tuple(source.clock.starts)
        )

    @contextmanager
    def _recording(self) -> Iterator[int]:
        """The recording's descriptor. Raises RecordingLost, and as `_require_room` where the
        recording has to be fetched first."""
        tools, claim = self._attempt.tools, self._attempt.claim
        with ExitStack() as opened:
            try:
                copy = tools.blobs.local_copy(
                    claim.blob_key,
                    sha256=claim.sha256,
                    require_room=self._require_room,
                    progress=self._fetched_more,
                )
                descriptor = opened.enter_context(copy)
            except FileNotFoundError as error:
                raise RecordingLost from error
            yield descriptor

    def _fetched_more(self) -> None:
        self._attempt.check()
        self._attempt.liveness.note_progress()

    def _require_room(self, size_bytes: int) -> None:
        """Check the space of the work folder. Raises NoRoomToDecode if the work folder has no room
        for `size_bytes` more just now, and DiskTooSmall if no worker's ever has."""
        tools = self._attempt.tools
        length_s = self._spool.seconds + size_bytes / DECODED_BYTES_A_SECOND
        try:
            require_space(tools.work_space, size_bytes)
        except InsufficientStorage as error:
            largest = retry_while_unavailable(
                lambda: jobs.largest_work_disk_bytes(
                    tools.db, within_s=tools.settings.worker_seen_within_s
                ),
                self._attempt.check,
            )
            largest = max(largest or 0, tools.work_space.disk_bytes())
            if length_s * DECODED_BYTES_A_SECOND > largest:
                raise DiskTooSmall(
                    f"This recording takes {length_s * DECODED_BYTES_A_SECOND / 2**20:,.0f} MB "
                    f"while it is transcribed, and the largest disk of a worker offers "
                    f"{largest / 2**20:,.0f} MB even when it is empty. Split the recording, or ask "
                    "the operator for a larger disk."
                ) from error
            raise NoRoomToDecode(length_s=length_s if size_bytes else None) from error

    def _blocks(self, source: SpeechSource) -> Iterator[list[SpeechSpan]]:
        """The spans of each block, up to the recording's end, which is stored."""
        for block in source.blocks(self._attempt.check):
            self._attempt.liveness.note_progress()
            self._progress.decoded_block(source.expected_s)
            self._copy.consider(source.facts, source.expected_s)
            yield block.spans
        if self._spool.samples == 0:
            raise NoAudio
        self._progress.decoded_all(source.report.duration_s)
        self._copy.consider(source.facts, source.report.duration_s)
        self._copy.decoded_all()
        waveform = source.waveform
        if waveform is not None:
            self._attempt.store.write(jobs.store_waveform, waveform)

    def _windows(self, source: SpeechSource) -> Iterator[tuple[list[SpeechSpan], bool]]:
        """Windows of spans not yet planned, the last of them marked; what an earlier attempt
        planned is run on the way."""
        windows: PlanningWindows | None = None
        spans: list[SpeechSpan] = []
        for found in self._blocks(source):
            spans += found
            if windows is None:
                known_length = self._progress.expected_s is not None
                if not known_length or len(spans) < len(self._stored.segments):
                    continue  # the length to choose a batch size by, or the old plan, is to come
                windows = self._first_windows()
                spans = self._resume(spans)
            for window in windows.add(spans):
                yield window, False
            spans = []
        if windows is None:
            windows = self._first_windows()
            spans = self._resume(spans)
        for window in windows.add(spans):
            yield window, False
        yield windows.rest(), True

    def _first_windows(self) -> PlanningWindows:
        self._choose_batch_size()
        return PlanningWindows(self._batch_size_s, self._attempt.tools.recogniser.pass_cost)

    def _resume(self, spans: Sequence[SpeechSpan]) -> list[SpeechSpan]:
        """Run what an earlier attempt planned; the spans that it had not planned."""
        stored = self._stored.segments
        if not stored:
            return list(spans)
        known = [SpeechSpan(segment.start_sample, segment.end_sample) for segment in stored]
        if list(spans[: len(known)]) != known:
            # Nothing that we know of does this; the text would have a seam, so begin again.
            log.error("the recording's spans are not those of the stored plan")
            self._attempt.store.write(jobs.drop_plan)
            self._batches = 0
            return list(spans)
        self._run(stored)
        return list(spans[len(known) :])

    def _choose_batch_size(self) -> None:
        """Decide, and store the decision with the attempt."""
        tools = self._attempt.tools
        decision = tools.batch_sizer.choose(self._progress.expected_s or self._spool.seconds)
        identity = tools.recogniser.identity
        self._attempt.store.write(
            jobs.note_batch_choice,
            jobs.BatchRecord(
                model=identity.name,
                device=identity.device,
                dtype=identity.dtype,
                **asdict(decision),
            ),
        )
        log.info("batch size chosen", **asdict(decision))
        self._batch_size_s = decision.batch_size_s

    def _plan(self, window: Sequence[SpeechSpan], *, is_last: bool) -> list[RecognisedSegment]:
        """Form the batches of a window and store them before the first is recognised."""
        plan = plan_batches(
            window,
            self._batch_size_s,
            pass_cost=self._attempt.tools.recogniser.pass_cost,
        )
        batch_of = {
            index: self._batches + number
            for number, batch in enumerate(plan.batches)
            for index in batch.indices
        }
        self._batches += len(plan.batches)
        segments = [
            jobs.PlannedSegment(span.start, span.end, batch_of[index])
            for index, span in enumerate(window)
        ]
        self._attempt.store.write(
            jobs.store_plan, self._attempt.plan_key, segments, complete=is_last
        )
        log.info(
            "planned",
            segments=len(segments),
            batches=len(plan.batches),
            padding=round(plan.padding, 3),
        )
        return [
            RecognisedSegment(segment.start_sample, segment.end_sample, segment.batch, None)
            for segment in segments
        ]

    def _run(self, segments: Sequence[RecognisedSegment]) -> None:
        """Recognise the segments of a window, or of a stored plan, that have no words yet."""
        if not segments:
            return
        self._progress.begin_recognition()
        begin, end = segments[0].start_sample, segments[-1].end_sample

        def progress(share: float) -> float:
            return self._progress.share(begin + share * (end - begin))

        self._runner.run(segments, progress)


def _require_readable(recording: int) -> None:
    """Check that the recording can still be read. Raises StorageUnavailable if the recording's
    bytes cannot be read any more."""
    try:
        size = os.fstat(recording).st_size
        os.pread(recording, 1, 0)
        os.pread(recording, 1, max(0, size - 1))
    except OSError as error:
        raise StorageUnavailable from error
