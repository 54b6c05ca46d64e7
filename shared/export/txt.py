"""Plain text: one sentence a line."""

from __future__ import annotations

from shared.export.sanitise import printable
from shared.transcript import Transcript


def write(transcript: Transcript, job_id: str) -> str:
    return "".join(f"{printable(sentence.text)}\n" for sentence in transcript.sentences)
