"""Who speaks, from the recording to the transcript, on both databases."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from sqlalchemy import func, select

from shared import jobs
from shared.models import LOCAL_OWNER, GroupVoices, Segment, StoredVoiceMap
from shared.speakers import VoiceMap, cut
from shared.speakers.kept.vectors import likeness, rows
from shared.speakers.kept.voice_keeping import switch_on
from tests.support import factories
from tests.support.doubles.stub_recogniser import StubRecogniser
from tests.support.doubles.stub_speaker_encoder import StubSpeakerEncoder
from tests.support.pipeline_worker import Worker
from tests.support.stack_without_http import as_wav
from worker.pipeline.attempt import Attempt
from worker.pipeline.plan_key import plan_key
from worker.pipeline.tools import Tools
from worker.pipeline.transcribe import transcribe
from worker.recogniser import EMPTY_REQUEST, SAMPLE_RATE

LOW, MIDDLE, HIGH = 100.0, 180.0, 260.0
TURNS = [LOW, HIGH, LOW, MIDDLE, MIDDLE, HIGH, LOW, HIGH, MIDDLE, LOW]


class Stop(Exception):
    """Stands for the process being killed."""


def meeting(turns: Sequence[float] = TURNS, seconds: float = 3.0) -> bytes:
    """People of one pitch each, with a pause after each turn."""
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pause = np.zeros(round(1.2 * SAMPLE_RATE), np.int16)
    parts = [pause]
    for number, hz in enumerate(turns):
        parts += [((4000 + 300 * number) * np.sin(2 * np.pi * hz * at)).astype(np.int16), pause]
    return as_wav(np.concatenate(parts))


def names(worker: Worker, job_id: str) -> list[str | None]:
    stored = jobs.get_transcript(worker.db, owner_id=LOCAL_OWNER, job_id=job_id)
    return [name for name, _ in itertools.groupby(s.speaker for s in stored.sentences)]


def die_after_batches(recogniser: StubRecogniser, batches: int) -> Callable[[], None]:
    def check() -> None:
        if len(recogniser.batches) >= batches:
            raise Stop

    return check


def in_small_batches(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> Tools:
    monkeypatch.setattr(tools.batch_sizer, "_fixed_s", 7.0)
    return tools


def test_each_turn_has_its_speaker(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = worker.submit(meeting(), speakers="auto")
    worker.run(StubRecogniser(), monkeypatch)
    one, two, three = "说话人1", "说话人2", "说话人3"
    assert names(worker, job_id) == [one, two, one, three, two, one, two, three, one]
    with worker.db.reading() as session:
        stored = session.scalar(select(StoredVoiceMap.content))
        kept = select(func.count()).where(Segment.voices.is_not(None))
        assert session.scalar(kept) == 0  # the map has all that is needed
    voice_map = VoiceMap.from_json(stored)
    assert voice_map.encoder == StubSpeakerEncoder.revision
    turns = [1, 2, 1, 3, 3, 2, 1, 2, 3, 1]
    assert cut(voice_map) == [speaker for speaker in turns for _ in range(2)]  # pieces of a turn


def test_as_many_as_were_asked_for(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = worker.submit(meeting(), speakers="2")
    worker.run(StubRecogniser(), monkeypatch)
    assert set(names(worker, job_id)) == {"说话人1", "说话人2"}


def test_a_change_of_speaker_ends_a_sentence_without_a_mark(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unpunctuated(StubRecogniser):
        def punctuate(self, words: Sequence[str]) -> list[str]:
            return [""] * len(words)

    job_id = worker.submit(meeting([LOW, HIGH, HIGH, LOW]), speakers="auto")
    worker.run(Unpunctuated(), monkeypatch)
    stored = jobs.get_transcript(worker.db, owner_id=LOCAL_OWNER, job_id=job_id)
    assert [s.speaker for s in stored.sentences] == ["说话人1", "说话人2", "说话人1"]


@pytest.mark.parametrize("after", [1, 3])
def test_a_killed_attempt_is_gone_on_with_and_hears_the_same(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    undisturbed = worker.submit(meeting(), speakers="auto")
    worker.run(StubRecogniser(), monkeypatch)
    again = worker.submit(meeting(), speakers="auto")
    first = StubRecogniser()
    tools = in_small_batches(worker.tools(first), monkeypatch)
    claim = factories.claim(worker.db)
    with pytest.raises(Stop):
        transcribe(Attempt.begin(tools, claim, die_after_batches(first, after)))
    jobs.release(worker.db, claim)
    second = StubRecogniser()
    worker.run(second, monkeypatch)
    assert sum(first.spans) + sum(second.spans) == len(TURNS)
    assert worker.transcript(again) == worker.transcript(undisturbed)
    with worker.db.reading() as session:
        one, other = session.scalars(select(StoredVoiceMap.content)).all()
    assert one == other


@pytest.mark.parametrize("keeping", ["allowed", "forbidden"])
def test_what_voices_are_compared_by_is_stored_where_the_owner_wants_it_and_may(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, keeping: str
) -> None:
    worker.settings = worker.settings.model_copy(update={"voice_keeping": keeping})
    worker.submit(meeting([LOW, HIGH]), speakers="auto")
    worker.run(StubRecogniser(), monkeypatch)
    assert factories.count(worker.db, GroupVoices) == 0
    switch_on(worker.db, LOCAL_OWNER)
    job_id = worker.submit(meeting([LOW, HIGH, LOW]), speakers="auto")
    worker.run(StubRecogniser(), monkeypatch)
    with worker.db.reading() as session:
        stored = session.scalars(select(GroupVoices)).one_or_none()
        content = session.scalar(
            select(StoredVoiceMap.content).where(StoredVoiceMap.job_id == job_id)
        )
    if keeping == "forbidden":
        assert stored is None
        return
    assert stored is not None and stored.job_id == job_id
    voice_map = VoiceMap.from_json(content)
    voices = rows(stored.vectors, voice_map.groups)
    assert stored.encoder == voice_map.encoder
    # The stub's voices have nothing in common; each is of the length that is stored.
    low, high = (voices[voice_map.pieces[n].group] for n in (0, 2))
    assert (likeness(low, high), max(low), max(high)) == (0, 127, 127)


def test_nobody_asks_nobody_listens(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_encoder() -> StubSpeakerEncoder:
        raise AssertionError("nobody asked who speaks")

    monkeypatch.setattr("tests.support.pipeline_worker.StubSpeakerEncoder", no_encoder)
    jobs_ = [worker.submit(meeting()), worker.submit(meeting(), speakers="3", channels="each")]
    for _ in jobs_:
        worker.run(StubRecogniser(), monkeypatch)
    assert names(worker, jobs_[0]) == [None]
    assert factories.count(worker.db, StoredVoiceMap) == 0


def test_words_of_before_speakers_were_asked_for_are_not_used_for_them(worker: Worker) -> None:
    tools = worker.tools(StubRecogniser())
    keys = {
        plan_key(tools, EMPTY_REQUEST),
        plan_key(tools, EMPTY_REQUEST, encoder=StubSpeakerEncoder()),
        plan_key(tools, EMPTY_REQUEST, encoder=StubSpeakerEncoder(revision="stub-2")),
    }
    assert len(keys) == 3


def test_a_recording_in_which_nobody_speaks_has_no_speakers(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = worker.submit(as_wav(np.zeros(5 * SAMPLE_RATE, np.int16)), speakers="2-4")
    worker.run(StubRecogniser(), monkeypatch)
    assert names(worker, job_id) == []
    assert worker.job(job_id).job.warnings == ["no_speech"]
