"""Voices kept under a name, and found again in other recordings, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from shared import accounts, jobs
from shared.accounts.handing_over.ownership import hand_over
from shared.db import Database
from shared.errors import InvalidRequest
from shared.models import (
    LOCAL_OWNER,
    GroupVoices,
    Job,
    KeptVoice,
    VoiceEnrolment,
    VoiceKeeping,
    VoiceRefusal,
)
from shared.speakers.edits import EditKind
from shared.speakers.errors import SpeakersEditedMeanwhile
from shared.speakers.kept import voices
from shared.speakers.kept.errors import (
    TooLittleOfAVoice,
    VoiceNotFound,
    VoicesNotKept,
)
from shared.speakers.kept.voice_keeping import forget_voices, hold, is_on, switch_off, switch_on
from shared.speakers.suggestions.job_suggestions import (
    keep,
    read_of_job,
)
from shared.transcripts.changes import Change, change_sentences
from tests.database.voices.meeting import LI, OTHER, WANG, Meeting
from tests.support import factories
from tests.support.databases.waiting import until_it_waits
from tests.support.people import a_person, an_admin, quick_hashes
from tests.support.speech.meeting import a_voice

ALL = (VoiceKeeping, GroupVoices, KeptVoice, VoiceEnrolment, VoiceRefusal)


def counts(db: Database) -> list[int]:
    return [factories.count(db, table) for table in ALL]


@pytest.fixture
def keeping(db: Database) -> Database:
    switch_on(db, LOCAL_OWNER)
    return db


def test_nothing_of_a_voice_is_stored_unless_the_owner_wants_it(db: Database) -> None:
    meeting = Meeting(db)
    assert counts(db) == [0, 0, 0, 0, 0]
    with pytest.raises(VoicesNotKept):
        meeting.keep(1, "李伟")
    switch_on(db, LOCAL_OWNER)
    switch_on(db, LOCAL_OWNER)
    with pytest.raises(TooLittleOfAVoice, match="before keeping"):
        keep(db, meeting.recorded(), speaker=1, revision=1)
    Meeting(db, owner_id="bo")
    assert counts(db) == [1, 0, 0, 0, 0]
    assert not read_of_job(db, meeting.recorded()).is_known


def test_a_kept_voice_is_suggested_in_another_recording_and_names_nobody_by_itself(
    keeping: Database,
) -> None:
    Meeting(keeping).keep(1, "李伟")
    second = Meeting(keeping, [OTHER, a_voice(1, unlike=40)])
    assert second.suggested() == {2: "李伟"}
    assert second.names() == ["说话人1", "说话人2"]
    [one] = [c for c in read_of_job(keeping, second.recorded()).speakers if c.suggestion]
    assert one.suggestion is not None and 925 <= one.suggestion.likeness <= 930
    assert Meeting(keeping, [OTHER, a_voice(1, unlike=100)]).suggested() == {}  # 0.71


def test_what_is_confirmed_is_a_change_like_any_other_and_is_undone_like_it(
    keeping: Database,
) -> None:
    voice_id = Meeting(keeping).keep(1, "李伟")
    second = Meeting(keeping, [OTHER, a_voice(1, unlike=40)])
    second.confirm(2, voice_id)
    assert second.names() == ["说话人1", "李伟"] and second.suggested() == {}
    [voice] = voices.read_voices(keeping, LOCAL_OWNER)
    assert [one.seconds for one in voice.enrolments] == [12, 12] and voice.seconds == 24
    # The mean of both is nearer to a third than the first is: a cosine of 0.88, not 0.78.
    third = Meeting(keeping, [a_voice(1, unlike=80), OTHER])
    assert third.suggested() == {1: "李伟"}
    second.edit(EditKind.UNDO, edit=1)
    [voice] = voices.read_voices(keeping, LOCAL_OWNER)
    assert len(voice.enrolments) == 1
    assert third.suggested() == {} and second.suggested() == {2: "李伟"}


def test_a_recording_gives_to_a_voice_as_long_as_somebody_in_it_has_the_name(
    keeping: Database,
) -> None:
    meeting = Meeting(keeping)
    meeting.keep(1, "李伟")
    meeting.edit(EditKind.ASSIGN, sentences=[0], speaker=2)
    assert counts(keeping)[2:4] == [1, 1]
    meeting.edit(EditKind.RENAME, speaker=1, name="王敏")
    assert counts(keeping)[2:4] == [0, 0]


def test_a_refusal_is_remembered_for_this_speaker_of_this_job(keeping: Database) -> None:
    voice_id = Meeting(keeping).keep(1, "李伟")
    second = Meeting(keeping, [LI, OTHER])
    third = Meeting(keeping, [LI, OTHER])
    second.refuse(1, voice_id)
    second.refuse(1, voice_id)
    assert second.suggested() == {} and third.suggested() == {1: "李伟"}
    second.edit(EditKind.RENAME, speaker=2, name="赵四")
    assert second.suggested() == {}
    second.edit(EditKind.COUNT, wanted="2")  # the numbers are given anew
    assert second.suggested() == {1: "李伟"}


def test_what_was_split_off_is_the_voice_of_whom_it_was_given_to(keeping: Database) -> None:
    meeting = Meeting(keeping, [LI, OTHER], [1, 2, 1, 1])
    halves = (Change(0, 0, "大。", 0.0, 1.0), Change(None, 0, "家好。", 1.0, 4.0))
    change_sentences(keeping, owner_id=LOCAL_OWNER, job_id=meeting.id, changes=halves)
    assert [one.known_s for one in meeting.compared()] == [12, 4]
    meeting.edit(EditKind.ASSIGN, sentences=[4], speaker=2)
    # The group is no more one speaker's alone, and so nobody's voice.
    assert [one.known_s for one in meeting.compared()] == [0, 4]


def test_whoever_has_a_name_is_nobody_else(keeping: Database) -> None:
    first = Meeting(keeping)
    first.keep(1, "李伟")
    assert first.suggested() == {}
    second = Meeting(keeping, [LI, a_voice(1, unlike=50)])
    second.edit(EditKind.RENAME, speaker=1, name="王敏")
    assert second.suggested() == {2: "李伟"}
    second.edit(EditKind.RENAME, speaker=1, name="李伟")
    assert second.suggested() == {}


def test_too_little_speech_is_neither_kept_nor_compared(keeping: Database) -> None:
    short = Meeting(keeping, [LI, WANG], [1, 2, 2])
    with pytest.raises(TooLittleOfAVoice, match="8 seconds"):
        short.keep(1, "李伟")
    Meeting(keeping).keep(1, "李伟")
    assert Meeting(keeping, [LI, WANG], [1, 2, 2]).suggested() == {}
    with pytest.raises(InvalidRequest, match="a name first"):
        keep(keeping, short.recorded(), speaker=2, revision=1)
    with pytest.raises(SpeakersEditedMeanwhile):
        keep(keeping, short.recorded(), speaker=1, revision=0)


def test_what_another_encoder_heard_is_never_compared(keeping: Database) -> None:
    Meeting(keeping).keep(1, "李伟")
    second = Meeting(keeping, encoder="another")
    assert second.suggested() == {}
    second.keep(1, "李伟")
    [voice] = voices.read_voices(keeping, LOCAL_OWNER)
    assert {one.encoder for one in voice.enrolments} == {"e", "another"}
    assert Meeting(keeping, encoder="another").suggested() == {1: "李伟"}


def test_a_voice_goes_with_all_that_came_of_it(keeping: Database) -> None:
    first = Meeting(keeping)
    li, wang = first.keep(1, "李伟"), first.keep(2, "王敏")
    second = Meeting(keeping, [LI, WANG])
    second.confirm(1, li)
    second.refuse(2, wang)
    assert counts(keeping) == [1, 2, 2, 3, 1]
    with pytest.raises(VoiceNotFound):
        voices.delete_voice(keeping, "bo", li)
    voices.delete_voice(keeping, LOCAL_OWNER, li)
    assert counts(keeping) == [1, 2, 1, 1, 1]
    with pytest.raises(VoiceNotFound):
        second.confirm(1, li)
    voices.delete_voices(keeping, LOCAL_OWNER)
    assert counts(keeping) == [1, 2, 0, 0, 0]


def test_a_deleted_recording_takes_along_what_it_gave(keeping: Database) -> None:
    first = Meeting(keeping)
    voice_id = first.keep(1, "李伟")
    second = Meeting(keeping, [LI, OTHER])
    second.confirm(1, voice_id)
    factories.delete(keeping, first.id)
    assert counts(keeping) == [1, 1, 1, 1, 0]
    factories.delete(keeping, second.id)
    assert counts(keeping) == [1, 0, 0, 0, 0]


def test_switching_off_leaves_nothing(keeping: Database) -> None:
    first = Meeting(keeping)
    voice_id = first.keep(1, "李伟")
    second = Meeting(keeping)
    second.refuse(1, voice_id)
    switch_off(keeping, LOCAL_OWNER)
    assert counts(keeping) == [0, 0, 0, 0, 0] and not is_on(keeping, LOCAL_OWNER)
    assert first.names() == ["李伟", "说话人2"]  # a name is no voice
    with pytest.raises(VoicesNotKept):
        second.refuse(1, voice_id)


def test_voices_are_deleted_and_not_handed_over(keeping: Database) -> None:
    switch_on(keeping, "bo")
    of_bo = Meeting(keeping, owner_id="bo")
    of_bo.keep(1, "李伟")
    Meeting(keeping).keep(1, "王敏")
    hand_over(keeping, from_owner="bo", to_owner=LOCAL_OWNER)
    assert counts(keeping) == [1, 1, 1, 1, 0]
    of_bo.owner_id = LOCAL_OWNER
    assert not read_of_job(keeping, of_bo.recorded()).is_known
    assert of_bo.names() == ["李伟", "说话人2"]


def test_an_account_that_is_disabled_keeps_no_voices(db: Database) -> None:
    with quick_hashes():
        an_admin(db)
        bo = a_person(db)
    switch_on(db, bo.id)
    Meeting(db, owner_id=bo.id).keep(1, "李伟")
    accounts.disable(db, bo.id)
    assert counts(db) == [0, 0, 0, 0, 0]


def test_owners_are_apart(keeping: Database) -> None:
    voice_id = Meeting(keeping).keep(1, "李伟")
    switch_on(keeping, "bo")
    of_bo = Meeting(keeping, owner_id="bo")
    assert of_bo.suggested() == {}
    for answer in (of_bo.confirm, of_bo.refuse):
        with pytest.raises(VoiceNotFound):
            answer(1, voice_id)
    assert of_bo.names() == ["说话人1", "说话人2"]
    assert voices.read_voices(keeping, "bo") == []


def test_there_is_an_end_to_voices_and_to_what_gives_to_one(
    keeping: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voices, "MOST_VOICES", 1)
    monkeypatch.setattr(voices, "MOST_ENROLMENTS", 2)
    first = Meeting(keeping)
    first.keep(1, "李伟")
    with pytest.raises(InvalidRequest, match="At most 1 voices"):
        first.keep(2, "王敏")
    for _ in range(2):
        Meeting(keeping).keep(1, "李伟")
    first.keep(1, "李伟")
    assert counts(keeping)[2:4] == [1, 2]


def test_who_hands_over_and_who_changes_speakers_never_wait_for_each_other(
    keeping: Database,
) -> None:
    first = Meeting(keeping)
    with ThreadPoolExecutor(1) as other:
        with keeping.writing() as session:
            session.execute(select(Job.id).where(Job.id == first.id).with_for_update())
            moving = other.submit(hand_over, keeping, from_owner=LOCAL_OWNER, to_owner="bo")
            until_it_waits(session, moving)
            assert hold(session, LOCAL_OWNER)
        assert moving.result() == 1
    assert not any(counts(keeping))


def test_who_switches_off_and_who_deletes_a_recording_never_wait_for_each_other(
    keeping: Database,
) -> None:
    first = Meeting(keeping)
    first.keep(1, "李伟")
    with ThreadPoolExecutor(1) as other:
        with keeping.writing() as session:
            assert hold(session, LOCAL_OWNER)
            blobs = factories.NotedDeletions()
            asked = {"owner_id": LOCAL_OWNER, "job_id": first.id}
            deleting = other.submit(jobs.delete, keeping, blobs, **asked)
            until_it_waits(session, deleting)
            forget_voices(session, LOCAL_OWNER)
        deleting.result()
    assert not any(counts(keeping))
