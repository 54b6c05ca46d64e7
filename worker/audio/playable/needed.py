"""Decision whether browsers can play a recording, and seek in it, as it was submitted.

Chromium 156 and Firefox ESR 153 were given every kind of file below and many more; Chromium's sound
was recorded after each seek and searched for in the original.  What is in the table, both play, and
a seek lands within 0.1 s.  Safari was not measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_LINEAR = "pcm_u8 pcm_s16le pcm_s24le pcm_s32le pcm_f32le pcm_mulaw pcm_alaw"

PLAYED = {
    container: frozenset(codecs.split())
    for container, codecs in {
        "wav": _LINEAR,
        "mp3": "mp3",
        "flac": "flac",
        # FLAC in Ogg is played, 0.2 s beside the place that was asked for.
        "ogg": "opus vorbis",
        # Firefox plays no linear samples in MP4 and QuickTime files.
        "mov": "aac mp3 flac opus",
        # Firefox plays no MP3, FLAC and linear samples in Matroska.
        "matroska": "aac opus vorbis",
    }.items()
}
"""Codings that both browsers play right, by FFmpeg's first name of the container.  ADTS is not
here: both guess its length from its first seconds, and nothing behind the guess can be reached."""


class CopyReason(StrEnum):
    """Reason why a recording needs a playable copy."""

    CONTAINER = "container"
    """Container of a kind that a browser does not open."""
    CODEC = "codec"
    """A coding that a browser does not decode, in this container at least."""
    UNSEEKABLE = "unseekable"
    """A browser does not find a time in it."""
    JOINED = "joined"
    """Several recordings in a file, of which a browser plays the first."""
    SIZE = "size"
    """The header tells a wrong size, which a browser believes."""
    TRACKS = "tracks"
    """Sound tracks in the transcript are others than the one that a browser plays."""
    QUIET = "quiet"
    """The speech is so quiet that nobody would hear it."""


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """Facts that decide whether a copy is needed, as far as they are known."""

    container: str
    """FFmpeg's names of it, with commas between them."""
    codec: str
    """FFmpeg's name of the coding of the track that a browser plays."""
    plays_what_is_heard: bool = True
    """True if the track that a browser plays is the one, and the only one, in the transcript."""
    parts: int = 1
    has_right_size: bool = True
    has_length: bool = True
    """True if the container states its length."""
    is_fragmented: bool = False
    """An MP4 file in fragments, without a table of its samples."""
    is_rf64: bool = False
    """A WAV file of the form for more than 4 GB."""
    has_even_bit_rate: bool = True
    is_very_quiet: bool = False


def needs_playable_copy(facts: RecordingFacts) -> CopyReason | None:
    """The first reason for a copy; None where the recording can be played as it is.

    >>> needs_playable_copy(RecordingFacts("aiff", "pcm_s16be"))
    <CopyReason.CONTAINER: 'container'>
    """
    container = facts.container.partition(",")[0]
    played = PLAYED.get(container)
    if played is None or facts.is_rf64:
        return CopyReason.CONTAINER
    if _coding(facts.codec) not in played:
        return CopyReason.CODEC
    if not facts.plays_what_is_heard:
        return CopyReason.TRACKS
    if facts.parts > 1:
        return CopyReason.JOINED
    if not facts.has_right_size:
        return CopyReason.SIZE
    if _is_unseekable(container, facts):
        return CopyReason.UNSEEKABLE
    return CopyReason.QUIET if facts.is_very_quiet else None


def _is_unseekable(container: str, facts: RecordingFacts) -> bool:
    if container == "mp3":
        # Also with a table of contents: it has 100 entries, and after half an hour of pauses and
        # speech in turns Chromium was 2 s beside the place.
        return not facts.has_even_bit_rate
    if container == "mov":
        # Firefox takes what it has loaded for the whole, as in Matroska without a length.
        return facts.is_fragmented
    return container == "matroska" and not facts.has_length


def _coding(decoder: str) -> str:
    """The coding that one of FFmpeg's decoders decodes: 'mp3' for 'mp3float', say."""
    return decoder.removeprefix("lib").removesuffix("float")
