"""Claims of the decoder's process about a recording, limited to what can be true.

Whoever wrote the file may have taken over that process, so every value is checked here and a
strange one becomes the most harmless there is.  Nothing of it decides about memory or time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.transcripts.recording_report import MOST_SPANS
from worker.audio.decoder.records import MOST_CHANNELS, MOST_TRACKS

_LARGEST = 1e12
"""Largest number that is believed, more than any count of samples or seconds; also keeps out nan,
infinity and huge integers."""

_LONGEST_TEXT = 200

Claim = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TrackClaim:
    """Sound track as the container describes it; `index` counts those that are heard."""

    number: int
    index: int | None
    codec: str
    channels: int
    sample_rate: int
    language: str | None
    title: str | None
    decodable: bool
    is_default: bool
    integer: bool


@dataclass(frozen=True, slots=True)
class HeaderClaim:
    """The recording, as its header describes it. Seconds are None where nothing is told."""

    duration_s: float | None
    announced_s: float | None
    container: str
    tracks: tuple[TrackClaim, ...]
    parts: int
    bytes_behind_end: int
    seconds_behind_end: float | None
    has_end_mark: bool
    has_table_of_contents: bool
    picture: str | None

    @property
    def heard(self) -> tuple[TrackClaim, ...]:
        """The tracks that are decoded, at least one, by their index."""
        return tuple(track for track in self.tracks if track.index is not None)


@dataclass(frozen=True, slots=True)
class TrackResult:
    """Result of decoding a track that was heard. `damaged`: (second, seconds lost, 0 if
    unknown)."""

    corrupt_packets: int
    damaged: tuple[tuple[float, float], ...]
    jumps: tuple[tuple[float, float, bool], ...]
    drift_s: float


@dataclass(frozen=True, slots=True)
class DoneClaim:
    """Result of decoding, track by track."""

    tracks: tuple[TrackResult, ...]
    even_bit_rate: bool
    unheard_tracks: int
    unheard_bytes: int
    unheard_bytes_at: float


def read_header(claim: Claim) -> HeaderClaim:
    """The header; with one mono track where it names none."""
    tracks: list[TrackClaim] = []
    heard = 0
    for number, said in enumerate(_objects(claim, "tracks", MOST_TRACKS), start=1):
        is_heard = said.get("heard") is True
        tracks.append(_track(said, number, heard if is_heard else None))
        heard += is_heard
    if not heard:
        tracks.append(_track({}, len(tracks) + 1, 0))
    return HeaderClaim(
        duration_s=_positive(claim, "duration_s"),
        announced_s=_positive(claim, "announced_s"),
        container=text(claim, "container") or "unknown",
        tracks=tuple(tracks),
        parts=max(1, int(figure(claim, "parts"))),
        bytes_behind_end=max(0, int(figure(claim, "bytes_behind_end"))),
        seconds_behind_end=_positive(claim, "seconds_behind_end"),
        has_end_mark=claim.get("has_end_mark") is not False,
        has_table_of_contents=claim.get("has_table_of_contents") is not False,
        picture=text(claim, "picture"),
    )


def read_done(claim: Claim, tracks: int) -> DoneClaim:
    """Read the results of the `tracks` that were heard."""
    said = _objects(claim, "tracks", tracks)
    said += [{}] * (tracks - len(said))
    return DoneClaim(
        tracks=tuple(
            TrackResult(
                corrupt_packets=max(0, int(figure(track, "corrupt_packets"))),
                damaged=tuple((at, lost) for at, lost, _ in _places(track, "damaged")),
                jumps=_places(track, "jumps"),
                drift_s=figure(track, "drift_s"),
            )
            for track in said
        ),
        even_bit_rate=claim.get("even_bit_rate") is not False,
        unheard_tracks=max(0, int(figure(claim, "unheard_tracks"))),
        unheard_bytes=max(0, int(figure(claim, "unheard_bytes"))),
        unheard_bytes_at=max(0.0, figure(claim, "unheard_bytes_at")),
    )


def figure(claim: Claim, name: str) -> float:
    """A figure; 0 where it is none."""
    return _figure(claim.get(name))


def text(claim: Claim, name: str) -> str | None:
    """A text of one line at most _LONGEST_TEXT characters; None where it is none."""
    value = claim.get(name)
    if not isinstance(value, str):
        return None
    return "".join(filter(str.isprintable, value[:_LONGEST_TEXT])).strip() or None


def _figure(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    if isinstance(value, float) and not math.isfinite(value):
        return 0.0
    return float(value) if abs(value) < _LARGEST else 0.0


def _positive(claim: Claim, name: str) -> float | None:
    value = figure(claim, name)
    return value if value > 0 else None


def _objects(claim: Claim, name: str, most: int) -> list[Claim]:
    value = claim.get(name)
    if not isinstance(value, list):
        return []
    return [item for item in value[:most] if isinstance(item, dict)]


def _places(claim: Claim, name: str) -> tuple[tuple[float, float, bool], ...]:
    value = claim.get(name)
    if not isinstance(value, list):
        return ()
    return tuple(
        (_figure(place[0]), _figure(place[1]), len(place) > 2 and place[2] is True)
        for place in value[:MOST_SPANS]
        if isinstance(place, list) and len(place) >= 2
    )


def _track(said: Claim, number: int, index: int | None) -> TrackClaim:
    whole: Callable[[str], int] = lambda name: int(figure(said, name))  # noqa: E731
    return TrackClaim(
        number=number,
        index=index,
        codec=text(said, "codec") or "unknown",
        channels=min(MOST_CHANNELS, max(1, whole("channels"))),
        sample_rate=max(0, whole("sample_rate")),
        language=text(said, "language"),
        title=text(said, "title"),
        decodable=said.get("decodable") is True,
        is_default=said.get("is_default") is True,
        integer=said.get("integer") is True,
    )
