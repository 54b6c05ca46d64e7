"""The words that a job was given, on their way to the recogniser and back from the text."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from shared import jobs
from shared.transcripts.values import Transcript
from shared.words.hotwords import count_found
from worker.recogniser import Recogniser
from worker.supervision.retrying_store import RetryingStore

log = structlog.get_logger(__name__)

NOT_TAKEN = "hotwords_not_taken"
"""The warning of a job with which words were named that its model does not take."""


@dataclass(frozen=True, slots=True)
class Hotwords:
    """Hotwords of a job, and those that its recogniser takes."""

    are_given: bool = False
    passed: tuple[str, ...] = ()
    """Words that the recogniser is given: all of them, or none where it takes none."""
    warnings: tuple[str, ...] = ()
    """Codes of warnings; none for words of the lists, which are meant for whatever model there
    is."""


NO_HOTWORDS = Hotwords()


def take_hotwords(store: RetryingStore, recogniser: Recogniser) -> Hotwords:
    """Read the words of the job, and note with it whether they are passed. A job without any costs
    one statement."""
    given = store.read(jobs.claimed_hotwords)
    if given is None:
        return NO_HOTWORDS
    accepts = recogniser.accepts_hotwords
    if given.passed is not accepts:
        store.write(jobs.note_hotwords, passed=accepts)
    log.info("hotwords", given=len(given.words), passed=accepts)
    if accepts:
        return Hotwords(are_given=True, passed=given.words)
    return Hotwords(are_given=True, warnings=(NOT_TAKEN,) if given.named else ())


def find_hotwords(hotwords: Hotwords, transcript: Transcript) -> list[tuple[str, int]] | None:
    """Count how often the words that were passed occur in the text; None where the job was given
    none."""
    if not hotwords.are_given:
        return None
    return count_found(hotwords.passed, (sentence.text for sentence in transcript.sentences))
