"""A transcript of any length with its recording, stored as a finished job: for what reads them."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np

from shared import jobs
from shared.db import Database
from shared.states import Stage
from shared.storage.blob_store import BlobStore
from shared.transcripts.recording_report import RecordingReport
from shared.transcripts.values import Sentence, Transcript, Word, join_text
from tests.support import factories
from tests.support.stack_without_http import as_wav
from worker.recogniser import SAMPLE_RATE

CHARACTERS = [chr(0x4E00 + 37 * number) for number in range(500)]
TERMS = ["API", "GPU", "gateway", "deadline", "review"]
NEEDLE = "深圳会议"
"""Stands in every hundredth sentence and nowhere else."""


def sentences(hours: float, characters: int) -> Iterator[Sentence]:
    """Generate sentences with this many characters, spread evenly over the time; the same ones in
    every call."""
    chance = random.Random(7)
    spoken = 0
    number = 0
    time = 0.5
    word_s = hours * 3600 / characters
    while spoken < characters:
        said = [
            chance.choice(TERMS) if chance.random() < 0.04 else chance.choice(CHARACTERS)
            for _ in range(chance.randrange(6, 45))
        ]
        if number % 100 == 50:
            said[2:2] = NEEDLE
        words = []
        for word in said:
            words.append(Word(word, round(time, 3), round(time + 0.8 * word_s, 3)))
            time += 0.85 * word_s
        spoken += len(said)
        number += 1
        yield Sentence(words[0].start, words[-1].end, join_text(said) + "。", tuple(words))
        # What is left of the time is pauses, some of them long.
        time += len(said) * 0.15 * word_s * (3 if number % 7 == 0 else 2 / 3)


def transcript(hours: float, characters: int) -> Transcript:
    return Transcript(
        duration=hours * 3600,
        language="zh",
        model="demo",
        sentences=tuple(sentences(hours, characters)),
    )


def tone(seconds: float) -> bytes:
    """A WAV file of a quiet tone that comes and goes."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    loudness = 2500 * (1 + np.sin(times / 3)) * (np.sin(times) > -0.5)
    return as_wav((loudness * np.sin(2 * np.pi * 220 * times)).astype(np.int16))


def finished_job(
    db: Database,
    blobs: BlobStore,
    content: bytes,
    stored: Transcript,
    filename: str = "会议.wav",
    report: RecordingReport | None = None,
) -> str:
    """A completed job with this recording and this transcript. Nothing else may be queued."""
    with blobs.receive(max_bytes=2**40) as incoming:
        incoming.write(content)
        blob = incoming.keep()
    factories.submit(db, blob=blob, filename=filename)
    claimed = factories.claim(db)
    jobs.set_stage(db, claimed, Stage.RECOGNISING, duration_s=stored.duration)
    count = 3000
    peaks = bytes(int(127 + 120 * np.sin(n / 40) * np.sin(n / 7)) for n in range(count))
    jobs.store_waveform(db, claimed, jobs.Waveform(stored.duration, peaks))
    factories.complete(db, claimed, stored, report)
    return claimed.job_id
