"""Contents of a recording's file in plain words: the rows of a job's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from babel.core import get_global
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from shared.transcripts.recording_report import MOST_SPANS, ChannelUse, TrackUse
from web.api.schemas.recording import ClockJumpOut, RecordingOut, SpanOut, TrackOut
from web.i18n.languages import N_, current_language
from web.i18n.quantities import clock, seconds_text

_MOST_PLACES = 20
"""Places of a row; the row says how many more there are."""

_SAME_S = 0.5
"""Lengths that differ less are one length to a person, who reads whole seconds."""

_CONTAINERS = {
    "mov,mp4,m4a,3gp,3g2,mj2": "MP4, M4A, MOV",
    "matroska,webm": "Matroska, WebM",
    "mpegts": "MPEG-TS",
    "mpeg": "MPEG-PS",
    "asf": "Windows Media",
    "w64": "Wave64",
    "dv": "DV",
}
_CODECS = {
    "opus": "Opus", "vorbis": "Vorbis", "speex": "Speex", "alac": "Apple Lossless",
    "amrnb": "AMR", "amr_nb": "AMR", "amrwb": "AMR-WB", "amr_wb": "AMR-WB", "ac3": "AC-3",
    "eac3": "E-AC-3", "dca": "DTS", "wmav1": "Windows Media Audio", "wmav2": "Windows Media Audio",
    "wmapro": "Windows Media Audio", "wmavoice": "Windows Media Audio",
}  # fmt: skip

_CHANNELS_DONE = {
    ChannelUse.MIXED: N_("Its channels were added up."),
    ChannelUse.INVERTED: N_(
        "Channels of it cancel each other out, so some were turned over before they were added up."
    ),
    ChannelUse.SELECTED: N_("Where a channel had no speech beside others, it was left out."),
    ChannelUse.SEPARATE: N_("Its channels were not added up: each was heard alone, or one only."),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the recording, at `at` seconds, and a note on it."""

    at: float
    note: str


@dataclass(frozen=True, slots=True)
class Row:
    """A fact of the file, and the places where it holds."""

    name: str
    text: str
    places: Sequence[Place] = ()
    more: str = ""
    """Text that says that there are more places than are shown; else empty."""


@dataclass(frozen=True, slots=True)
class TrackText:
    """A sound track: what it is called, what it is, and what was done with it."""

    name: str
    facts: Sequence[str]
    done: str


def recording_rows(recording: RecordingOut) -> list[Row]:
    """The facts of the file that are worth a row, in the order of interest."""
    rows = [
        Row(_("File"), _CONTAINERS.get(recording.container) or recording.container.upper()),
        Row(_("Length"), _length(recording)),
    ]
    if recording.parts > 1:
        text = _("%(count)s recordings, one behind the other", count=recording.parts)
        rows.append(Row(_("Joined"), text))
    if recording.peak_dbfs is not None:
        rows.append(Row(_("Level"), _level(recording)))
    if recording.filled:
        text = _("%(length)s, filled with silence", length=seconds_text(recording.filled_s))
        rows.append(_row(_("Gaps"), text, _spans(recording.filled)))
    if recording.damaged or recording.damaged_s:
        rows.append(_row(_("Damaged"), _damaged(recording.damaged_s), _spans(recording.damaged)))
    if recording.clock_jumps:
        jumps = [Place(jump.at, _jump(jump)) for jump in recording.clock_jumps]
        rows.append(_row(_("Clock"), _("jumps where there is no sound"), jumps))
    if abs(recording.clock_drift_s) >= _SAME_S:
        drift = seconds_text(abs(recording.clock_drift_s))
        text = _(
            "the file's clock and its sound are %(drift)s apart at the end; the times follow the "
            "clock",
            drift=drift,
        )
        rows.append(Row(_("Drift"), text))
    return rows


def track_texts(recording: RecordingOut) -> list[TrackText]:
    """The sound tracks of the file, in their order."""
    heard = sum(track.use is not TrackUse.LEFT_OUT for track in recording.tracks)
    return [
        TrackText(_track_name(track), _track_facts(track), _track_done(track, heard))
        for track in recording.tracks
    ]


def heard_text(recording: RecordingOut) -> str:
    """Number of tracks and channels heard, as text; empty where there is one of each."""
    heard = [track for track in recording.tracks if track.use is not TrackUse.LEFT_OUT]
    channels = sum(track.channels for track in heard)
    if len(recording.tracks) == 1 and channels == 1:
        return ""
    of_all = len(recording.tracks)
    if len(heard) < of_all:
        tracks = _("%(heard)s of %(all)s sound tracks", heard=len(heard), all=of_all)
    else:
        tracks = ngettext("%(num)s sound track", "%(num)s sound tracks", of_all)
    return _(
        "Heard: %(tracks)s, %(channels)s.",
        tracks=tracks,
        channels=ngettext("%(num)s channel", "%(num)s channels", channels),
    )


