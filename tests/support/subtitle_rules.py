"""Rules of subtitles, checked on the file as any player reads it."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import srt
import webvtt

from shared.export.options import ExportOptions
from shared.export.typography.display_width import display_width

_ONE_WORD = re.compile(r"[!-~]+")
"""A single word, the only text that may be longer than a line."""


@dataclass(frozen=True)
class Shown:
    """A cue as it was read back, in milliseconds."""

    start: int
    end: int
    lines: list[str]


def read_srt(text: str) -> list[Shown]:
    return [
        Shown(
            round(cue.start.total_seconds() * 1000),
            round(cue.end.total_seconds() * 1000),
            cue.content.split("\n"),
        )
        for cue in srt.parse(text)
    ]


def read_vtt(text: str) -> list[Shown]:
    return [
        Shown(_milliseconds(cue.start), _milliseconds(cue.end), cue.text.split("\n"))
        for cue in webvtt.from_buffer(io.StringIO(text)).captions
    ]


def _milliseconds(stamp: str) -> int:
    hours, minutes, seconds = stamp.split(":")
    whole, part = seconds.split(".")
    return (int(hours) * 3600 + int(minutes) * 60 + int(whole)) * 1000 + int(part)


def broken_order(cues: list[Shown], duration_s: float) -> list[str]:
    """Find violations of the rules that hold for any transcript."""
    found = []
    free = 0
    for number, cue in enumerate(cues):
        if cue.start < free:
            found.append(f"cue {number} begins at {cue.start} before {free}")
        if cue.end <= cue.start:
            found.append(f"cue {number} ends at {cue.end}, not after {cue.start}")
        if not all(cue.lines):
            found.append(f"cue {number} has an empty line")
        free = cue.end
    if free > max(duration_s * 1000, len(cues)):
        found.append(f"the last ends at {free}, after the recording")
    return found


def broken_reading(cues: list[Shown], options: ExportOptions) -> list[str]:
    """Find violations of the rules of legibility, which hold for speech at a usual pace."""
    found = []
    for number, cue in enumerate(cues):
        seconds = (cue.end - cue.start) / 1000
        if not options.min_seconds - 0.001 <= seconds <= options.max_seconds + 0.001:
            found.append(f"cue {number} is shown for {seconds} s")
        if len(cue.lines) > options.max_lines:
            found.append(f"cue {number} has {len(cue.lines)} lines")
        for line in cue.lines:
            if display_width(line) > options.line_width and not _ONE_WORD.fullmatch(line):
                found.append(f"cue {number} has a line of {display_width(line)} cells: {line}")
    return found
