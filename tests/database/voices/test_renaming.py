"""Another name for a kept voice, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared import jobs
from shared.db import Database
from shared.errors import InvalidRequest
from shared.models import LOCAL_OWNER
from shared.speakers.edits import EditKind
from shared.speakers.kept import voices
from shared.speakers.kept.errors import VoiceNameTaken, VoiceNotFound
from shared.speakers.kept.voice_keeping import hold, switch_on
from shared.speakers.suggestions.renaming import call_otherwise, rename_voice
from shared.transcripts.values import Transcript
from tests.database.voices.meeting import LI, OTHER, Meeting
from tests.support.databases.waiting import until_it_waits


@pytest.fixture
def keeping(db: Database) -> Database:
    switch_on(db, LOCAL_OWNER)
    return db


def rename(db: Database, owner_id: str, voice_id: str, name: str) -> None:
    def recognised_of(job_id: str) -> Transcript:
        return jobs.get_versions(db, owner_id=owner_id, job_id=job_id, words=False).recognised

    rename_voice(db, owner_id, voice_id, name, recognised_of)


def test_a_voice_is_renamed_in_the_recordings_that_it_stands_on(keeping: Database) -> None:
    first, second = Meeting(keeping), Meeting(keeping, [LI, OTHER])
    voice_id = first.keep(1, "李伟")
    second.confirm(1, voice_id)
    first.keep(2, "王敏")
    second.edit(EditKind.RENAME, speaker=2, name="李伟")  # two of one name both follow
    with pytest.raises(VoiceNameTaken):
        rename(keeping, LOCAL_OWNER, voice_id, " 王敏 ")
    for name in ("", "\u202e", "长" * 81):
        with pytest.raises(InvalidRequest):
            rename(keeping, LOCAL_OWNER, voice_id, name)
    with pytest.raises(VoiceNotFound):
        rename(keeping, "bo", voice_id, "李小伟")
    assert first.names() == ["李伟", "王敏"] and second.names() == ["李伟", "李伟"]
    rename(keeping, LOCAL_OWNER, voice_id, "李 小伟")
    rename(keeping, LOCAL_OWNER, voice_id, "李 小伟")
    assert first.names() == ["李 小伟", "王敏"] and second.names() == ["李 小伟", "李 小伟"]
    assert (first.revision, second.revision) == (3, 4)
    assert Meeting(keeping, [OTHER, LI]).suggested() == {2: "李 小伟"}
    kept = [(one.name, len(one.enrolments)) for one in voices.read_voices(keeping, LOCAL_OWNER)]
    assert kept == [("李 小伟", 2), ("王敏", 1)]
    first.edit(EditKind.UNDO, edit=3)
    assert first.names() == ["李伟", "王敏"] and second.names()[0] == "李 小伟"
    assert [one.kept_as for one in second.compared()] == [voice_id, voice_id]


def test_who_changes_speakers_and_who_renames_a_voice_never_wait_for_each_other(
    keeping: Database,
) -> None:
    first = Meeting(keeping)
    voice_id = first.keep(1, "李伟")
    with ThreadPoolExecutor(1) as other:
        with keeping.writing() as session:
            call_otherwise(
                session,
                job_id=first.id,
                editor_id="bo",
                recognised=first.recorded().recognised,
                name="李伟",
                to="赵四",
            )
            renaming = other.submit(rename, keeping, LOCAL_OWNER, voice_id, "李小伟")
            until_it_waits(session, renaming)
            assert hold(session, LOCAL_OWNER)
        renaming.result()
    assert first.names() == ["赵四", "说话人2"]
    [voice] = voices.read_voices(keeping, LOCAL_OWNER)
    assert voice.name == "李小伟"
