"""What is known to be a name or a term of a recording."""

from __future__ import annotations

from shared.export.options import Provenance
from shared.transcripts.values import Transcript


def names_of(transcript: Transcript, provenance: Provenance) -> list[str]:
    """Who took part, who speaks, and the terms that its job was given."""
    speakers = {sentence.speaker for sentence in transcript.sentences if sentence.speaker}
    return sorted({*provenance.people, *provenance.terms, *speakers})
