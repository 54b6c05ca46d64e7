"""Recognise one recording at one batch size after another, and compare."""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import OutOfMemory
from shared.settings import Settings
from shared.transcripts.values import Word
from worker.audio.spool import AudioSpool
from worker.batching.batch_packing import Batch, BatchPlan, plan_batches
from worker.batching.choose_size import SMALLEST_BATCH_S, BatchSizeDecision
from worker.batching.out_of_memory import BatchSizer, halve
from worker.bench.results import Cost, SizeResult
from worker.bench.stopwatch import Stopwatch
from worker.recogniser import EMPTY_REQUEST, BatchOutOfMemory, Pcm, Recogniser, SpeechSpan

ALONE = "alone"
"""A segment at a time: what every other size must agree with."""
AUTO = "auto"

Words = tuple[Word, ...]


class SizeBench:
    """Measurement of batch sizes with one recording and one loaded recogniser; the first size
    measured must be `ALONE`.

    All sizes share a process.  That is fair because the peak is reset before each: on a GPU the
    allocator counts live tensors exactly; on a CPU it is the resident memory, so what the C
    library still holds from the size before is given back first.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        settings: Settings,
        spool: AudioSpool,
        spans: Sequence[SpeechSpan],
        *,
        repeat: int = 1,
    ) -> None:
        self._recogniser = recogniser
        self._settings = settings
        self._spool = spool
        self._spans = spans
        self._repeat = repeat
        self.alone: list[Words] = []
        self.words: list[Words] = []
        """Words of the size measured last."""

    def warm_up(self) -> None:
        """The longest segment, once: libraries choose their kernels and load them.

        Raises OutOfMemory when not even that fits.
        """
        longest = max(self._spans, key=lambda span: span.end - span.start)
        try:
            self._recogniser.recognise(
                [self._spool.read(longest.start, longest.end)], EMPTY_REQUEST
            )
        except BatchOutOfMemory as error:
            raise OutOfMemory from error
        self._recogniser.punctuate(["好"] * 20)

    def measure(self, asked: str) -> SizeResult:
        """Measure one batch size. Raises OutOfMemory when there is no room for a single segment."""
        from worker.engine.device import return_freed_memory

        return_freed_memory()
        decision, plan = self._plan(asked)
        self._recogniser.memory.reset_peak()
        costs: list[Cost] = []
        while len(costs) < self._repeat:
            with Stopwatch() as watch:
                words, retries = recognise_plan(self._recogniser, self._spool, self._spans, plan)
            costs.append(watch.cost)
        peak = self._recogniser.memory.peak_bytes()
        self.words = words
        if asked == ALONE:
            self.alone = words
        pairs = list(zip(words, self.alone, strict=True))
        return SizeResult(
            asked=asked,
            decision=decision,
            # Other programs on the machine only ever add to either.
            recognition=Cost(min(cost.wall_s for cost in costs), min(cost.cpu_s for cost in costs)),
            peak_bytes=peak,
            batches=len(plan.batches),
            padding=plan.padding,
            largest_batch_s=max(map(plan.computed_s, plan.batches)),
            oom_retries=retries,
            segments_differing=sum(_said(one) != _said(other) for one, other in pairs),
            times_equal=all(one == other for one, other in pairs),
        )

    def largest_batch(self, asked: str) -> list[Pcm]:
        """The samples of the batch with the most padded seconds at that size."""
        _, plan = self._plan(asked)
        largest = max(plan.batches, key=plan.computed_s)
        spans = [self._spans[index] for index in largest.indices]
        return [self._spool.read(span.start, span.end) for span in spans]

    def _plan(self, asked: str) -> tuple[BatchSizeDecision, BatchPlan]:
        wish = {ALONE: SMALLEST_BATCH_S, AUTO: AUTO}.get(asked) or float(asked)
        settings = self._settings.model_copy(update={"batch_size_s": wish})
        decision = BatchSizer(settings, self._recogniser).choose(self._spool.seconds)
        if asked != ALONE:
            return decision, plan_batches(
                self._spans,
                decision.batch_size_s,
                pass_cost=self._recogniser.pass_cost,
            )
        # Even the smallest budget may hold two very short segments.
        lengths = [span.end - span.start for span in self._spans]
        batches = tuple(Batch((index,), (samples,)) for index, samples in enumerate(lengths))
        return decision, BatchPlan(batches, decision.batch_size_s, self._recogniser.pass_cost)


def recognise_plan(
    recogniser: Recogniser, spool: AudioSpool, spans: Sequence[SpeechSpan], plan: BatchPlan
) -> tuple[list[Words], int]:
    """The words of each span, and how many batches had to be halved.

    Raises OutOfMemory when there is no room for a single span.
    """
    words: list[Words] = [()] * len(spans)
    todo: list[Sequence[int]] = [batch.indices for batch in reversed(plan.batches)]
    retries = 0
    while todo:
        indices = todo.pop()
        chosen = [spans[index] for index in indices]
        try:
            results = recogniser.recognise(
                [spool.read(span.start, span.end) for span in chosen], EMPTY_REQUEST
            )
        except BatchOutOfMemory as error:
            if len(indices) < 2:
                raise OutOfMemory from error
            retries += 1
            todo.extend(reversed(halve(indices)))
            continue
        for index, said in zip(indices, results, strict=True):
            words[index] = said.words
    return words, retries


def _said(words: Words) -> list[str]:
    return [word.word for word in words]