def _length(recording: RecordingOut) -> str:
    found, told = recording.decoded_s, recording.announced_s
    if told is None:
        return _("%(found)s; the file does not tell it", found=clock(found))
    if abs(told - found) < _SAME_S:
        return clock(found)
    return _("%(found)s; the file tells of %(told)s", found=clock(found), told=clock(told))


def _level(recording: RecordingOut) -> str:
    peak = _decibels(recording.peak_dbfs or 0.0)
    if recording.level_dbfs is None:
        said = _("loudest place %(peak)s of full scale", peak=peak)
    else:
        said = _(
            "speech %(level)s, loudest place %(peak)s of full scale",
            level=_decibels(recording.level_dbfs),
            peak=peak,
        )
    gain = round(recording.gain_db)
    if gain > 0:
        return _("%(level)s; amplified by up to %(gain)s dB", level=said, gain=gain)
    if gain < 0:
        return _("%(level)s; turned down by up to %(gain)s dB", level=said, gain=-gain)
    return said


def _decibels(level: float) -> str:
    return f"{level:+.0f} dB".replace("-", "−").replace("+0", "0").replace("−0", "0")


def _damaged(seconds: float | None) -> str:
    if seconds is None:
        return _("could not be read; how much that is, is not known")
    return _("%(length)s could not be read", length=seconds_text(seconds))


def _spans(spans: Sequence[SpanOut]) -> list[Place]:
    return [Place(span.at, _("(%(length)s)", length=seconds_text(span.seconds))) for span in spans]


def _jump(jump: ClockJumpOut) -> str:
    length = seconds_text(abs(jump.seconds))
    if jump.seconds < 0:
        if jump.believed:
            return _("back by %(length)s, and the times follow", length=length)
        return _("back by %(length)s, taken for an error", length=length)
    if jump.believed:
        return _("ahead by %(length)s, and the times follow", length=length)
    return _("ahead by %(length)s, taken for an error", length=length)


def _row(name: str, text: str, places: Sequence[Place]) -> Row:
    rest = len(places) - _MOST_PLACES
    more = ""
    if len(places) >= MOST_SPANS:
        more = _("and more")
    elif rest > 0:
        more = ngettext("and %(num)s more", "and %(num)s more", rest)
    return Row(name, text, places[:_MOST_PLACES], more)


def _track_name(track: TrackOut) -> str:
    if track.title:
        return _("Track %(number)s, “%(title)s”", number=track.number, title=track.title)
    return _("Track %(number)s", number=track.number)


def _track_facts(track: TrackOut) -> list[str]:
    facts = [
        _language(track.language),
        _codec(track.codec),
        _channels(track.channels),
        f"{track.sample_rate / 1000:g} kHz" if track.sample_rate else "",
    ]
    if track.use is not TrackUse.LEFT_OUT:
        facts.append(_("%(length)s of sound", length=clock(track.decoded_s)))
        if track.level_dbfs is None:
            facts.append(_("no speech"))
        else:
            facts.append(_("speech %(level)s", level=_decibels(track.level_dbfs)))
    return [fact for fact in facts if fact]


def _language(code: str | None) -> str:
    """The name of a language; empty where the file says that it does not know."""
    if not code or code in ("und", "mul", "zxx", "mis"):
        return ""
    locale = get_locale()
    short = get_global("language_aliases").get(code, code)
    return (locale.languages.get(short) if locale else None) or code


def _codec(name: str) -> str:
    return _CODECS.get(name) or ("PCM" if name.startswith("pcm_") else name.upper())


def _channels(count: int) -> str:
    if count == 1:
        return _("mono")
    if count == 2:
        return _("stereo")
    return ngettext("%(num)s channel", "%(num)s channels", count)


def _track_done(track: TrackOut, heard: int) -> str:
    said = []
    if track.use is TrackUse.LEFT_OUT:
        said.append(_("Not heard."))
    elif track.use is TrackUse.SEPARATE:
        said.append(_("Heard by itself."))
    elif heard > 1:
        said.append(_("Heard together with the others."))
    if track.use is not TrackUse.LEFT_OUT and track.channels > 1:
        said.append(_(_CHANNELS_DONE[track.channel_use]))
    if track.starts_s >= _SAME_S:
        said.append(_("It begins at %(time)s.", time=clock(track.starts_s)))
    return ("" if current_language() == "zh" else " ").join(said)
