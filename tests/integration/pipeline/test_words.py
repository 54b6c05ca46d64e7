"""Lists of words in a job's life: killed and gone on with, it reads as it would have."""

from __future__ import annotations

from itertools import pairwise

import pytest

from shared import jobs
from shared.models import LOCAL_OWNER
from shared.transcripts.values import Rule, Transcript, Version
from shared.words.numbers.writing import written_numbers
from shared.words.replacements import lists
from shared.words.replacements.pairs import Pair
from tests.support import factories
from tests.support.doubles.stub_recogniser import VOCABULARY, StubRecogniser
from tests.support.pipeline_worker import Worker, recording
from worker.pipeline.attempt import Attempt
from worker.pipeline.transcribe import transcribe

FIRST, SECOND = VOCABULARY[:2]


class Stop(Exception):
    """Stands for the process being killed."""


def transcript(worker: Worker, job_id: str, version: Version = Version.CURRENT) -> Transcript:
    return jobs.get_transcript(worker.db, owner_id=LOCAL_OWNER, job_id=job_id, version=version)


def test_a_killed_attempt_comes_to_the_same_words(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists.put(worker.db, LOCAL_OWNER, [Pair(FIRST, "壹壹"), Pair(SECOND, FIRST)], only=True)
    undisturbed = worker.submit(recording(8), numbers="written")
    worker.run(StubRecogniser(), monkeypatch)
    killed = worker.submit(recording(8), numbers="written")
    recogniser = StubRecogniser()
    tools = worker.tools(recogniser)
    monkeypatch.setattr(tools.batch_sizer, "_fixed_s", 6.0)

    def die_after_a_batch() -> None:
        if recogniser.batches:
            raise Stop

    claim = factories.claim(worker.db)
    with pytest.raises(Stop):
        transcribe(Attempt.begin(tools, claim, die_after_a_batch))
    jobs.release(worker.db, claim)
    # What others do to the list meanwhile is not this job's.
    lists.put(worker.db, LOCAL_OWNER, [Pair(FIRST, "另外")], only=True)
    worker.run(StubRecogniser(), monkeypatch)

    assert worker.transcript(killed) == worker.transcript(undisturbed)
    recognised = transcript(worker, killed, Version.RECOGNISED)
    read = transcript(worker, killed)
    assert FIRST in recognised.text and SECOND in recognised.text
    assert "另外" not in read.text
    for before, after in zip(recognised.sentences, read.sentences, strict=True):
        replaced = before.text.translate({ord(FIRST): "壹壹", ord(SECOND): FIRST})
        assert after.text == written_numbers(replaced)  # the lists first, and then the numbers
        by_list = Rule.REPLACEMENTS if replaced != before.text else None
        assert after.rule == (Rule.NUMBERS if after.text != replaced else by_list)
        assert (after.start, after.end) == (before.start, before.end)
        assert all(one.end <= other.start for one, other in pairwise(after.words))
    assert {sentence.rule for sentence in read.sentences} > {None}
    later = worker.submit(recording(8))
    worker.run(StubRecogniser(), monkeypatch)
    assert "另外" in transcript(worker, later).text
