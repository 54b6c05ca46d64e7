"""Jobs that were kept long enough go, with all that came of them, and no others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from shared import accounts, jobs
from shared.annotations.details import change_details
from shared.db import Database, database_now
from shared.minutes import minutes_queue, requests
from shared.minutes.contents import Minutes
from shared.models import (
    LOCAL_OWNER,
    AnnotationEdit,
    Attempt,
    AuditEntry,
    Base,
    GroupVoices,
    Job,
    JobEvent,
    KeptVoice,
    Label,
    MinutesAnswer,
    MinutesEvent,
    MinutesRequest,
    Recording,
    Revision,
    Segment,
    StoredTranscript,
    VoiceEnrolment,
    VoiceRefusal,
)
from shared.speakers.kept.speaker_voices import SpeakerVoice
from shared.speakers.kept.voice_keeping import store_group_voices, switch_on
from shared.speakers.kept.voices import enrol
from shared.states import TERMINAL, JobStatus
from shared.transcripts import corrections
from tests.support import factories
from tests.support.factories import NotedDeletions
from tests.support.people import a_person

WEEK = timedelta(days=7)


def aged(db: Database, status: JobStatus, *, days: float) -> tuple[str, str]:
    """A job and its blob, both so old."""
    job_id = factories.a_job(db, status)
    with db.writing() as session:
        session.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(
                created_at=database_now(-days * 86400),
                completed_at=database_now(-days * 86400) if status in TERMINAL else None,
            )
        )
        key = session.scalars(select(Recording.blob_key).join(Job).where(Job.id == job_id)).one()
    return job_id, key


def test_a_group_lets_keep_what_its_members_submit_while_it_has_a_rule(db: Database) -> None:
    bo = a_person(db, "Bo").id
    groups = [accounts.add_group(db, name).id for name in ("Sales", "Legal", "others")]
    before = factories.submit(db, owner_id=bo)
    for group, days in zip(groups, (30, 7, 1), strict=True):
        accounts.set_kept_days(db, group, days)
    for group in groups[:2]:
        accounts.add_member(db, group, "Bo")
    by_rule = factories.submit(db, owner_id=bo)
    accounts.remove_member(db, groups[1], bo)
    longer = factories.submit(db, owner_id=bo)
    accounts.set_kept_days(db, groups[0], None)
    after = factories.submit(db, owner_id=bo)
    made = (before, by_rule, longer, after)
    found = jobs.get_records(db, owner_id=bo, job_ids=made)
    assert [found[job_id].kept_days for job_id in made] == [None, 7, 30, None]
    assert jobs.group_rules(db) == [7, 30]
    with db.writing() as session:
        session.execute(
            update(Job)
            .where(Job.owner_id == bo)
            .values(status=JobStatus.CANCELLED, completed_at=database_now(-8 * 86400))
        )
    blobs = NotedDeletions()
    for days in jobs.group_rules(db):
        jobs.delete_expired(db, blobs, kept=timedelta(days=days), kept_days=days)
    left = jobs.get_records(db, owner_id=bo, job_ids=made)
    assert sorted(left) == sorted((before, longer, after)) and len(blobs.keys) == 1
    assert jobs.group_rules(db) == [30]


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_a_job_that_ended_long_ago_goes_with_its_recording(db: Database, status: JobStatus) -> None:
    _, key = aged(db, status, days=8)
    young, _ = aged(db, status, days=6)
    blobs = NotedDeletions()
    assert jobs.delete_expired(db, blobs, kept=WEEK) == 1
    assert jobs.delete_expired(db, blobs, kept=WEEK) == 0
    assert blobs.keys == [key]
    assert [view.job.id for view in jobs.list_jobs(db, owner_id=LOCAL_OWNER).jobs] == [young]


def test_nothing_of_it_is_left_in_any_table(db: Database) -> None:
    job_id = factories.submit(db)
    claimed = factories.claim(db)
    factories.recognise(db, claimed)
    jobs.finish(db, claimed, factories.TRANSCRIPT)
    corrections.correct(db, owner_id=LOCAL_OWNER, job_id=job_id, n=0, text="各位好。", revision=0)
    said = {"title": "周会", "people": ["王敏"], "tags": ["预算"]}
    change_details(db, owner_id=LOCAL_OWNER, job_id=job_id, editor_id=LOCAL_OWNER, changes=said)
    requests.ask(db, owner_id=LOCAL_OWNER, job_id=job_id, language="zh", prompts={})
    writing = minutes_queue.claim_next(db, worker="w", lease_s=60, model="m", host="h")
    assert writing is not None
    minutes_queue.store_answer(db, writing, "q", Minutes())
    switch_on(db, LOCAL_OWNER)
    with db.writing() as session:
        store_group_voices(session, job_id, "e", b"\x7f")
        voice_id = enrol(session, LOCAL_OWNER, "王敏", job_id, "e", SpeakerVoice(b"\x7f", 9.0))
        session.add(VoiceRefusal(job_id=job_id, speaker=2, voice_id=voice_id))
    with db.writing() as session:
        session.execute(
            update(Job).where(Job.id == job_id).values(completed_at=database_now(-8 * 86400))
        )
    told: tuple[type[Base], ...] = (Attempt, JobEvent, Revision, Segment, StoredTranscript)
    told += (AnnotationEdit, Label, MinutesRequest, MinutesAnswer, MinutesEvent)
    told += (GroupVoices, KeptVoice, VoiceEnrolment, VoiceRefusal)
    assert all(factories.count(db, table) for table in told)
    jobs.delete_expired(db, NotedDeletions(), kept=WEEK)
    with db.reading() as session:
        left = {
            table.name: session.scalar(select(func.count()).select_from(table))
            for table in Base.metadata.sorted_tables
        }
    with db.reading() as session:
        (ended,) = session.execute(select(AuditEntry.act, AuditEntry.object_id)).all()
    assert tuple(ended) == ("job.expired", job_id)
    # Whose turn it is, how many jobs and bytes there are, what was submitted this month and who
    # lets voices be kept is told of owners, not of jobs; the version of a schema, of no one. The
    # audit log says that there was one.
    of_no_job = {"turns", "tallies", "stored_tallies", "monthly_usage", "schema_versions"}
    of_no_job |= {"voice_keeping", "audit_entries"}
    assert {name for name, rows in left.items() if rows} == of_no_job


@pytest.mark.parametrize("status", sorted(set(JobStatus) - TERMINAL))
def test_a_job_that_is_not_over_stays_however_old(db: Database, status: JobStatus) -> None:
    job_id, _ = aged(db, status, days=400)
    blobs = NotedDeletions()
    assert jobs.delete_expired(db, blobs, kept=WEEK) == 0
    assert blobs.keys == []
    assert jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=job_id).job.status == status


def test_many_go_a_part_at_a_time(db: Database) -> None:
    keys = {aged(db, JobStatus.CANCELLED, days=8)[1] for _ in range(120)}
    blobs = NotedDeletions()
    rounds = []
    while deleted := jobs.delete_expired(db, blobs, kept=WEEK):
        rounds.append(deleted)
    assert len(blobs.keys) == len(keys) == sum(rounds)
    assert set(blobs.keys) == keys
    assert len(rounds) > 1
