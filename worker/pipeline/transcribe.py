"""One job from its recording to its transcript; read it from top to bottom.

    recording -> words, committed batch by batch (`worker.pipeline.run`)       first checkpoint
              -> the mark after each word                                   second checkpoint
              -> sentences

An attempt begins behind the last checkpoint that an earlier one reached: once every word is there
nothing is decoded again, and once the marks are there nothing is punctuated again.  A text without
marks is better than none, so an attempt that would be the last leaves punctuation out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from shared import jobs
from shared.errors import PermanentError, PunctuationFailed
from shared.states import Stage
from shared.transcripts.values import Transcript, Word
from worker.audio.spool import AudioSpool
from worker.pipeline.assemble import assemble, split_marks
from worker.pipeline.batches import words_of
from worker.pipeline.metering import AttemptMeter
from worker.pipeline.run import RECOGNISED, RecordingRun, plan_key
from worker.pipeline.tools import Tools
from worker.pipeline.workdir import job_folder
from worker.recogniser import EMPTY_REQUEST, Recogniser, RecognitionRequest, require_supported
from worker.supervision.attempt_store import AttemptStore
from worker.supervision.liveness import UNWATCHED, Watched

__all__ = ["Tools", "plan_key", "transcribe"]

log = structlog.get_logger(__name__)


def transcribe(
    tools: Tools,
    claim: jobs.Claim,
    check: Callable[[], None],
    watched: Watched = UNWATCHED,
    request: RecognitionRequest = EMPTY_REQUEST,
) -> Transcript:
    """Run the job of `claim` up to its transcript, which the caller stores.

    `check` is called between blocks and batches and raises when the attempt must stop; `watched`
    is told of each that is done.
    Raises the errors of shared.errors; UnsupportedRequest before anything else is done.
    """
    require_supported(tools.recogniser, request)
    return _Attempt(tools, claim, check, watched, request).transcript()


class _Attempt:
    def __init__(
        self,
        tools: Tools,
        claim: jobs.Claim,
        check: Callable[[], None],
        watched: Watched,
        request: RecognitionRequest,
    ) -> None:
        self._tools = tools
        self._claim = claim
        self._check = check
        self._watched = watched
        self._store = AttemptStore(tools.db, claim, check, watched)
        self._meter = AttemptMeter(tools.recogniser.memory)
        self._request = request
        self._key = plan_key(tools, request)

    def transcript(self) -> Transcript:
        words, recognition = self._words()
        marks: list[str] | None
        if self._tools.recogniser.punctuates:
            words, marks = split_marks(words)
        else:
            marks = self._marks(words)
        self._check()
        self._store.write(jobs.set_stage, Stage.SAVING, usage=self._meter.usage())
        return assemble(
            words,
            marks,
            duration=recognition.duration_s,
            language=self._request.language or self._tools.recogniser.languages[0],
            model=self._tools.recogniser.identity.name,
            warnings=recognition.warnings,
            low_confidence=self._tools.settings.low_confidence,
        )

    def _words(self) -> tuple[list[Word], jobs.Recognition]:
        """Of the whole recording, in order of time, with what else is known of it by then."""
        recognition = self._store.read(jobs.stored_recognition, self._key)
        if recognition is not None:
            return words_of(self._store.read(jobs.stored_plan, self._key).segments), recognition
        with (
            job_folder(self._tools.settings.work_dir, self._claim.job_id) as folder,
            AudioSpool(folder / "audio.pcm") as spool,
        ):
            run = RecordingRun(
                self._tools,
                self._claim,
                self._store,
                self._check,
                spool,
                self._meter,
                self._watched,
                self._request,
            )
            warnings = run.recognise()
            recognition = jobs.Recognition(spool.seconds, warnings)
        self._store.write(jobs.store_recognition, self._key, recognition)
        return run.runner.words(), recognition

    def _marks(self, words: Sequence[Word]) -> list[str] | None:
        """What follows each word; None if the transcript has to do without."""
        marks = self._store.read(jobs.stored_marks, self._key)
        if marks is not None:
            return marks
        most = self._tools.settings.max_attempts
        if self._store.read(jobs.is_last_attempt, max_attempts=most):
            log.error("punctuation failed as often as it was tried; the text goes without")
            return None
        self._store.write(jobs.set_stage, Stage.PUNCTUATING, progress=RECOGNISED)
        self._watched.moved()
        marks = _punctuate(self._tools.recogniser, words)
        self._watched.moved()
        self._check()
        self._store.write(jobs.store_marks, self._key, marks)
        return marks


def _punctuate(recogniser: Recogniser, words: Sequence[Word]) -> list[str]:
    """Whatever goes wrong here is worth another attempt, for the words are there already."""
    try:
        marks = recogniser.punctuate([word.word for word in words])
    except PermanentError as error:
        raise PunctuationFailed from error
    if len(marks) != len(words):
        raise PunctuationFailed(f"The model gave {len(marks)} marks for {len(words)} words.")
    return marks
