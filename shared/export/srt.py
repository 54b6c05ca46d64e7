"""SubRip subtitles, a cue a sentence."""

from __future__ import annotations

from datetime import timedelta

import srt

from shared.export.sanitise import subtitle
from shared.transcript import Transcript


def write(transcript: Transcript, job_id: str) -> str:
    cues = [
        srt.Subtitle(
            index=number,
            start=timedelta(seconds=sentence.start),
            end=timedelta(seconds=max(sentence.end, sentence.start + 0.001)),
            content=subtitle(sentence.text),
        )
        for number, sentence in enumerate(transcript.sentences, start=1)
    ]
    return str(srt.compose(cues, reindex=False))
