"""Known names and terms of a recording."""

from __future__ import annotations

from shared.export.options import Provenance
from shared.transcripts.values import Transcript


def names_of(transcript: Transcript, provenance: Provenance) -> list[str]:
    """Names of the people who took part and of the speakers, and the terms that the job was
    given."""
    speakers = {sentence.speaker for sentence in transcript.sentences if sentence.speaker}
    return sorted({*provenance.people, *provenance.terms, *speakers})
