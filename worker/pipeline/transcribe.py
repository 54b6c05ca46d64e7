"""Transcription of one job, from its recording to its transcript; read it from top to bottom.

    recording -> words, committed batch by batch (`worker.pipeline.recognition`)  first checkpoint
              -> the mark after each word                                      second checkpoint
              -> sentences

An attempt begins behind the last checkpoint that an earlier one reached: once every word is there
nothing is decoded again, and once the marks are there nothing is punctuated again.  A text without
marks is better than none, so an attempt that would be the last leaves punctuation out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from shared import jobs
from shared.errors import PermanentError, PunctuationFailed
from shared.jobs import RecognisedSegment
from shared.states import Stage
from shared.traces import span
from shared.transcripts.values import Transcript, Word
from worker.audio.spool import AudioSpool
from worker.pipeline.assemble import REPETITION_CUT, assemble, split_marks
from worker.pipeline.attempt import Attempt
from worker.pipeline.batch_runner import words_of
from worker.pipeline.hotwords import find_hotwords
from worker.pipeline.progress import RECOGNISED
from worker.pipeline.recognition import RecognitionRun
from worker.pipeline.speakers import Voices, map_voices, who_speaks
from worker.pipeline.work_folders import work_folder
from worker.recogniser import Recogniser, require_supported

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Transcribed:
    """Result of a transcription."""

    transcript: Transcript
    voices: Voices | None = None
    """Voices of the speakers; None where the job does not ask who speaks."""
    hotwords_found: list[tuple[str, int]] | None = None
    """Hotwords that stand in the transcript, each with the number of times; None where the job was
    given none."""


def transcribe(attempt: Attempt) -> Transcribed:
    """Run the attempt up to the job's transcript, which the caller stores.

    Raises the errors of shared.errors, and what the attempt's `check` raises; UnsupportedRequest
    before anything else is done.
    """
    recogniser = attempt.tools.recogniser
    require_supported(recogniser, attempt.request)
    segments, recognition = _recognise(attempt)
    words = words_of(segments)
    marks: list[str] | None
    if recogniser.punctuates:
        words, marks = split_marks(words)
    else:
        marks = _marks(attempt, words)
    attempt.check()
    attempt.store.write(jobs.set_stage, Stage.SAVING, usage=attempt.meter.usage())
    voices, speakers = _voices(attempt, segments, words)
    attempt.check()
    with span("assemble", words=len(words)) as assembling:
        transcript = assemble(
            words,
            marks,
            turns=_turns(segments, recognition.takes),
            speakers=speakers,
            duration=recognition.duration_s,
            language=attempt.request.language or _spoken(segments) or recogniser.languages[0],
            model=recogniser.identity.name,
            warnings=[
                *recognition.warning_codes,
                *attempt.hotwords.warnings,
                *([REPETITION_CUT] if any(segment.was_cut for segment in segments) else ()),
            ],
            low_confidence=attempt.tools.settings.low_confidence,
        )
        found = find_hotwords(attempt.hotwords, transcript)
        assembling.note(sentences=len(transcript.sentences))
    return Transcribed(transcript, voices, found)


def _voices(
    attempt: Attempt, segments: Sequence[RecognisedSegment], words: Sequence[Word]
) -> tuple[Voices | None, list[int | None] | None]:
    """The voices of the recording and who speaks each word; None of both where nobody asks."""
    if attempt.encoder is None:
        return None, None
    with span("speakers", segments=len(segments)):
        voices = map_voices(attempt, segments)
        return voices, who_speaks(words, voices.map if voices else None, attempt.speakers)


def _recognise(attempt: Attempt) -> tuple[list[RecognisedSegment], jobs.Recognition]:
    """The words of the whole recording, in order of its samples, and the first checkpoint."""
    store, key = attempt.store, attempt.plan_key
    recognition = store.read(jobs.stored_recognition, key)
    if recognition is not None:
        return store.read(jobs.stored_plan, key).segments, recognition
    with (
        work_folder(attempt.tools.settings.work_dir, attempt.claim.job_id) as folder,
        AudioSpool(folder / "audio.pcm") as spool,
    ):
        run = RecognitionRun(attempt, spool)
        recognition = run.recognise()
    store.write(jobs.store_recognition, key, recognition)
    return run.segments(), recognition


def _spoken(segments: Sequence[RecognisedSegment]) -> str | None:
    """The language that is spoken longest; None where that of no segment is known."""
    samples: Counter[str] = Counter()
    for segment in segments:
        if segment.language is not None:
            samples[segment.language] += segment.end_sample - segment.start_sample
    return max(samples, key=lambda language: (samples[language], language), default=None)


def _turns(
    segments: Sequence[RecognisedSegment], takes: Sequence[tuple[int, str | None]]
) -> list[tuple[int, str | None]]:
    """The index of the first word of each take, and whose words these are."""
    first_words: list[tuple[int, str | None]] = []
    for start_sample, speaker in takes:
        before = [segment for segment in segments if segment.start_sample < start_sample]
        first_words.append((len(words_of(before)), speaker))
    return first_words


def _marks(attempt: Attempt, words: Sequence[Word]) -> list[str] | None:
    """The punctuation mark after each word, the second checkpoint; None if the transcript has to do
    without."""
    store, key = attempt.store, attempt.plan_key
    marks = store.read(jobs.stored_marks, key)
    if marks is not None:
        return marks
    most = attempt.tools.settings.max_attempts
    if store.read(jobs.is_last_attempt, max_attempts=most):
        log.error("punctuation failed as often as it was tried; the text goes without")
        return None
    store.write(jobs.set_stage, Stage.PUNCTUATING, progress=RECOGNISED)
    attempt.liveness.note_progress()
    with span("punctuation", words=len(words)):
        marks = _punctuate(attempt.tools.recogniser, words)
    attempt.liveness.note_progress()
    attempt.check()
    store.write(jobs.store_marks, key, marks)
    return marks


def _punctuate(recogniser: Recogniser, words: Sequence[Word]) -> list[str]:
    """The mark after each word. Raises PunctuationFailed, after which another attempt is worth it:
    the words are there already."""
    try:
        marks = recogniser.punctuate([word.word for word in words])
    except PermanentError as error:
        raise PunctuationFailed from error
    if len(marks) != len(words):
        raise PunctuationFailed(f"The model gave {len(marks)} marks for {len(words)} words.")
    return marks
