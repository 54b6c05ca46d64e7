"""Completed jobs of people who take turns, as a worker leaves them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
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

WIDTH = 12
"""Numbers of a voice."""

TEXTS = ("大家好。", "我们开始吧。", "先看上周的进度。", "预算还没有批下来。", "好，下一项。")


TWO_AT_ONCE = replace(
    TRANSCRIPT,
    sentences=(
        Sentence(0.0, 4.0, "大家好。", speaker="左"),
        Sentence(2.0, 6.0, "我们开始吧。", speaker="右"),
        Sentence(7.0, 9.0, "好，下一项。", speaker="左"),
    ),
    at_once=((2.5, 4.0),),
)
"""Transcript of two channels that are speakers."""


def a_meeting(
    db: Database,
    *,
    voices: VoiceMap | None = VOICES,
    group_voices: bytes | None = None,
    transcript: Transcript = TRANSCRIPT,
    **values: Any,
) -> str:
    """Complete a job whose voices were told apart, unless `voices` is None; returns its id. Any
    other queued job must have been claimed before."""
    job_id = factories.submit(db, options={} if voices is None else {"speakers": "auto"}, **values)
    claim = factories.claim(db)
    factories.recognise(db, claim)
    jobs.finish(db, claim, transcript, voice_map=voices, group_voices=group_voices)
    return job_id


def a_voice(of: int, *, unlike: int = 0) -> tuple[int, ...]:
    """Vector of a voice: those of two numbers have nothing in common, and what is unlike in one
    recording and another makes two of one number less like (at 40 each a cosine of 0.86)."""
    return tuple(100 if n == of else unlike if n == WIDTH - 1 else 0 for n in range(WIDTH))


def in_turn(
    db: Database,
    speakers: Sequence[int],
    *,
    sounding: Sequence[tuple[int, ...]] = (),
    encoder: str = "e",
    **values: Any,
) -> str:
    """Complete a job in which these speak, by their numbers, a sentence of four seconds each;
    returns its id. Every two voices are told apart unless a lower number is asked for. `sounding`
    are the voices of speaker 1, 2, ..., kept if the owner lets voices be kept."""
    sentences = tuple(
        Sentence(5.0 * n, 5.0 * n + 4, TEXTS[n % len(TEXTS)], speaker=f"说话人{speaker}")
        for n, speaker in enumerate(speakers)
    )
    pieces = tuple(
        VoicePiece(5 * n * SAMPLE_RATE, (5 * n + 4) * SAMPLE_RATE, speaker - 1)
        for n, speaker in enumerate(speakers)
    )
    groups = max(speakers)
    distances = bytes(60 + other for one in range(groups) for other in range(one + 1, groups))
    return a_meeting(
        db,
        voices=VoiceMap(encoder=encoder, threshold=40, pieces=pieces, distances=distances),
        group_voices=b"".join(struct.pack(f"{WIDTH}b", *one) for one in sounding) or None,
        transcript=replace(TRANSCRIPT, duration=5.0 * len(speakers), sentences=sentences),
        **values,
    )
