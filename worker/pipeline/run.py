"""From a recording's bytes to its words.

    recording -> samples and spans of speech, on a thread of their own
              -> window by window: batch plan, stored -> batch by batch: recognise, commit

Whatever ends an attempt in between, the next one finds the plan and the finished batches in SQL,
decodes again and goes on with the batch that was missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import structlog

from shared import jobs
from shared.errors import NoAudio
from shared.jobs import RecognisedSegment
from shared.states import Stage
from worker.audio.decode import DecodeLimits
from worker.audio.spool import AudioSpool
from worker.batching.plan import plan_batches
from worker.batching.windows import Windows
from worker.pipeline.batches import BatchRunner
from worker.pipeline.metering import AttemptMeter
from worker.pipeline.speech_source import Listener
from worker.pipeline.tools import Tools
from worker.recogniser import SAMPLE_RATE, RecognitionRequest, SpeechSpan
from worker.supervision.attempt_store import AttemptStore
from worker.supervision.liveness import Watched

log = structlog.get_logger(__name__)

_PLAN_VERSION = 2
"""Raise it when a change to decoding or segmentation moves spans or alters words."""

_DECODED = 0.1
"""Share of the progress bar that decoding moves; recognition moves the most of the rest."""
RECOGNISED = 0.97

_SHOW_EVERY = 0.01
"""Progress of decoding is written once in so many shares of the whole."""


def plan_key(tools: Tools, request: RecognitionRequest) -> str:
    """Everything that decides what a span is and what is heard in it, hashed: segments stored
    under another key belong to another text."""
    settings = tools.settings
    decides: list[object] = [
        _PLAN_VERSION,
        asdict(tools.recogniser.identity) | {"device": None},
        settings.vad_end_silence_ms,
        settings.max_segment_s,
    ]
    if asked := request.stated():  # an empty request keeps the keys from before there were any
        decides.append(asked)
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


class RecordingRun:
    """One attempt at a recording. `recognise` leaves every word of it with `runner`."""

    def __init__(
        self,
        tools: Tools,
        claim: jobs.Claim,
        store: AttemptStore,
        check: Callable[[], None],
        spool: AudioSpool,
        meter: AttemptMeter,
        watched: Watched,
        request: RecognitionRequest,
    ) -> None:
        self._tools = tools
        self._claim = claim
        self._store = store
        self._check = check
        self._spool = spool
        self._watched = watched
        self._key = plan_key(tools, request)
        self._stored = store.read(jobs.stored_plan, self._key)
        self._batches = 1 + max((segment.batch for segment in self._stored.segments), default=-1)
        self._stage = Stage.DECODING
        self._progress = 0.0
        self._expected_s: float | None = None
        self.runner = BatchRunner(
            store, tools.recogniser, tools.batch_sizer, spool, meter, watched, request
        )

    def recognise(self) -> list[str]:
        """Listen, plan and recognise to the recording's end; the warnings.

        Raises what decoding and recognition raise.
        """
        planned = self._stored.complete
        listener = Listener(
            self._tools.blobs.path(self._claim.blob_key),
            self._spool,
            None if planned else self._tools.recogniser.voice_activity(),
            limits=DecodeLimits(max_audio_s=self._tools.settings.max_audio_s),
            require_space=self._tools.blobs.require_space,
        )
        with listener:
            if planned:
                self._hear_all(listener)
                self._choose_batch_size()
                self._run(self._stored.segments)
            else:
                for window, is_last in self._windows(listener):
                    self._run(self._plan(window, is_last=is_last))
            damaged = listener.summary.corrupt_packets > 0
        return ["damaged_audio_skipped"] if damaged else []

    def _windows(self, listener: Listener) -> Iterator[tuple[list[SpeechSpan], bool]]:
        """Windows of spans not yet planned, the last of them marked; what an earlier attempt
        planned is run on the way."""
        windows: Windows | None = None
        spans: list[SpeechSpan] = []
        for heard in listener.heard(self._check):
            self._watched.moved()
            spans += heard.spans
            self._show_decoding(listener.expected_s)
            if windows is None:
                if self._expected_s is None or len(spans) < len(self._stored.segments):
                    continue  # the length to choose a batch size by, or the old plan, is to come
                windows = self._first_windows()
                spans = self._resume(spans)
            for window in windows.add(spans):
                yield window, False
            spans = []
        self._end_of_recording(listener)
        if windows is None:
            windows = self._first_windows()
            spans = self._resume(spans)
        for window in windows.add(spans):
            yield window, False
        yield windows.rest(), True

    def _hear_all(self, listener: Listener) -> None:
        for _ in listener.heard(self._check):
            self._watched.moved()
            self._show_decoding(listener.expected_s)
        self._end_of_recording(listener)

    def _resume(self, spans: Sequence[SpeechSpan]) -> list[SpeechSpan]:
        """Run what an earlier attempt planned; the spans that it had not."""
        stored = self._stored.segments
        if not stored:
            return list(spans)
        known = [SpeechSpan(segment.start_sample, segment.end_sample) for segment in stored]
        if list(spans[: len(known)]) != known:
            # Nothing that we know of does this; the text would have a seam, so begin again.
            log.error("the recording's spans are not those of the stored plan")
            self._store.write(jobs.drop_plan)
            self._batches = 0
            return list(spans)
        self._run(stored)
        return list(spans[len(known) :])

    def _first_windows(self) -> Windows:
        return Windows(self._choose_batch_size(), self._tools.recogniser.batch_overhead_s)

    def _choose_batch_size(self) -> float:
        """Decide, and keep what led to it with the attempt. In padded seconds."""
        decision = self._tools.batch_sizer.choose(self._expected_s or self._spool.seconds)
        identity = self._tools.recogniser.identity
        self._store.write(
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
        return decision.batch_size_s

    def _plan(self, window: Sequence[SpeechSpan], *, is_last: bool) -> list[RecognisedSegment]:
        """Form the batches of a window and store them before the first is recognised."""
        plan = plan_batches(
            window,
            self._batch_size_s,
            batch_overhead_s=self._tools.recogniser.batch_overhead_s,
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
        self._store.write(jobs.store_plan, self._key, segments, complete=is_last)
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
        if not segments:
            return
        if self._stage is Stage.DECODING:
            self._stage = Stage.RECOGNISING
            self._store.write(jobs.set_stage, self._stage)
        begin, end = segments[0].start_sample, segments[-1].end_sample

        def progress(share: float) -> float:
            recognised_s = (begin + share * (end - begin)) / SAMPLE_RATE
            return self._overall(recognised_s)

        self.runner.run(segments, self._check, progress)

    def _overall(self, recognised_s: float) -> float:
        """The job's progress, from how far into the recording its text reaches."""
        length_s = max(self._expected_s or 0.0, self._spool.seconds)
        decoded = min(1.0, self._spool.seconds / length_s)
        recognised = min(1.0, recognised_s / length_s)
        return _DECODED * decoded + (RECOGNISED - _DECODED) * recognised

    def _show_decoding(self, expected_s: float | None) -> None:
        """Progress while nothing is recognised yet; afterwards the batches show it."""
        self._expected_s = expected_s
        if expected_s is None or self._stage is not Stage.DECODING:
            return
        progress = self._overall(0.0)
        if progress - self._progress >= _SHOW_EVERY:
            self._progress = progress
            self._store.write(jobs.set_stage, self._stage, progress=progress)

    def _end_of_recording(self, listener: Listener) -> None:
        """The header may have claimed another length than there was."""
        if self._spool.samples == 0:
            raise NoAudio
        self._expected_s = self._spool.seconds
        self._store.write(jobs.set_stage, self._stage, duration_s=self._spool.seconds)
        waveform = listener.waveform
        if waveform is not None:
            self._store.write(jobs.store_waveform, waveform)
