"""A recording from its file to its text, as the pipeline does it, without SQL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shared.settings import Settings
from shared.transcripts.sound_selection import MIXED
from shared.transcripts.values import Transcript
from worker.audio.decode import DecodeLimits
from worker.audio.spool import AudioSpool
from worker.batching.batch_packing import plan_batches
from worker.batching.out_of_memory import BatchSizer
from worker.batching.windows import PlanningWindows
from worker.bench.results import Cost
from worker.bench.sizes import Words, recognise_plan
from worker.bench.stopwatch import Stopwatch
from worker.pipeline.assemble import assemble, split_marks
from worker.pipeline.speech_source import SpeechSource
from worker.recogniser import Recogniser, SpeechSpan


@dataclass(frozen=True, slots=True)
class WholeFile:
    transcript: Transcript
    audio_s: float
    cost: Cost
    batches: int
    padding: float
    """Padded over spoken seconds of all windows."""

    @property
    def text(self) -> str:
        return "".join(sentence.text for sentence in self.transcript.sentences)


def transcribe_file(
    recogniser: Recogniser, settings: Settings, recording: Path, spool_path: Path
) -> WholeFile:
    """Decode, listen, recognise window by window, punctuate.

    `spool_path` must not exist.  Raises the errors of shared.errors.
    """
    with Stopwatch() as watch, AudioSpool(spool_path) as spool:
        run = _Run(recogniser, settings, spool)
        source = SpeechSource(
            recording,
            spool,
            recogniser.voice_activity,
            selection=MIXED,
            limits=DecodeLimits(
                max_audio_s=settings.max_audio_s, sandbox_required=settings.sandbox_required
            ),
            require_space=lambda wanted_bytes: None,
        )
        with source:
            for block in source.blocks(lambda: None):
                run.add(block.spans, source.expected_s)
        run.finish()
        words = [word for said in run.words for word in said]
        if recogniser.punctuates:
            words, marks = split_marks(words)
        else:
            marks = recogniser.punctuate([word.word for word in words])
        transcript = assemble(
            words,
            marks,
            duration=spool.seconds,
            language=recogniser.languages[0],
            model=recogniser.identity.name,
        )
        audio_s = spool.seconds
    padding = run.padded_s / run.speech_s if run.speech_s else 1.0
    return WholeFile(transcript, audio_s, watch.cost, run.batches, padding)


class _Run:
    def __init__(self, recogniser: Recogniser, settings: Settings, spool: AudioSpool) -> None:
        self._recogniser = recogniser
        self._sizer = BatchSizer(settings, recogniser)
        self._spool = spool
        self._waiting: list[SpeechSpan] = []
        self._windows: PlanningWindows | None = None
        self._size_s = 0.0
        self.words: list[Words] = []
        self.batches = 0
        self.padded_s = 0.0
        self.speech_s = 0.0

    def add(self, spans: list[SpeechSpan], expected_s: float | None) -> None:
        self._waiting += spans
        if self._windows is None and expected_s is None:
            return  # the length to choose a batch size by is to come
        self._pass_on(expected_s)

    def finish(self) -> None:
        self._recognise(self._pass_on(self._spool.seconds).rest())

    def _pass_on(self, expected_s: float | None) -> PlanningWindows:
        if self._windows is None:
            self._size_s = self._sizer.choose(expected_s or self._spool.seconds).batch_size_s
            self._windows = PlanningWindows(self._size_s, self._recogniser.pass_cost)
        for window in self._windows.add(self._waiting):
            self._recognise(window)
        self._waiting = []
        return self._windows

    def _recognise(self, window: list[SpeechSpan]) -> None:
        plan = plan_batches(window, self._size_s, pass_cost=self._recogniser.pass_cost)
        words, _ = recognise_plan(self._recogniser, self._spool, window, plan)
        self.words += words
        self.batches += len(plan.batches)
        self.padded_s += plan.padded_s
        self.speech_s += plan.speech_s
