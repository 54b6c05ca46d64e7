"""Containers and codings that are opened, and the way in which each container counts time.

Only containers that hold recordings are probed (no playlists, no scripts, no images), and only
audio decoders may start, so that a video's picture is never decoded, not even to look at it.
"""

from __future__ import annotations

import av

_CONTAINERS = (
    # What browsers, phones, recorders and conference systems write. `mov` is also mp4, m4a and
    # 3gp, `matroska` also webm, `asf` also wma.
    "aac ac3 aiff ape asf au avi caf dts dtshd eac3 flac flv loas matroska mlp mov mp3 mpeg mpegts "
    "ogg tak tta truehd w64 wav wv "
    # Camcorders and broadcast.
    "dv gxf lxf mxf nut pva wtv "
    # Lectures and dictation of the last decades, Sony's MiniDiscs and recorders among them.
    "act aea dsf ircam mpc mpc8 nistsphere oma qcp rm rso shn sol sox voc wve "
    # Telephones.
    "amr amrnb amrwb gsm ilbc"
)
CONTAINERS = frozenset(_CONTAINERS.split())
"""Demuxers that may be tried.  Never hls, concat, dash, sdp, rtsp, image2 and their like: they
follow references."""

_COMPRESSED = (
    "aac aac_latm ac3 ac3_fixed alac als amrnb amrwb ape atrac1 atrac3 atrac3al atrac3plus "
    "atrac3plusal cook dca dolby_e dsd_lsbf dsd_lsbf_planar dsd_msbf dsd_msbf_planar dss_sp "
    "dvaudio eac3 evrc flac g722 g723_1 g726 g726le g728 g729 gsm gsm_ms ilbc imc libopus mace3 "
    "mace6 mlp mp1 mp1float mp2 mp2float mp3 mp3adu mp3adufloat mp3float mp3on4 mp3on4float mpc7 "
    "mpc8 nellymoser opus qcelp qdm2 qdmc ralf real_144 real_288 s302m shorten sipr speex tak "
    "truehd truespeech tta twinvq vorbis wavpack wmalossless wmapro wmav1 wmav2 wmavoice ws_snd1"
)
_ADPCM = (
    "adpcm_adx adpcm_ct adpcm_ima_apc adpcm_ima_oki adpcm_ima_qt adpcm_ima_wav adpcm_ms "
    "adpcm_sbpro_2 adpcm_sbpro_3 adpcm_sbpro_4 adpcm_swf adpcm_yamaha"
)
DECODERS = frozenset(f"{_COMPRESSED} {_ADPCM}".split()) | {
    name for name in av.codecs_available if name.startswith("pcm_")
}
"""FFmpeg's names of the audio decoders that may start."""

OPTIONS = {
    # The name of no protocol: an empty list would allow all.
    "protocol_whitelist": "none",
    "format_whitelist": ",".join(sorted(CONTAINERS)),
    "codec_whitelist": ",".join(sorted(DECODERS)),
    # Large cover pictures stand before the sound in MP3 files; the default is 1 MB.
    "format_probesize": str(16 << 20),
}

_HEADERS = "aiff ape au caf dsf ircam mpc mpc8 nistsphere tak tta voc w64 wav wv"
_LENGTH_IN_HEADER = frozenset(_HEADERS.split())
_STREAMS = (
    "aac ac3 act amr amrnb amrwb dts dtshd eac3 gsm ilbc loas mlp mp3 qcp rm rso shn sol sox "
    "truehd wve"
)
_LENGTH_BY_BIT_RATE = frozenset(_STREAMS.split())
_WITHOUT_CLOCK = _LENGTH_IN_HEADER | _LENGTH_BY_BIT_RATE
"""Sound laid end to end: FFmpeg makes times up from the first rate, or from the size. RealMedia
has a clock, and gives one time to many frames."""

_ZERO_IS_ZERO = frozenset(("avi", "flac", "gxf", "matroska", "mov", "mxf", "nut", "ogg"))
"""Players show the container's own clock, whatever comes first: a track that starts at 5 s is
heard at 0:05 even where there is nothing before it.  Measured in Chromium for mov, matroska and
ogg.  Elsewhere (transport streams, FLV, ASF ...) the clock begins anywhere, and the earliest track
starts at 0."""

_DICTATION = (b"\x02dss", b"\x03dss", b"\x03ds2", b"\x07ds2")
"""First bytes of the files of dictation machines, which no free decoder reads in all variants."""
_SILK = b"#!SILK"
"""First bytes of the voice messages of WeChat and QQ, which FFmpeg does not read; WeChat puts one
byte before them."""


_OTHER_FILES = (
    *(b"PK\x03\x04", b"7z\xbc\xaf", b"Rar!", b"\x1f\x8b", b"%PDF", b"\x7fELF", b"MZ"),
    *(b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xd8\xff", b"SQLite"),
)
_TAR = 257, b"ustar"


def is_other_file(head: bytes) -> bool:
    """Return whether a file whose first 512 bytes these are is an archive, a document, a program or
    a picture: what recordings it may hold were not submitted as one."""
    return head.startswith(_OTHER_FILES) or head[_TAR[0] :].startswith(_TAR[1])


def unread_kind(head: bytes) -> str | None:
    """'dictation' or 'voice_message' for a file that begins so and cannot be read; else None."""
    if head.startswith(_DICTATION):
        return "dictation"
    return "voice_message" if head.startswith(_SILK) or head[1:].startswith(_SILK) else None


def has_clock(container: str) -> bool:
    """Return whether a container, by FFmpeg's name(s), keeps the time of its packets."""
    return not _names(container) & _WITHOUT_CLOCK


def counts_samples(container: str) -> bool:
    """Return whether a container without a clock tells how long each of its packets is, so that
    what cannot be decoded has its time all the same."""
    return bool(_names(container) & _LENGTH_IN_HEADER)


def starts_at_zero(container: str) -> bool:
    """Return whether 0 on the container's clock is 0 in a player, wherever its sound begins."""
    return bool(_names(container) & _ZERO_IS_ZERO)


def interleaves(container: str) -> bool:
    """Return whether sound of the same time lies at the same place of the file, as in broadcast
    formats, and clocks begin anew where such files are joined."""
    return bool(_names(container) & frozenset(("mpegts", "mpeg")))


def announces_length(container: str) -> bool:
    """Return whether the length that FFmpeg tells was written by whoever made the file."""
    return not _names(container) & _LENGTH_BY_BIT_RATE


def tells_its_end(container: str) -> bool:
    """Return whether the length in the header says something that the packets do not: the length of
    Ogg and of transport streams is read off their last packet."""
    return not _names(container) & frozenset(("ogg", "mpegts", "mpeg"))


def counts_length_from_zero(container: str) -> bool:
    """Return whether the length in the header is that of the clock, not of what is between the
    first sound, which is where this container's time begins, and the last."""
    return "asf" in _names(container)


def may_be_encrypted(container: str) -> bool:
    """Return whether FFmpeg tells of packets of this container that they are encrypted."""
    return "mov" in _names(container)


def tells_length_of_tracks(container: str) -> bool:
    """Return whether each track has a length of its own, beside that of the container."""
    return bool(_names(container) & frozenset(("mov", "avi", "mxf")))


def _names(container: str) -> frozenset[str]:
    return frozenset(container.split(","))
