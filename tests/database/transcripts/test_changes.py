"""Changes of many sentences at once: splitting, joining and moving them, and taking it back."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import select

import migrations
from shared import jobs
from shared.db import Database
from shared.errors import EditedMeanwhile, InvalidRequest, SentenceNotFound
from shared.export.formats import FORMATS
from shared.export.options import Provenance
from shared.models import LOCAL_OWNER, Revision, SearchText
from shared.speakers.edits import EditKind
from shared.speakers.transcript_speakers import edit_speakers, read_speakers
from shared.states import JobStatus
from shared.transcripts import changes, corrections
from shared.transcripts.changes import Change
from shared.transcripts.values import Sentence, Version
from tests.support import factories
from tests.support.people import at_once
from tests.support.speech.meeting import a_meeting

FIRST, SECOND = factories.TRANSCRIPT.sentences


@pytest.fixture
def job_id(db: Database) -> str:
    return factories.a_job(db, JobStatus.COMPLETED)


def change(db: Database, job_id: str, *wanted: Change) -> list[corrections.SentenceRevision]:
    return changes.change_sentences(db, owner_id=LOCAL_OWNER, job_id=job_id, changes=wanted)


def split(db: Database, job_id: str) -> list[corrections.SentenceRevision]:
    """Split 大家|好。 where the third character begins."""
    at = FIRST.words[2].start
    return change(
        db,
        job_id,
        Change(0, 0, "大家，", FIRST.start, at),
        Change(None, 0, "好。", at, FIRST.end),
    )


def current(db: Database, job_id: str) -> tuple[Sentence, ...]:
    found = jobs.get_transcript(db, owner_id=LOCAL_OWNER, job_id=job_id)
    return found.without_removed().sentences


def searched(db: Database) -> list[str]:
    with db.reading() as session:
        return session.scalars(select(SearchText.text)).one().split("\n")


def test_a_sentence_is_split_and_its_words_follow(db: Database, job_id: str) -> None:
    first, new = split(db, job_id)
    assert (first.n, first.revision, new.n, new.revision, new.origin) == (0, 1, 2, 1, 0)
    sentences = current(db, job_id)
    assert [one.text for one in sentences] == ["大家，", "好。", SECOND.text]
    assert [one.n for one in sentences] == [0, 2, 1]
    assert sentences[0].words == FIRST.words[:2]
    assert sentences[1].words == FIRST.words[2:]
    assert searched(db) == ["大家，", SECOND.text, "好。"]
    transcript = jobs.get_transcript(db, owner_id=LOCAL_OWNER, job_id=job_id).without_removed()
    text_format = FORMATS["txt"]
    text = text_format.text(transcript, Provenance(job_id, "x", None), text_format.defaults)
    assert text.splitlines() == ["大家，", "好。", SECOND.text]
    recognised = jobs.get_transcript(
        db, owner_id=LOCAL_OWNER, job_id=job_id, version=Version.RECOGNISED
    )
    assert recognised == factories.TRANSCRIPT

    # Taken back, and done again: by sending what was, and what became of it.
    change(
        db,
        job_id,
        Change(0, 1, FIRST.text, FIRST.start, FIRST.end),
        Change(new.n, 1, "", new.start, new.end),
    )
    assert [(one.text, one.words) for one in current(db, job_id)] == [
        (one.text, one.words) for one in factories.TRANSCRIPT.sentences
    ]
    change(
        db,
        job_id,
        Change(0, 2, "大家，", FIRST.start, new.start),
        Change(new.n, 2, "好。", new.start, new.end),
    )
    assert [one.text for one in current(db, job_id)] == ["大家，", "好。", SECOND.text]
    history = corrections.sentence_revisions(
        db, owner_id=LOCAL_OWNER, job_id=job_id, n=new.n, limit=9
    )
    assert [one.text for one in history.revisions] == ["好。", "", "好。", ""]
    whole = corrections.revisions(db, owner_id=LOCAL_OWNER, job_id=job_id, limit=9)
    assert len(whole.revisions) == 6


def test_two_sentences_are_joined_and_what_was_joined_can_be_split(
    db: Database, job_id: str
) -> None:
    change(
        db,
        job_id,
        Change(0, 0, FIRST.text + SECOND.text, FIRST.start, SECOND.end),
        Change(1, 0, ""),
    )
    (joined,) = current(db, job_id)
    assert [word.word for word in joined.words] == [
        word.word for one in (FIRST, SECOND) for word in one.words
    ]
    shown = jobs.get_transcript(db, owner_id=LOCAL_OWNER, job_id=job_id).in_order()
    assert len(shown.sentences) == 1  # and no gap where the second was
    change(
        db,
        job_id,
        Change(0, 1, FIRST.text, FIRST.start, FIRST.end),
        Change(None, 0, SECOND.text, SECOND.start, SECOND.end),
    )
    again = current(db, job_id)
    assert [(one.text, one.origin) for one in again] == [(FIRST.text, None), (SECOND.text, 1)]
    assert again[1].words == SECOND.words
    # A correction of the text alone keeps the times.
    corrections.correct(db, owner_id=LOCAL_OWNER, job_id=job_id, n=2, text="不。", revision=1)
    assert (current(db, job_id)[1].start, current(db, job_id)[1].text) == (SECOND.start, "不。")


def test_all_of_a_change_is_made_or_nothing(db: Database, job_id: str) -> None:
    corrections.correct(db, owner_id=LOCAL_OWNER, job_id=job_id, n=1, text="别人的。", revision=0)
    for wanted, error in (
        ((Change(0, 0, "我的。"), Change(1, 0, "我的。")), EditedMeanwhile),
        ((Change(0, 0, "我的。"), Change(7, 0, "我的。")), SentenceNotFound),
        ((Change(0, 0, "我的。"), Change(0, 0, "我的。")), InvalidRequest),
        ((Change(0, 0, "我的。"), Change(1, 2, "我的。")), InvalidRequest),
        ((Change(0, 0, "我的。", 3.0, 1.0),), InvalidRequest),
        ((Change(0, 0, "我的。"), Change(None, 0, "新")), InvalidRequest),
        ((Change(0, 0, "长" * 2001),), InvalidRequest),
    ):
        with pytest.raises(error):
            change(db, job_id, *wanted)
    assert current(db, job_id)[0].text == FIRST.text
    assert factories.count(db, Revision) == 1
    # What is so already needs no revision, whoever repeats it.
    done = change(db, job_id, Change(0, 0, FIRST.text), Change(1, 0, "别人的。"))
    assert [one.revision for one in done] == [0, 1]


def test_what_was_split_off_has_the_speaker_of_its_time_until_somebody_says_otherwise(
    db: Database,
) -> None:
    job_id = a_meeting(db)

    def say(kind: EditKind, **detail: object) -> None:
        versions = jobs.get_versions(db, owner_id=LOCAL_OWNER, job_id=job_id)
        edit_speakers(
            db,
            job_id=job_id,
            editor_id=LOCAL_OWNER,
            recognised=versions.recognised,
            revision=read().revision,
            kind=kind,
            detail=detail,
            sentences=len(versions.current.sentences),
        )

    def read():  # type: ignore[no-untyped-def]
        versions = jobs.get_versions(db, owner_id=LOCAL_OWNER, job_id=job_id)
        return read_speakers(
            db, job_id=job_id, transcript=versions.current, recognised=versions.recognised
        )

    before = current(db, job_id)
    third = before[2]
    middle = (third.start + third.end) / 2
    change(
        db,
        job_id,
        Change(2, 0, "前", third.start, middle),
        Change(None, 0, "后", middle, third.end),
    )
    new = len(before)
    assert [one.speaker for one in current(db, job_id)[2:4]] == [third.speaker] * 2
    say(EditKind.ASSIGN, sentences=[new], speaker="new")
    assert current(db, job_id)[2].speaker == third.speaker
    assert current(db, job_id)[3].speaker == f"说话人{read().of_sentences[new]}"
    say(EditKind.COUNT, wanted="2")
    assert len(read().of_sentences) == new + 1
    say(EditKind.RENAME, speaker=read().of_sentences[new], name="陈")
    assert current(db, job_id)[3].speaker == "陈"


def test_those_who_split_at_one_moment_all_do(db: Database, job_id: str) -> None:
    def split_off(at: float) -> int:
        (new,) = change(db, job_id, Change(None, 0, "好。", at, at + 0.1))
        return new.n

    found = at_once(*(partial(split_off, 0.5 + n / 10) for n in range(8)))
    assert sorted(map(str, found)) == [str(n) for n in sorted(range(2, 10), key=str)]
    assert len(current(db, job_id)) == 10


def test_a_version_of_before_has_all_that_is_said(db: Database, job_id: str) -> None:
    split(db, job_id)
    change(db, job_id, Change(None, 0, "完。", SECOND.end - 0.1, SECOND.end))
    url = db.engine.url.render_as_string(hide_password=False)
    db.engine.dispose()
    migrations.downgrade(url, "0030")
    migrations.upgrade(url)
    assert [one.text for one in current(db, job_id)] == [
        "大家， 好。",
        f"{SECOND.text} 完。",
    ]
