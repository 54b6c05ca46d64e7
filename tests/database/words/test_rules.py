"""What rules make of a transcript: kept beside the recognised text, and taken back at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared import jobs
from shared.db import Database
from shared.errors import JobNotFound, TranscriptNotReady
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from shared.transcripts import corrections, rules
from shared.transcripts.rules import RuleChanges
from shared.transcripts.values import Rule, Transcript, Version, Word
from shared.words.replacements import lists
from shared.words.replacements.pairs import Pair
from tests.support import factories
from tests.support.factories import TRANSCRIPT

FIRST, SECOND = (sentence.text for sentence in TRANSCRIPT.sentences)


@pytest.fixture
def job_id(db: Database) -> str:
    lists.put(db, LOCAL_OWNER, [Pair("大家", "各位"), Pair("gpu", "显卡")], only=True)
    return factories.a_job(db, JobStatus.COMPLETED)


def transcript(db: Database, job_id: str, version: Version = Version.CURRENT) -> Transcript:
    return jobs.get_transcript(db, owner_id=LOCAL_OWNER, job_id=job_id, version=version)


def texts(db: Database, job_id: str) -> list[str]:
    return [sentence.text for sentence in transcript(db, job_id).sentences]


def correct(db: Database, job_id: str, n: int, text: str, *, revision: int) -> None:
    corrections.correct(db, owner_id=LOCAL_OWNER, job_id=job_id, n=n, text=text, revision=revision)


def apply(db: Database, job_id: str, *, applied: bool) -> RuleChanges:
    return rules.apply_rules(db, owner_id=LOCAL_OWNER, job_id=job_id, applied=applied)


def found(db: Database, query: str) -> int:
    return len(jobs.list_jobs(db, owner_id=LOCAL_OWNER, query=query, limit=9).jobs)


def test_a_rule_changes_the_text_and_keeps_the_recognised_one(db: Database, job_id: str) -> None:
    first, second = transcript(db, job_id).sentences
    assert (first.text, second.text) == ("各位好。", "用显卡吗？")
    assert (first.revision, first.corrected, first.rule) == (1, True, Rule.REPLACEMENTS)
    assert first.words == (Word("各", 0.5, 0.8), Word("位", 0.8, 1.1), Word("好", 1.1, 1.5))
    assert [word.word for word in second.words] == ["用", "显", "卡", "吗"]
    assert (second.words[1].start, second.words[2].end) == (2.2, 2.6)
    assert transcript(db, job_id, Version.RECOGNISED) == TRANSCRIPT

    page = corrections.sentence_revisions(db, owner_id=LOCAL_OWNER, job_id=job_id, n=0, limit=9)
    by_rule, recognised = page.revisions
    assert (by_rule.rule, by_rule.editor_id, by_rule.recognised_text) == (
        Rule.REPLACEMENTS,
        None,
        FIRST,
    )
    assert (recognised.rule, recognised.text) == (None, FIRST)


def test_what_a_rule_wrote_is_searched(db: Database, job_id: str) -> None:
    assert (found(db, "显卡"), found(db, "GPU")) == (1, 0)
    apply(db, job_id, applied=False)
    assert (found(db, "显卡"), found(db, "GPU")) == (0, 1)


def test_all_rules_are_taken_back_and_applied_again(db: Database, job_id: str) -> None:
    assert apply(db, job_id, applied=True) == RuleChanges(applied=2, undone=0)
    for _ in range(2):  # the second time nothing is left to do
        assert apply(db, job_id, applied=False) == RuleChanges(applied=0, undone=2)
        assert texts(db, job_id) == [FIRST, SECOND]
    assert [s.rule for s in transcript(db, job_id).sentences] == [None, None]
    assert apply(db, job_id, applied=True) == RuleChanges(applied=2, undone=0)
    assert texts(db, job_id) == ["各位好。", "用显卡吗？"]
    assert [s.revision for s in transcript(db, job_id).sentences] == [3, 3]


def test_what_a_person_wrote_is_left_alone(db: Database, job_id: str) -> None:
    correct(db, job_id, 0, "诸位好。", revision=1)
    assert transcript(db, job_id).sentences[0].rule is None
    assert apply(db, job_id, applied=False) == RuleChanges(applied=0, undone=1)
    assert texts(db, job_id) == ["诸位好。", SECOND]
    assert apply(db, job_id, applied=True) == RuleChanges(applied=1, undone=0)
    assert texts(db, job_id) == ["诸位好。", "用显卡吗？"]


def test_a_sentence_is_taken_back_as_any_correction_is(db: Database, job_id: str) -> None:
    correct(db, job_id, 0, FIRST, revision=1)
    changes = rules.rule_changes(db, owner_id=LOCAL_OWNER, job_id=job_id)
    assert changes == RuleChanges(applied=1, undone=1)


def test_a_job_without_lists_has_no_rules(db: Database) -> None:
    job_id = factories.a_job(db, JobStatus.COMPLETED)
    assert apply(db, job_id, applied=True) == RuleChanges(applied=0, undone=0)
    assert transcript(db, job_id) == TRANSCRIPT


def test_only_an_owner_takes_back_what_rules_made(db: Database, job_id: str) -> None:
    with pytest.raises(JobNotFound):
        rules.apply_rules(db, owner_id="other", job_id=job_id, applied=False)
    waiting = factories.submit(db)
    with pytest.raises(TranscriptNotReady):
        rules.rule_changes(db, owner_id=LOCAL_OWNER, job_id=waiting)


def test_a_correction_at_the_same_moment_is_not_lost(db: Database, job_id: str) -> None:
    together = threading.Barrier(2)

    def take_back() -> None:
        together.wait()
        apply(db, job_id, applied=False)

    def write() -> None:
        together.wait()
        newest = corrections.get_sentence(db, owner_id=LOCAL_OWNER, job_id=job_id, n=0).revision
        correct(db, job_id, 0, "我的。", revision=newest)

    with ThreadPoolExecutor(2) as pool:
        taken, written = pool.submit(take_back), pool.submit(write)
        taken.result()
        refused = written.exception()
    page = corrections.sentence_revisions(db, owner_id=LOCAL_OWNER, job_id=job_id, n=0, limit=9)
    assert ("我的。" in [one.text for one in page.revisions]) == (refused is None)
    assert texts(db, job_id)[1] == SECOND


def test_the_partial_text_has_the_replacements(db: Database) -> None:
    lists.add(db, LOCAL_OWNER, wrong="大家", right="各位")
    job_id = factories.submit(db)
    claimed = factories.claim(db)
    planned = [jobs.PlannedSegment(0, 16_000, 0)]
    jobs.store_plan(db, claimed, factories.PLAN_KEY, planned, complete=True)
    words = [("大", 0.0, 0.2, None), ("家", 0.2, 0.4, None), ("好", 0.4, 0.6, None)]
    batch = [jobs.RecognisedSegment(0, 16_000, 0, words)]
    jobs.save_batch(db, claimed, batch, progress=0.5)
    [piece] = jobs.partial_text(db, owner_id=LOCAL_OWNER, job_id=job_id).segments
    assert piece.text == "各位好"
