"""Who speaks in a finished transcript, and what people change of it, on both databases."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import update

from shared import jobs
from shared.db import Database
from shared.errors import InvalidRequest, JobNotFound
from shared.models import LOCAL_OWNER, Job, SpeakerEdit, StoredVoiceMap
from shared.speakers import VoiceMap
from shared.speakers.edits import EditKind
from shared.speakers.errors import SpeakersEditedMeanwhile
from shared.speakers.transcript_speakers import Speakers, edit_speakers, read_speakers
from shared.transcripts.corrections import correct
from shared.transcripts.values import Transcript, Version
from tests.support import factories
from tests.support.speech.meeting import SENTENCES, VOICES, a_meeting


class Meeting:
    """A completed job whose voices were told apart, unless `voices` is None."""

    def __init__(self, db: Database, voices: VoiceMap | None = VOICES) -> None:
        self.db = db
        self.job_id = a_meeting(db, voices=voices)

    def transcript(self, version: Version = Version.CURRENT) -> Transcript:
        return jobs.get_transcript(
            self.db, owner_id=LOCAL_OWNER, job_id=self.job_id, version=version
        )

    def names(self) -> list[str | None]:
        return [sentence.speaker for sentence in self.transcript().sentences]

    def speakers(self) -> Speakers:
        return read_speakers(
            self.db,
            job_id=self.job_id,
            transcript=self.transcript(),
            recognised=self.transcript(Version.RECOGNISED),
        )

    def edit(self, kind: EditKind, *, revision: int | None = None, **detail: Any) -> None:
        edit_speakers(
            self.db,
            job_id=self.job_id,
            editor_id=LOCAL_OWNER,
            recognised=self.transcript(Version.RECOGNISED),
            revision=self.speakers().revision if revision is None else revision,
            kind=kind,
            detail=detail,
        )


@pytest.fixture
def meeting(db: Database) -> Meeting:
    return Meeting(db)


def test_each_speaker_has_a_number_a_name_and_a_share(meeting: Meeting) -> None:
    found = meeting.speakers()
    assert [(s.number, s.name, s.is_named) for s in found.speakers] == [
        (1, "说话人1", False),
        (2, "说话人2", False),
        (3, "说话人3", False),
    ]
    assert [(s.sentences, s.seconds, s.share) for s in found.speakers] == [
        (2, 1.8, 0.4),
        (2, 1.8, 0.4),
        (1, 0.9, 0.2),
    ]
    assert (found.revision, found.wanted, found.can_count) == (0, "auto", True)


def test_edits_show_in_the_transcript_and_leave_the_recognised_one(meeting: Meeting) -> None:
    meeting.edit(EditKind.RENAME, speaker=1, name="  王 敏\n")
    meeting.edit(EditKind.MERGE, speaker=3, into=2)
    meeting.edit(EditKind.ASSIGN, sentences=[4], speaker="new")
    assert meeting.names() == ["王 敏", "说话人2", "王 敏", "说话人2", "说话人4"]
    assert meeting.transcript(Version.RECOGNISED).sentences == SENTENCES
    assert [edit.kind for edit in meeting.speakers().edits] == ["assign", "merge", "rename"]
    meeting.edit(EditKind.UNDO, edit=2)
    assert meeting.speakers().undone == {2}
    assert meeting.names()[3] == "说话人3"


def test_another_number_needs_no_sound_and_keeps_names(meeting: Meeting) -> None:
    meeting.edit(EditKind.RENAME, speaker=2, name="老张")
    meeting.edit(EditKind.COUNT, wanted="2")
    assert meeting.names() == ["说话人1", "老张", "说话人1", "说话人1", "老张"]
    assert meeting.speakers().wanted == "2"
    meeting.edit(EditKind.UNDO, edit=2)
    assert meeting.names() == ["说话人1", "老张", "说话人1", "说话人3", "老张"]
    assert meeting.speakers().wanted == "auto"


def test_two_voices_that_were_one_speaker_are_parted_without_the_sound(meeting: Meeting) -> None:
    meeting.edit(EditKind.RENAME, speaker=1, name="王敏")
    meeting.edit(EditKind.MERGE, speaker=3, into=1)
    assert meeting.names() == ["王敏", "说话人2", "王敏", "王敏", "说话人2"]
    meeting.edit(EditKind.SPLIT, speaker=1)
    assert meeting.names() == ["王敏", "说话人2", "王敏", "说话人4", "说话人2"]
    # Whoever was parted by a person stays so, whatever number the voices are told apart into.
    meeting.edit(EditKind.COUNT, wanted="2")
    assert meeting.names() == ["王敏", "说话人2", "王敏", "说话人3", "说话人2"]
    meeting.edit(EditKind.UNDO, edit=4)
    meeting.edit(EditKind.UNDO, edit=3)
    assert meeting.names() == ["王敏", "说话人2", "王敏", "王敏", "说话人2"]
    # Undone is not unmade: the number that somebody had is not given to another.
    meeting.edit(EditKind.SPLIT, speaker=1)
    assert meeting.names()[3] == "说话人5"


def test_one_voice_is_not_parted(meeting: Meeting) -> None:
    with pytest.raises(InvalidRequest, match="only one voice is heard"):
        meeting.edit(EditKind.SPLIT, speaker=2)
    with pytest.raises(InvalidRequest, match="nobody here has the number 9"):
        meeting.edit(EditKind.SPLIT, speaker=9)
    with pytest.raises(SpeakersEditedMeanwhile):
        meeting.edit(EditKind.SPLIT, speaker=2, revision=1)
    assert meeting.speakers().revision == 0


@pytest.mark.parametrize("stored", [{}, [], {"piece_count": 5}])
def test_voices_that_cannot_be_read_are_refused_in_words(meeting: Meeting, stored: Any) -> None:
    with meeting.db.writing() as session:
        session.execute(update(StoredVoiceMap).values(content=stored))
    with pytest.raises(InvalidRequest, match="cannot be read"):
        meeting.edit(EditKind.COUNT, wanted="2")
    meeting.edit(EditKind.RENAME, speaker=1, name="王敏")


@pytest.mark.parametrize("stored", [{"speakers": "many"}, [], None])
def test_an_option_that_cannot_be_read_hides_nobody(meeting: Meeting, stored: Any) -> None:
    with meeting.db.writing() as session:
        session.execute(update(Job).values(options=stored))
    assert (meeting.speakers().wanted, len(meeting.speakers().speakers)) == (None, 3)


def test_who_speaks_in_a_job_that_is_gone_is_not_found(meeting: Meeting) -> None:
    transcript = meeting.transcript()
    factories.delete(meeting.db, meeting.job_id)
    with pytest.raises(JobNotFound):
        read_speakers(
            meeting.db, job_id=meeting.job_id, transcript=transcript, recognised=transcript
        )


def test_corrections_and_names_do_not_hinder_each_other(meeting: Meeting) -> None:
    meeting.edit(EditKind.RENAME, speaker=1, name="王敏")
    for n, text in (0, "改了。"), (2, ""):
        correct(meeting.db, owner_id=LOCAL_OWNER, job_id=meeting.job_id, n=n, text=text, revision=0)
    assert [(s.text, s.speaker) for s in meeting.transcript().sentences][:3] == [
        ("改了。", "王敏"),
        ("第1句。", "说话人2"),
        ("", "王敏"),
    ]
    first = meeting.speakers().speakers[0]
    assert (first.sentences, first.seconds) == (1, 0.9)  # what was removed is not spoken


@pytest.mark.parametrize(
    ("kind", "detail", "says"),
    [
        (EditKind.RENAME, {"speaker": 4, "name": "x"}, "number 4, only 1, 2, 3"),
        (EditKind.RENAME, {"speaker": 1, "name": "x" * 81}, "at most 80"),
        (EditKind.RENAME, {"speaker": 1, "name": "a\u202eb"}, "visible"),
        (EditKind.MERGE, {"speaker": 1, "into": 1}, "another speaker"),
        (EditKind.ASSIGN, {"sentences": [5], "speaker": 1}, "from 0 to 4"),
        (EditKind.ASSIGN, {"sentences": [], "speaker": 1}, "from 0 to 4"),
        (EditKind.ASSIGN, {"sentences": [0], "speaker": 201}, "1 to 200"),
        (EditKind.COUNT, {"wanted": "many"}, "wanted: must be 'auto'"),
        (EditKind.UNDO, {"edit": 1}, "no change 1"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_stored(
    meeting: Meeting, kind: EditKind, detail: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidRequest, match=says):
        meeting.edit(kind, **detail)
    assert meeting.speakers().revision == 0


def test_somebody_new_is_not_who_was_merged_away(meeting: Meeting) -> None:
    meeting.edit(EditKind.MERGE, speaker=3, into=2)
    meeting.edit(EditKind.ASSIGN, sentences=[0], speaker="new")
    meeting.edit(EditKind.UNDO, edit=1)
    assert meeting.names() == ["说话人4", "说话人2", "说话人1", "说话人3", "说话人2"]


@pytest.mark.parametrize("limit", ["MOST_EDITS", "MOST_EDITED_SENTENCES"])
def test_a_history_is_bounded(
    meeting: Meeting, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"shared.speakers.transcript_speakers.{limit}", 2)
    meeting.edit(EditKind.ASSIGN, sentences=[0], speaker=2)
    meeting.edit(EditKind.ASSIGN, sentences=[1], speaker=1)
    with pytest.raises(InvalidRequest, match="no more changes"):
        meeting.edit(EditKind.ASSIGN, sentences=[2], speaker=2)
    assert meeting.speakers().revision == 2


def test_who_comes_second_is_told(meeting: Meeting) -> None:
    meeting.edit(EditKind.RENAME, speaker=1, name="王敏")
    with pytest.raises(SpeakersEditedMeanwhile):
        meeting.edit(EditKind.RENAME, speaker=1, name="李雷", revision=0)
    assert meeting.names()[0] == "王敏"


def test_of_two_at_the_same_moment_one_is_told(meeting: Meeting) -> None:
    barrier, refused = threading.Barrier(2), []

    def rename(name: str) -> None:
        barrier.wait()
        try:
            meeting.edit(EditKind.RENAME, revision=0, speaker=1, name=name)
        except SpeakersEditedMeanwhile:
            refused.append(name)

    threads = [threading.Thread(target=rename, args=(name,)) for name in ("王敏", "李雷")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (loser,) = refused
    assert meeting.names()[0] == ({"王敏", "李雷"} - {loser}).pop()


def test_without_voices_sentences_are_still_given_to_people(db: Database) -> None:
    meeting = Meeting(db, voices=None)
    assert not meeting.speakers().can_count
    with pytest.raises(InvalidRequest, match="Submit the recording again"):
        meeting.edit(EditKind.COUNT, wanted="2")
    meeting.edit(EditKind.ASSIGN, sentences=[0, 1], speaker=3)
    assert meeting.names()[:2] == ["说话人3", "说话人3"]


def test_edits_and_voices_go_with_their_job(meeting: Meeting) -> None:
    meeting.edit(EditKind.RENAME, speaker=1, name="王敏")
    tables = SpeakerEdit, StoredVoiceMap
    assert [factories.count(meeting.db, table) for table in tables] == [1, 1]
    factories.delete(meeting.db, meeting.job_id)
    assert [factories.count(meeting.db, table) for table in tables] == [0, 0]
