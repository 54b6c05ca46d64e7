"""The kinds of recordings that the ffmpeg program writes for tests, and what each can hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    """Change made to a recording; `makers` makes it, `truth` says what a player should play."""

    PLAIN = "plain"
    LATE = "late start"
    HOLE = "hole"
    STEP_BACK = "step back"
    FAST = "drift x0.96"
    SLOW = "drift x1.02"
    CUT = "cut at 60 %"
    TWO_TRACKS = "two tracks"
    SURROUND = "5.1"
    INVERTED = "inverted channel"
    JOINED = "joined, rate changes"
    MIDDLE = "from the middle"


_C = Condition
_PACKETS = (_C.LATE, _C.HOLE, _C.STEP_BACK, _C.FAST, _C.SLOW)
"""Damage that needs a container which dates its packets."""


class WhenCut(StrEnum):
    """Expected handling of a recording with a missing end."""

    TOLD = "told"
    """Recording that is read as far as it goes, and a warning says so."""
    UNTOLD = "untold"
    """Recording that is read as far as it goes, and nothing in it says that there was more."""
    REFUSED = "refused"
    """Recording whose table of contents was at the end: nothing can be read."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Kind of file for the ffmpeg program to write.

    name: its row in the table.  suffix: of the file's name.  muxer and sound: arguments.
    picture: codec of the picture beside the sound, or None.  holds: conditions beside PLAIN and
    CUT, which everything can hold.  plays: whether Chromium plays it.  similarity: the least
    correlation with the original at which a second of it is taken for the same sound.
    keeps_start: whether sound that starts late is heard late; where there is nothing but sound,
    some containers begin with it.  shift_s: by how much the ffmpeg program itself delays all.
    when_cut: what becomes of its first 60 %.
    """

    name: str
    suffix: str
    muxer: tuple[str, ...]
    sound: tuple[str, ...]
    holds: tuple[Condition, ...]
    picture: str | None = None
    plays: bool = False
    similarity: float = 0.6
    keeps_start: bool = True
    shift_s: float = 0.0
    when_cut: WhenCut = WhenCut.TOLD

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Conditions in which the kind is tested."""
        return (_C.PLAIN, _C.CUT, *self.holds)


def _kind(
    name: str,
    suffix: str,
    muxer: str,
    sound: str,
    *holds: Condition,
    picture: str | None = None,
    plays: bool = False,
    similarity: float = 0.6,
    keeps_start: bool = True,
    shift_s: float = 0.0,
    when_cut: WhenCut = WhenCut.TOLD,
) -> Kind:
    container, *options = muxer.split()
    return Kind(
        name,
        suffix,
        ("-f", container, *options),
        ("-c:a", *sound.split()),
        holds,
        picture,
        plays,
        similarity,
        keeps_start,
        shift_s,
        when_cut,
    )


_CHANNELS = (_C.SURROUND, _C.INVERTED)
_FRAGMENTS = "mp4 -frag_duration 1000000 -movflags frag_keyframe+default_base_moof"
# Ogg dates pages, which the program fills for a second: a hole in one could be anywhere in it.
_OGG_PAGES = "ogg -page_duration 100000"
_AAC = "aac -b:a 64k"
_OPUS = "libopus -b:a 32k"
_VORBIS = "libvorbis -q:a 3 -ar 44100"

