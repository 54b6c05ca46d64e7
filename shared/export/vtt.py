"""WebVTT subtitles, a cue a sentence."""

from __future__ import annotations

import html

import webvtt
from webvtt.models import Timestamp

from shared.export.sanitise import subtitle
from shared.transcript import Transcript


def write(transcript: Transcript, job_id: str) -> str:
    document = webvtt.WebVTT()
    for sentence in transcript.sentences:
        document.captions.append(
            webvtt.Caption(
                start=_timestamp(sentence.start),
                end=_timestamp(max(sentence.end, sentence.start + 0.001)),
                # < and & would start a tag or an entity.
                text=html.escape(subtitle(sentence.text), quote=False),
            )
        )
    return str(document.content) + "\n"


def _timestamp(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    return str(
        Timestamp(
            hours=milliseconds // 3_600_000,
            minutes=milliseconds // 60_000 % 60,
            seconds=milliseconds // 1000 % 60,
            milliseconds=milliseconds % 1000,
        )
    )
