"""Recognising planned batches one by one and committing each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import structlog

from shared import jobs
from shared.errors import RecognitionFailed
from shared.jobs import RecognisedSegment
from shared.traces import span
from shared.transcripts.values import SAMPLE_RATE, Word
from worker.audio.spool import AudioSpool
from worker.monitoring.counts import tally
from worker.pipeline.attempt import Attempt
from worker.pipeline.word_times import HeardAt, as_decoded, pieces_in_recording, stored_word
from worker.recogniser import BatchOutOfMemory, Pcm, RecognisedSpan
from worker.voices.pieces import hear_voices

log = structlog.get_logger(__name__)


class BatchRunner:
    """Recognises batches of one attempt and commits each; `segments` are all that is done.

    heard_s: gives the second of the player at which a sample of the spool is heard.
    """

    def __init__(self, attempt: Attempt, spool: AudioSpool) -> None:
        self._attempt = attempt
        self._recogniser = attempt.tools.recogniser
        self._batch_sizer = attempt.tools.batch_sizer
        self._spool = spool
        self._done: dict[tuple[int, int], RecognisedSegment] = {}
        self.heard_s: HeardAt = as_decoded
        self._counted_s = 0.0

    def segments(self) -> list[RecognisedSegment]:
        """Segments recognised by now, in order of their samples."""
        return [segment for _, segment in sorted(self._done.items())]

    def run(
        self,
        segments: Sequence[RecognisedSegment],
        progress: Callable[[float], float],
    ) -> None:
        """Recognise and commit every batch of a window that is not done.

        `progress` turns the share of the window that is done into the job's.  Raises OutOfMemory
        when not even a single segment fits, and what the attempt's `check` raises.
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
            for recognised in self._batches(missing[number]):
                self._done |= {_span(segment): segment for segment in recognised}
                done += sum(_length(segment) for segment in recognised)
                usage = self._attempt.meter.usage()
                computed = self._computed_samples(recognised)
                self._attempt.store.write(
                    jobs.save_batch,
                    recognised,
                    progress=progress(done / samples),
                    usage=usage,
                    computed_samples=computed,
                )
                tally.note_batch(
                    sum(map(_length, recognised)) / SAMPLE_RATE,
                    computed / SAMPLE_RATE,
                    recognition_s=usage.recognition_s - self._counted_s,
                )
                self._counted_s = usage.recognition_s

    def _batches(self, planned: list[RecognisedSegment]) -> Iterator[list[RecognisedSegment]]:
        """The results of one planned batch, in as many parts as memory demands."""
        todo = [planned]
        while todo:
            self._attempt.check()
            # The ceiling may have fallen since this batch was formed.
            batch, *rest = self._batch_sizer.fit(todo.pop(0))
            todo[:0] = rest
            try:
                recognised = self._recognise(batch)
            except BatchOutOfMemory:
                # Raises OutOfMemory when there is nothing left to halve.
                self._batch_sizer.ran_out(batch)
                todo.insert(0, batch)
                self._attempt.store.write(jobs.record_oom_retry, self._batch_sizer.ceiling_s)
                tally.note_out_of_memory()
                log.warning("batch out of memory", segments=len(batch))
                continue
            self._batch_sizer.fitted(batch)
            yield recognised

    def _recognise(self, batch: Sequence[RecognisedSegment]) -> list[RecognisedSegment]:
        speech: list[Pcm] = [
            self._spool.read(segment.start_sample, segment.end_sample) for segment in batch
        ]
        liveness, meter = self._attempt.liveness, self._attempt.meter
        padded = self._computed_samples(batch) / SAMPLE_RATE
        with (
            span("batch", number=batch[0].batch, segments=len(batch), padded_s=padded),
            liveness.batch(padded),
            meter.recognising(),
        ):
            results = self._recogniser.recognise(speech, self._attempt.request)
            voices = self._voices(batch, speech, results)
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
                [stored_word(word, segment.start_sample, self.heard_s) for word in said.words],
                of_segment,
                said.language,
                said.was_cut,
            )
            for segment, said, of_segment in zip(batch, results, voices, strict=True)
        ]

    def _computed_samples(self, batch: Sequence[RecognisedSegment]) -> int:
        return self._recogniser.pass_cost.computed_samples([_length(one) for one in batch])

    def _voices(
        self,
        batch: Sequence[RecognisedSegment],
        speech: Sequence[Pcm],
        results: Sequence[RecognisedSpan],
    ) -> Sequence[bytes | None]:
        """The voices of each segment, packed as they are stored; None where nobody asked."""
        encoder = self._attempt.encoder
        if encoder is None or len(results) != len(batch):
            return [None] * len(batch)
        heard = hear_voices(speech, results, encoder)
        return [
            pieces_in_recording(pieces, segment.start_sample, self.heard_s).tobytes()
            for pieces, segment in zip(heard, batch, strict=True)
        ]


def words_of(segments: Sequence[RecognisedSegment]) -> list[Word]:
    """The words of `segments`, which are in order of time."""
    return [Word(*word) for segment in segments for word in segment.words or ()]


def _span(segment: RecognisedSegment) -> tuple[int, int]:
    return segment.start_sample, segment.end_sample


def _length(segment: RecognisedSegment) -> int:
    return segment.end_sample - segment.start_sample
