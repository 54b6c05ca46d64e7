"""Recognising planned batches one by one and committing each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import structlog

from shared import jobs
from shared.errors import RecognitionFailed
from shared.jobs import RecognisedSegment
from shared.transcripts.values import Word
from worker.audio.spool import AudioSpool
from worker.batching.size import BatchSizer, padded_s
from worker.pipeline.metering import AttemptMeter
from worker.recogniser import (
    SAMPLE_RATE,
    BatchOutOfMemory,
    Pcm,
    Recogniser,
    RecognitionRequest,
)
from worker.supervision.attempt_store import AttemptStore
from worker.supervision.liveness import Watched

log = structlog.get_logger(__name__)


class BatchRunner:
    """Recognises batches of one job; `words` are those of all that is done so far."""

    def __init__(
        self,
        store: AttemptStore,
        recogniser: Recogniser,
        batch_sizer: BatchSizer,
        spool: AudioSpool,
        meter: AttemptMeter,
        watched: Watched,
        request: RecognitionRequest,
    ) -> None:
        self._store = store
        self._recogniser = recogniser
        self._batch_sizer = batch_sizer
        self._spool = spool
        self._meter = meter
        self._watched = watched
        self._request = request
        self._done: dict[tuple[int, int], RecognisedSegment] = {}

    def words(self) -> list[Word]:
        """In order of time."""
        return words_of([segment for _, segment in sorted(self._done.items())])

    def run(
        self,
        segments: Sequence[RecognisedSegment],
        check: Callable[[], None],
        progress: Callable[[float], float],
    ) -> None:
        """Recognise and commit every batch of a window that is not done.

        `check` is called before each.  `progress` turns the share of the window that is done
        into the job's.  Raises OutOfMemory when not even a single segment fits.
        """
        samples = sum(_length(segment) for segment in segments)
        missing: dict[int, list[RecognisedSegment]] = defaultdict(list)
        done = 0
        for segment in segments:
            if segment.words is None:
                missing[segment.batch].append(segment)
            else:
                self._done[_span(segment)] = segment
                done += _length(segment)
        for number in sorted(missing):
            for recognised in self._batches(missing[number], check):
                self._done |= {_span(segment): segment for segment in recognised}
                done += sum(_length(segment) for segment in recognised)
                self._store.write(
                    jobs.save_batch,
                    recognised,
                    progress=progress(done / samples),
                    usage=self._meter.usage(),
                )

    def _batches(
        self, planned: list[RecognisedSegment], check: Callable[[], None]
    ) -> Iterator[list[RecognisedSegment]]:
        """The results of one planned batch, in as many parts as memory demands."""
        todo = [planned]
        while todo:
            check()
            # The ceiling may have fallen since this batch was formed.
            batch, *rest = self._batch_sizer.fit(todo.pop(0))
            todo[:0] = rest
            try:
                recognised = self._recognise(batch)
            except BatchOutOfMemory:
                # Raises OutOfMemory when there is nothing left to halve.
                self._batch_sizer.ran_out(batch)
                todo.insert(0, batch)
                self._store.write(jobs.record_oom_retry, self._batch_sizer.ceiling_s)
                log.warning("batch out of memory", segments=len(batch))
                continue
            yield recognised

    def _recognise(self, batch: Sequence[RecognisedSegment]) -> list[RecognisedSegment]:
        speech: list[Pcm] = [
            self._spool.read(segment.start_sample, segment.end_sample) for segment in batch
        ]
        with self._watched.batch(padded_s(batch)), self._meter.recognising():
            results = self._recogniser.recognise(speech, self._request)
        if len(results) != len(batch):
            # Never zip what may not belong together: FunASR itself gives one empty result for a
            # whole batch in which nothing was recognised.
            raise RecognitionFailed(
                f"The model gave {len(results)} results for {len(batch)} segments."
            )
        return [
            RecognisedSegment(
                segment.start_sample,
                segment.end_sample,
                segment.batch,
                [_placed(word, segment.start_sample / SAMPLE_RATE) for word in said.words],
            )
            for segment, said in zip(batch, results, strict=True)
        ]


def words_of(segments: Sequence[RecognisedSegment]) -> list[Word]:
    """Of segments in order of time."""
    return [Word(*word) for segment in segments for word in segment.words or ()]


def _placed(word: Word, offset_s: float) -> jobs.StoredWord:
    """A word's times in the recording, rounded to the millisecond they are known to."""
    start, end = round(offset_s + word.start, 3), round(offset_s + word.end, 3)
    return word.word, start, end, word.confidence


def _span(segment: RecognisedSegment) -> tuple[int, int]:
    return segment.start_sample, segment.end_sample


def _length(segment: RecognisedSegment) -> int:
    return segment.end_sample - segment.start_sample
