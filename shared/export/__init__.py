"""Transcripts as files, one small writer a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.export import json, srt, txt, vtt
from shared.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Format:
    """`write` takes the transcript and its job's id and gives the text of the file."""

    name: str
    media_type: str
    write: Callable[[Transcript, str], str]


FORMATS: dict[str, Format] = {
    format_.name: format_
    for format_ in (
        Format("txt", "text/plain", txt.write),
        Format("json", "application/json", json.write),
        Format("srt", "application/x-subrip", srt.write),
        Format("vtt", "text/vtt", vtt.write),
    )
}
