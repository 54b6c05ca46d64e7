"""Corrections lose nothing: not the recognised text, not an older one, not another editor's."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from shared import jobs
from shared.db import Database
from shared.errors import (
    EditedMeanwhile,
    InvalidRequest,
    JobNotFound,
    SentenceNotFound,
    TranscriptNotReady,
)
from shared.models import LOCAL_OWNER, Revision, StoredTranscript
from shared.states import JobStatus
from shared.transcripts import corrections
from shared.transcripts.values import Sentence, Transcript, Version, Word
from tests.support import factories
from tests.support.factories import TRANSCRIPT

FIRST, SECOND = (sentence.text for sentence in TRANSCRIPT.sentences)


@pytest.fixture
def job_id(db: Database) -> str:
    return factories.a_job(db, JobStatus.COMPLETED)


def correct(
    db: Database, job_id: str, text: str, *, revision: int = 0, n: int = 0
) -> corrections.SentenceRevision:
    return corrections.correct(
        db, owner_id=LOCAL_OWNER, job_id=job_id, n=n, text=text, revision=revision
    )


def transcript(db: Database, job_id: str, version: Version = Version.CURRENT) -> Transcript:
    return jobs.get_transcript(db, owner_id=LOCAL_OWNER, job_id=job_id, version=version)


def told(page: corrections.RevisionPage) -> list[tuple[int, int, str]]:
    return [(found.n, found.revision, found.text) for found in page.revisions]


def test_a_correction_is_read_and_the_recognised_text_stays(db: Database, job_id: str) -> None:
    with db.reading() as session:
        stored = session.scalars(select(StoredTranscript.content)).one()
    done = correct(db, job_id, "各家好。")
    assert (done.revision, done.text, done.recognised_text) == (1, "各家好。", FIRST)
    assert (done.editor_id, done.corrected) == (LOCAL_OWNER, True)
    assert done.at is not None

    current = transcript(db, job_id)
    first, second = current.sentences
    assert current.text == "各家好。" + SECOND
    assert (first.n, first.revision, first.corrected) == (0, 1, True)
    assert (second.n, second.revision, second.corrected) == (1, 0, False)
    assert first.words == (Word("各", 0.5, 0.8), *TRANSCRIPT.sentences[0].words[1:])
    assert second == TRANSCRIPT.sentences[1]

    assert transcript(db, job_id, Version.RECOGNISED) == TRANSCRIPT
    with db.reading() as session:
        assert session.scalars(select(StoredTranscript.content)).one() == stored


def test_a_sentence_keeps_its_speaker_through_storage_and_corrections(db: Database) -> None:
    first, second = TRANSCRIPT.sentences
    said = replace(TRANSCRIPT, sentences=(replace(first, speaker="Track 1"), second))
    job_id = factories.submit(db)
    factories.complete(db, factories.claim(db), said)
    correct(db, job_id, "各家好。")
    for version in Version:
        found = transcript(db, job_id, version).sentences
        assert [sentence.speaker for sentence in found] == ["Track 1", None]


@pytest.mark.parametrize("version", Version)
def test_a_transcript_without_words_says_the_same(
    db: Database, job_id: str, version: Version
) -> None:
    correct(db, job_id, "各家都好。")
    whole = transcript(db, job_id, version)
    without = jobs.get_transcript(
        db, owner_id=LOCAL_OWNER, job_id=job_id, version=version, words=False
    )
    assert all(sentence.words for sentence in whole.sentences)
    assert without == replace(
        whole, sentences=tuple(replace(sentence, words=()) for sentence in whole.sentences)
    )


def test_a_correction_of_an_older_revision_is_refused_with_the_newest(
    db: Database, job_id: str
) -> None:
    correct(db, job_id, "一。")
    correct(db, job_id, "二。", revision=1)
    for stale in (0, 1):
        with pytest.raises(EditedMeanwhile) as refused:
            correct(db, job_id, "三。", revision=stale)
        newest = refused.value.current
        assert isinstance(newest, corrections.SentenceRevision)
        assert (newest.revision, newest.text) == (2, "二。")
    assert transcript(db, job_id).sentences[0].text == "二。"


def test_the_same_text_again_is_no_new_revision(db: Database, job_id: str) -> None:
    first = correct(db, job_id, "一。")
    assert correct(db, job_id, "一。") == first  # a request repeated after its answer was lost
    assert correct(db, job_id, "一。", revision=1) == first
    assert correct(db, job_id, f" {SECOND}\n", n=1).revision == 0
    assert factories.count(db, Revision) == 1


def test_returning_to_an_older_text_is_a_revision_too(db: Database, job_id: str) -> None:
    correct(db, job_id, "一。")
    back = correct(db, job_id, FIRST, revision=1)
    assert (back.revision, back.corrected) == (2, False)
    first = transcript(db, job_id).sentences[0]
    assert (first.revision, first.corrected) == (2, False)
    assert first.words == TRANSCRIPT.sentences[0].words
    found = corrections.sentence_revisions(db, owner_id=LOCAL_OWNER, job_id=job_id, n=0, limit=10)
    assert told(found) == [(0, 2, FIRST), (0, 1, "一。"), (0, 0, FIRST)]


def test_an_empty_text_removes_a_sentence_which_can_come_back(db: Database, job_id: str) -> None:
    correct(db, job_id, "  ")
    current = transcript(db, job_id)
    assert [sentence.text for sentence in current.sentences] == ["", SECOND]
    assert current.text == SECOND
    left = current.without_removed().sentences
    assert [(sentence.n, sentence.text) for sentence in left] == [(1, SECOND)]
    correct(db, job_id, FIRST, revision=1)
    assert transcript(db, job_id).text == FIRST + SECOND


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("一\n二\r\n三\t四", "一 二 三 四"),
        ("a\x00\x1b[0m\x9f\u2028b", "a [0m b"),
        ("\ud800坏", "坏"),
        ("👨\u200d👩\u200d👧 OK", "👨\u200d👩\u200d👧 OK"),
        ("<b>'; DROP TABLE jobs; --", "<b>'; DROP TABLE jobs; --"),
    ],
)
def test_a_text_is_one_line_of_what_can_be_read(
    db: Database, job_id: str, given: str, kept: str
) -> None:
    assert correct(db, job_id, given).text == kept
    assert transcript(db, job_id).sentences[0].text == kept


def test_a_text_that_nobody_says_up_to_a_full_stop_is_refused(db: Database, job_id: str) -> None:
    longest = "好" * corrections.MAX_SENTENCE
    correct(db, job_id, longest)
    with pytest.raises(InvalidRequest, match="at most 2000 characters, and this has 2001"):
        correct(db, job_id, longest + "好", revision=1)


def test_a_recognised_sentence_of_any_length_can_be_corrected(db: Database) -> None:
    job_id = factories.submit(db)
    long = Transcript(9.0, "zh", "demo", (Sentence(0, 9, "好" * 3000),))
    factories.complete(db, factories.claim(db), long)
    assert correct(db, job_id, "好" * 3001).revision == 1


def test_a_revision_that_is_still_to_come_is_refused(db: Database, job_id: str) -> None:
    with pytest.raises(InvalidRequest, match="the newest is 0"):
        correct(db, job_id, "一。", revision=1)


@pytest.mark.parametrize("n", [-1, 2, 10**6, 10**30])
def test_a_sentence_that_does_not_exist_is_not_found(db: Database, job_id: str, n: int) -> None:
    with pytest.raises(SentenceNotFound):
        correct(db, job_id, "一。", n=n)


@pytest.mark.parametrize("status", sorted(set(JobStatus) - {JobStatus.COMPLETED}))
def test_only_a_completed_job_can_be_corrected(db: Database, status: JobStatus) -> None:
    job_id = factories.a_job(db, status)
    with pytest.raises(TranscriptNotReady, match=status.value):
        correct(db, job_id, "一。")


def test_another_owner_can_neither_read_nor_correct(db: Database, job_id: str) -> None:
    correct(db, job_id, "一。")
    stranger = {"owner_id": "stranger", "job_id": job_id}
    with pytest.raises(JobNotFound):
        corrections.correct(db, **stranger, n=0, text="二。", revision=1)
    with pytest.raises(JobNotFound):
        corrections.get_sentence(db, **stranger, n=0)
    with pytest.raises(JobNotFound):
        corrections.sentence_revisions(db, **stranger, n=0, limit=9)
    with pytest.raises(JobNotFound):
        corrections.revisions(db, **stranger, limit=9)


def test_of_two_who_correct_at_the_same_moment_one_is_told(db: Database, job_id: str) -> None:
    for revision in range(12):
        barrier = threading.Barrier(2)

        def edit(name: str, revision: int = revision, barrier: threading.Barrier = barrier) -> str:
            barrier.wait()
            try:
                return correct(db, job_id, f"{name}{revision}", revision=revision).text
            except EditedMeanwhile as refused:
                newest = refused.current
                assert isinstance(newest, corrections.SentenceRevision)
                return f"told of {newest.text}"

        with ThreadPoolExecutor(2) as pool:
            outcomes = list(pool.map(edit, ("甲", "乙")))
        won = [outcome for outcome in outcomes if not outcome.startswith("told")]
        assert len(won) == 1, outcomes
        assert f"told of {won[0]}" in outcomes
        newest = transcript(db, job_id).sentences[0]
        assert (newest.text, newest.revision) == (won[0], revision + 1)
    assert factories.count(db, Revision) == 12


def test_all_sentences_at_once_by_many_editors(db: Database) -> None:
    job_id = factories.submit(db)
    sentences = tuple(Sentence(n, n + 1, f"第{n}句。") for n in range(20))
    factories.complete(db, factories.claim(db), Transcript(20.0, "zh", "demo", sentences))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: correct(db, job_id, f"改{n}。", n=n), range(20)))
    found = transcript(db, job_id).sentences
    assert [s.text for s in found] == [f"改{n}。" for n in range(20)]
    assert {s.revision for s in found} == {1}


def test_revisions_of_a_transcript_come_newest_first_in_pages(db: Database, job_id: str) -> None:
    for revision in range(5):
        correct(db, job_id, f"甲{revision}", revision=revision)
        correct(db, job_id, f"乙{revision}", revision=revision, n=1)
    seen: list[tuple[int, int, str]] = []
    cursor = None
    while True:
        page = corrections.revisions(
            db, owner_id=LOCAL_OWNER, job_id=job_id, limit=3, cursor=cursor
        )
        seen += told(page)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == 10
    assert seen[:3] == [(1, 5, "乙4"), (0, 5, "甲4"), (1, 4, "乙3")]
    assert {found.recognised_text for found in page.revisions} <= {FIRST, SECOND}


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 10])
def test_revisions_of_a_sentence_come_in_pages_down_to_the_recognised(
    db: Database, job_id: str, limit: int
) -> None:
    for revision in range(3):
        correct(db, job_id, f"甲{revision}", revision=revision)
    seen: list[int] = []
    cursor = None
    while True:
        page = corrections.sentence_revisions(
            db, owner_id=LOCAL_OWNER, job_id=job_id, n=0, limit=limit, cursor=cursor
        )
        assert len(page.revisions) <= limit
        seen += [found.revision for found in page.revisions]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [3, 2, 1, 0]


def test_deleting_the_job_deletes_its_corrections(db: Database, job_id: str) -> None:
    other = factories.a_job(db, JobStatus.COMPLETED)
    for corrected in (job_id, other):
        correct(db, corrected, "一。")
    factories.delete(db, job_id)
    assert factories.count(db, Revision) == 1
    with pytest.raises(JobNotFound):
        correct(db, job_id, "二。", revision=1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE revisions SET text = '没有'",
        "UPDATE revisions SET revision = 7",
        "UPDATE transcripts SET content = '{}'",
    ],
)
def test_neither_a_revision_nor_the_recognised_text_can_be_rewritten(
    db: Database, job_id: str, statement: str
) -> None:
    correct(db, job_id, "一。")
    with pytest.raises(DBAPIError, match="never changed"), db.writing() as session:
        session.execute(text(statement))
    assert transcript(db, job_id).sentences[0].text == "一。"
    assert transcript(db, job_id, Version.RECOGNISED) == TRANSCRIPT
