"""A recording whose speakers are named, kept and suggested."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.speakers.edits import EditKind
from shared.speakers.suggestions.job_suggestions import (
    Compared,
    Recorded,
    confirm,
    keep,
    read_of_job,
    refuse,
)
from shared.speakers.transcript_speakers import edit_speakers
from tests.support.speech.meeting import a_voice, in_turn

LI, WANG, OTHER = a_voice(1), a_voice(2), a_voice(3)


class Meeting:
    """A completed job of `owner_id` in which speakers sound as they are given."""

    def __init__(
        self,
        db: Database,
        sounding: Sequence[tuple[int, ...]] = (LI, WANG),
        turns: Sequence[int] = (1, 2, 1, 2, 1, 2),
        owner_id: str = LOCAL_OWNER,
        **how: Any,
    ) -> None:
        self.db, self.owner_id = db, owner_id
        self.id = in_turn(db, turns, sounding=sounding, owner_id=owner_id, **how)

    def recorded(self) -> Recorded:
        versions = jobs.get_versions(self.db, owner_id=self.owner_id, job_id=self.id, words=False)
        return Recorded(self.owner_id, self.id, versions.current, versions.recognised)

    def edit(self, kind: EditKind, **detail: Any) -> None:
        edit_speakers(
            self.db,
            job_id=self.id,
            editor_id=self.owner_id,
            recognised=self.recorded().recognised,
            revision=self.revision,
            kind=kind,
            detail=detail,
            sentences=len(self.recorded().current.sentences),
        )

    @property
    def revision(self) -> int:
        return read_of_job(self.db, self.recorded()).revision

    def keep(self, speaker: int, name: str) -> str:
        self.edit(EditKind.RENAME, speaker=speaker, name=name)
        return keep(self.db, self.recorded(), speaker=speaker, revision=self.revision)

    def confirm(self, speaker: int, voice_id: str) -> None:
        confirm(
            self.db,
            self.recorded(),
            speaker=speaker,
            voice_id=voice_id,
            revision=self.revision,
        )

    def refuse(self, speaker: int, voice_id: str) -> None:
        refuse(self.db, self.recorded(), speaker=speaker, voice_id=voice_id)

    def compared(self) -> tuple[Compared, ...]:
        return read_of_job(self.db, self.recorded()).speakers

    def suggested(self) -> dict[int, str]:
        """The names that are suggested for speakers."""
        found = read_of_job(self.db, self.recorded())
        return {
            one.speaker.number: found.names[one.suggestion.voice_id]
            for one in found.speakers
            if one.suggestion is not None
        }

    def names(self) -> list[str]:
        return [one.speaker.name for one in read_of_job(self.db, self.recorded()).speakers]
