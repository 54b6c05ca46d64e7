"""A completed job of three people who take turns, as a worker leaves it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared import jobs
from shared.db import Database
from shared.speakers import VoiceMap, VoicePiece
from shared.transcripts.values import SAMPLE_RATE, Sentence, Transcript
from tests.support import factories

SENTENCES = tuple(
    Sentence(float(n), n + 0.9, f"第{n}句。", speaker=f"说话人{speaker}")
    for n, speaker in enumerate([1, 2, 1, 3, 2])
)
TRANSCRIPT = replace(factories.TRANSCRIPT, sentences=SENTENCES)

VOICES = VoiceMap(
    encoder="e",
    threshold=40,
    pieces=tuple(
        VoicePiece(n * SAMPLE_RATE, n * SAMPLE_RATE + 14_000, group)
        for n, group in enumerate([0, 1, 0, 2, 1])
    ),
    distances=bytes([100, 60, 90]),
)


def a_meeting(
    db: Database,
    *,
    voices: VoiceMap | None = VOICES,
    transcript: Transcript = TRANSCRIPT,
    **values: Any,
) -> str:
    """Complete a job whose voices were told apart, unless `voices` is None; returns its id. Any
    other queued job must have been claimed before."""
    job_id = factories.submit(db, options={} if voices is None else {"speakers": "auto"}, **values)
    claim = factories.claim(db)
    factories.recognise(db, claim)
    jobs.finish(db, claim, transcript, voice_map=voices)
    return job_id