_LIST = (
    _kind("WAV, 16 bit", "wav", "wav", "pcm_s16le", *_CHANNELS, _C.JOINED, plays=True),
    _kind("WAV, 24 bit", "wav", "wav", "pcm_s24le -ar 48000", *_CHANNELS, _C.JOINED, plays=True),
    _kind("WAV, float", "wav", "wav", "pcm_f32le -ar 44100", *_CHANNELS, _C.JOINED, plays=True),
    _kind("WAV, A-law", "wav", "wav", "pcm_alaw -ar 8000", _C.INVERTED, plays=True),
    _kind("WAV, IMA ADPCM", "wav", "wav", "adpcm_ima_wav", _C.INVERTED),
    _kind("WAV, G.722", "wav", "wav", "g722 -ar 16000"),
    _kind("Wave64", "w64", "w64", "pcm_s16le", *_CHANNELS),
    _kind("AU", "au", "au", "pcm_mulaw -ar 8000", _C.INVERTED),
    _kind("AIFF", "aiff", "aiff", "pcm_s16be -ar 44100", *_CHANNELS),
    _kind("CAF", "caf", "caf", "pcm_s16le", *_CHANNELS),
    _kind("FLAC", "flac", "flac", "flac", *_CHANNELS, _C.JOINED, plays=True),
    _kind("WavPack", "wv", "wv", "wavpack", _C.INVERTED),
    _kind("TTA", "tta", "tta", "tta", _C.INVERTED),
    _kind("MP3", "mp3", "mp3", "libmp3lame -b:a 64k", _C.INVERTED, _C.JOINED, plays=True),
    _kind(
        "AAC (ADTS)",
        "aac",
        "adts",
        _AAC,
        *_CHANNELS,
        _C.JOINED,
        plays=True,
        when_cut=WhenCut.UNTOLD,
    ),
    _kind("AC-3", "ac3", "ac3", "ac3 -ar 48000", *_CHANNELS, _C.JOINED, when_cut=WhenCut.UNTOLD),
    _kind("AMR", "amr", "amr", "copy", _C.JOINED, similarity=0.5, when_cut=WhenCut.UNTOLD),
    _kind(
        "M4A, AAC",
        "m4a",
        "ipod",
        _AAC,
        *_PACKETS,
        *_CHANNELS,
        _C.JOINED,
        plays=True,
        when_cut=WhenCut.REFUSED,
    ),
    _kind(
        "M4A, ALAC", "m4a", "ipod", "alac -ar 44100", _C.LATE, *_CHANNELS, when_cut=WhenCut.REFUSED
    ),
    _kind(
        "MP4, H.264 and AAC",
        "mp4",
        "mp4",
        _AAC,
        *(*_PACKETS, *_CHANNELS, _C.TWO_TRACKS),
        picture="h264",
        plays=True,
        when_cut=WhenCut.REFUSED,
    ),
    _kind(
        "MP4, fragmented, AAC",
        "mp4",
        f"{_FRAGMENTS}+delay_moov",
        _AAC,
        *(*_PACKETS, *_CHANNELS, _C.MIDDLE),
        plays=True,
    ),
    _kind(
        "MP4, fragmented, H.264 and AAC",
        "mp4",
        f"{_FRAGMENTS}+empty_moov",
        _AAC,
        *(*_PACKETS, _C.MIDDLE),
        picture="h264",
        plays=True,
        shift_s=0.2,
    ),
    _kind(
        "MOV, PCM",
        "mov",
        "mov",
        "pcm_s16le",
        *_CHANNELS,
        _C.TWO_TRACKS,
        picture="mpeg4",
        when_cut=WhenCut.REFUSED,
    ),
    _kind(
        "MOV, ALAC",
        "mov",
        "mov",
        "alac",
        _C.LATE,
        _C.INVERTED,
        _C.TWO_TRACKS,
        picture="h264",
        when_cut=WhenCut.REFUSED,
    ),
    _kind(
        "3GP, AMR", "3gp", "3gp", "copy", _C.LATE, _C.HOLE, similarity=0.5, when_cut=WhenCut.REFUSED
    ),
    _kind(
        "Matroska, H.264 and AAC",
        "mkv",
        "matroska",
        _AAC,
        *(*_PACKETS, *_CHANNELS, _C.TWO_TRACKS),
        picture="h264",
        plays=True,
    ),
    _kind("Matroska, FLAC", "mkv", "matroska", "flac", *_PACKETS, _C.INVERTED, _C.TWO_TRACKS),
    _kind("Matroska, AC-3", "mkv", "matroska", "ac3 -ar 48000", *_PACKETS, *_CHANNELS),
    _kind("WebM, Opus", "webm", "webm", _OPUS, *_PACKETS, *_CHANNELS, _C.JOINED, plays=True),
    _kind(
        "WebM, VP8 and Opus",
        "webm",
        "webm",
        _OPUS,
        *(*_PACKETS, *_CHANNELS, _C.TWO_TRACKS),
        picture="vp8",
        plays=True,
    ),
    _kind(
        "WebM, VP8 and Vorbis",
        "webm",
        "webm",
        _VORBIS,
        *(*_PACKETS, _C.INVERTED),
        picture="vp8",
        plays=True,
    ),
    _kind("Ogg, Opus", "ogg", "ogg", _OPUS, *_PACKETS, *_CHANNELS, _C.JOINED, plays=True),
    _kind("Ogg, Vorbis", "ogg", _OGG_PAGES, _VORBIS, *_PACKETS, *_CHANNELS, _C.JOINED, plays=True),
    _kind("Ogg, FLAC", "ogg", _OGG_PAGES, "flac", _C.LATE, _C.INVERTED, _C.JOINED, plays=True),
    _kind(
        "MPEG-TS, H.264 and AAC",
        "ts",
        "mpegts",
        _AAC,
        *(*_PACKETS, *_CHANNELS, _C.TWO_TRACKS, _C.JOINED),
        picture="h264",
        when_cut=WhenCut.UNTOLD,
    ),
    _kind(
        "MPEG-TS, AC-3",
        "ts",
        "mpegts",
        "ac3 -ar 48000",
        *_PACKETS,
        *_CHANNELS,
        _C.TWO_TRACKS,
        when_cut=WhenCut.UNTOLD,
        keeps_start=False,
    ),
    _kind("FLV, H.264 and AAC", "flv", "flv", _AAC, *_PACKETS, _C.INVERTED, picture="h264"),
    _kind("FLV, MP3", "flv", "flv", "libmp3lame -b:a 64k -ar 44100", *_PACKETS, keeps_start=False),
    _kind(
        "AVI, MP3",
        "avi",
        "avi",
        "libmp3lame -b:a 64k -ar 44100",
        *(_C.INVERTED, _C.TWO_TRACKS),
        picture="mpeg4",
    ),
    _kind("AVI, PCM", "avi", "avi", "pcm_s16le", _C.INVERTED, _C.TWO_TRACKS, picture="mpeg4"),
    _kind(
        "WMA",
        "wma",
        "asf",
        "wmav2 -b:a 96k -ar 44100",
        *_PACKETS,
        _C.INVERTED,
        _C.TWO_TRACKS,
        keeps_start=False,
    ),
    _kind(
        "MXF", "mxf", "mxf", "pcm_s16le -ar 48000", _C.INVERTED, _C.TWO_TRACKS, picture="mpeg2video"
    ),
)

KINDS = {kind.name: kind for kind in _LIST}
"""Kinds by name."""
