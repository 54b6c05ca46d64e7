"""Renaming of a kept voice, also in the recordings that it was computed from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import exists, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.db import Database
from shared.errors import InvalidRequest, JobNotFound
from shared.models import KeptVoice, SpeakerEdit, VoiceEnrolment
from shared.speakers.edits import EditKind
from shared.speakers.errors import SpeakersEditedMeanwhile
from shared.speakers.kept.errors import VoiceNameTaken
from shared.speakers.kept.voice_keeping import hold
from shared.speakers.kept.voices import name_of
from shared.speakers.names import checked_name
from shared.speakers.transcript_speakers import MOST_EDITS, edits_of, replayed
from shared.transcripts.values import Transcript

_TRIES = 3


def rename_voice(
    db: Database,
    owner_id: str,
    voice_id: str,
    name: str,
    recognised_of: Callable[[str], Transcript],
) -> None:
    """Keep a voice under another name. Whoever has the old one in a recording that gives to the
    voice is called so too, by an edit with its history and undo. `recognised_of` reads the
    transcript of a job as the worker wrote it.

    Raises VoiceNotFound, InvalidRequest for what is no name, VoiceNameTaken, and
    SpeakersEditedMeanwhile where people keep changing who speaks in these recordings.
    """
    name = checked_name(name)
    if not name:
        raise InvalidRequest("name: give the voice a name.", param="name")
    for _ in range(_TRIES):
        with db.reading() as session:
            before = name_of(session, owner_id, voice_id)
            if before == name:
                return
            given_by = _given_by(session, voice_id)
        try:
            # Reading the text of ten hours takes long: nobody who writes waits for it.
            recognised = {job_id: recognised_of(job_id) for job_id in given_by}
            with db.writing() as session:
                _rename(session, owner_id, voice_id, before, name, recognised)
            return
        except (IntegrityError, JobNotFound, SpeakersEditedMeanwhile):
            continue  # an edit of the same number, a deletion, another name, another recording
    raise SpeakersEditedMeanwhile


def call_otherwise(
    session: Session, *, job_id: str, editor_id: str, recognised: Transcript, name: str, to: str
) -> None:
    """Rename whoever has the name `name`, by an edit for each of them. What the recording gives to
    kept voices is left to the caller.

    Raises InvalidRequest where the transcript takes no more edits, and IntegrityError where another
    edit is made at the same moment.
    """
    edits = edits_of(session, job_id)
    state = replayed(recognised, edits)
    called = [number for number in state.numbers if state.names.get(number) == name]
    if len(edits) + len(called) > MOST_EDITS:
        raise InvalidRequest("This transcript takes no more changes of its speakers.")
    session.add_all(
        SpeakerEdit(
            job_id=job_id,
            number=edit,
            kind=EditKind.RENAME.value,
            detail={"speaker": speaker, "name": to},
            editor_id=editor_id,
        )
        for edit, speaker in enumerate(called, start=len(edits) + 1)
    )
    session.flush()


def _given_by(session: Session, voice_id: str) -> list[str]:
    """The recordings that give to a voice, in the order in which they are edited."""
    return list(
        session.scalars(
            select(VoiceEnrolment.job_id)
            .where(VoiceEnrolment.voice_id == voice_id)
            .order_by(VoiceEnrolment.job_id)
        )
    )


def _rename(
    session: Session,
    owner_id: str,
    voice_id: str,
    before: str,
    name: str,
    recognised: Mapping[str, Transcript],
) -> None:
    """Rename in the transaction of `session`. Raises SpeakersEditedMeanwhile where the voice has
    another name than `before`, or stands on others than `recognised`, by now."""
    # Edits before the voices are held, as everywhere: who edits one of these recordings holds the
    # voices next.
    for job_id, transcript in recognised.items():
        call_otherwise(
            session,
            job_id=job_id,
            editor_id=owner_id,
            recognised=transcript,
            name=before,
            to=name,
        )
    hold(session, owner_id)
    is_as_it_was = name_of(session, owner_id, voice_id) == before
    if not is_as_it_was or _given_by(session, voice_id) != list(recognised):
        raise SpeakersEditedMeanwhile
    if session.scalar(
        select(exists().where(KeptVoice.owner_id == owner_id, KeptVoice.name == name))
    ):
        raise VoiceNameTaken
    session.execute(
        update(KeptVoice)
        .where(KeptVoice.id == voice_id)
        .values(name=name)
        .execution_options(synchronize_session=False)
    )
