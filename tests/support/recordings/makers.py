"""Write recordings of every kind, in every condition, with the ffmpeg program.

    workshop = Workshop(folder)
    path = workshop.make(KINDS["WebM, Opus"], Condition.HOLE)

The sound is the first 48 seconds of the sample meeting.  What is done to packets is done to those
of the plain file, so that the sound itself stays the same.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import av
import numpy as np

from tests.support.recordings.kinds import Condition, Kind
from tests.support.speech.media import RATE, Pcm, encode

BASE_S = 48.0
LATE_S = 5.0
HOLE_S = (12.0, 20.0)
STEP_AT_S = 25.9
STEP_S = 0.8
MIDDLE_S = 25.9
"""Second at which the second track, or the second file, takes over: in a pause."""
CUT = 0.6
FRAGMENTS_CUT_OFF = 5
"""Number of fragments of a second each that are cut off."""
SPEEDS = {Condition.FAST: 0.96, Condition.SLOW: 1.02}

_SAMPLE = Path(__file__).parents[3] / "worker" / "demo_model" / "sample_meeting.flac"
_PICTURES = {
    "h264": "-c:v libx264 -preset veryfast -g 20",
    "vp8": "-c:v libvpx -b:v 50k -deadline realtime -cpu-used 8 -g 20",
    "mpeg4": "-c:v mpeg4 -g 20",
    "mpeg2video": "-c:v mpeg2video -g 10",
}
_SHIFTS = {
    Condition.STEP_BACK: f"if(gt({{0}}*TB,{STEP_AT_S}),{{0}}-{STEP_S}/TB,{{0}})",
    Condition.FAST: f"{{0}}*{SPEEDS[Condition.FAST]}",
    Condition.SLOW: f"{{0}}*{SPEEDS[Condition.SLOW]}",
}


def has_ffmpeg() -> bool:
    """Return whether the ffmpeg program is installed."""
    return shutil.which("ffmpeg") is not None


def sample_meeting(seconds: float = BASE_S) -> Pcm:
    """The sound of all recordings: 16 kHz mono."""
    with av.open(str(_SAMPLE)) as container:
        blocks = [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
    return np.concatenate(blocks)[: round(seconds * RATE)].astype(np.int16)


class Workshop:
    """A folder in which recordings are made; pictures and plain files are made once.

    seconds: of sound; most conditions have their places in the 48 seconds.
    """

    def __init__(self, folder: Path, seconds: float = BASE_S) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._seconds = seconds
        self._base = folder / "base.wav"
        if not self._base.exists():
            encode(sample_meeting(seconds), self._base, "wav")

    def make(self, kind: Kind, condition: Condition) -> Path:
        """The recording's path. Raises CalledProcessError if the program does not write it."""
        name = "".join(letter if letter.isalnum() else "_" for letter in f"{kind.name} {condition}")
        path = self._folder / f"{name}.{kind.suffix}"
        if path.exists():
            return path
        unfinished = path.with_name(f"unfinished_{path.name}")
        self._write(kind, condition, unfinished)
        return unfinished.rename(path)

    def _write(self, kind: Kind, condition: Condition, path: Path) -> None:
        match condition:
            case Condition.PLAIN:
                self._encode(kind, path)
            case Condition.LATE:
                self._encode(kind, path, late_s=LATE_S)
            case Condition.HOLE:
                dropped = f"noise=drop='between(pts*tb,{HOLE_S[0]},{HOLE_S[1]})'"
                self._rewrite(kind, path, dropped)
            case Condition.STEP_BACK | Condition.FAST | Condition.SLOW:
                shift = _SHIFTS[condition]
                both = f"setts=pts='{shift.format('PTS')}':dts='{shift.format('DTS')}'"
                self._rewrite(kind, path, both)
            case Condition.CUT:
                whole = self.make(kind, Condition.PLAIN).read_bytes()
                path.write_bytes(whole[: int(len(whole) * CUT)])
            case Condition.TWO_TRACKS:
                halves = (
                    f"[0:a]asplit[a][b];[a]volume=0:enable='gte(t,{MIDDLE_S})'[c];"
                    f"[b]volume=0:enable='lt(t,{MIDDLE_S})'[d]"
                )
                self._encode(kind, path, graph=halves, tracks=("[c]", "[d]"))
            case Condition.SURROUND:
                # Opus shares its bits among six channels, five of which are silent.
                bits = ("-b:a", "160k") if "libopus" in kind.sound else ()
                graph = "[0:a]pan=5.1|FC=c0[c]"
                self._encode(kind, path, graph=graph, tracks=("[c]",), options=bits)
            case Condition.INVERTED:
                graph = "[0:a]pan=stereo|c0=c0|c1=-1*c0[c]"
                self._encode(kind, path, graph=graph, tracks=("[c]",))
            case Condition.JOINED:
                self._join(kind, path)
            case Condition.MIDDLE:
                plain = self.make(kind, Condition.PLAIN).read_bytes()
                path.write_bytes(_without_fragments(plain, FRAGMENTS_CUT_OFF))

    def _encode(
        self,
        kind: Kind,
        path: Path,
        *,
        source: tuple[str, ...] | None = None,
        late_s: float = 0.0,
        graph: str | None = None,
        tracks: tuple[str, ...] = ("0:a",),
        options: tuple[str, ...] = (),
    ) -> None:
        given = source or ("-i", str(self._input(kind)))
        arguments = ["-itsoffset", str(late_s), *given]
        if kind.picture is not None:
            arguments += ["-i", str(self._picture(kind.picture))]
        if graph is not None:
            arguments += ["-filter_complex", graph]
        if kind.picture is not None:
            arguments += ["-map", "1:v", "-c:v", "copy"]
        for track in tracks:
            arguments += ["-map", track]
        _ffmpeg(*arguments, *kind.sound, *options, *kind.muxer, str(path))

    def _rewrite(self, kind: Kind, path: Path, packets: str) -> None:
        plain = self.make(kind, Condition.PLAIN)
        _ffmpeg(
            *("-i", str(plain), "-map", "0", "-c", "copy", "-bsf:a", packets),
            *(*kind.muxer, str(path)),
        )

    def _join(self, kind: Kind, path: Path) -> None:
        """Join two files, one behind the other, the second with another rate and two channels."""
        halves = []
        for number, (cut, rate) in enumerate(
            ((("-t", str(MIDDLE_S)), ()), (("-ss", str(MIDDLE_S)), ("-ar", "48000", "-ac", "2")))
        ):
            half = path.with_name(f"half_{number}_{path.name}")
            given = (*cut, "-i", str(self._input(kind)))
            other = () if "copy" in kind.sound else rate
            self._encode(kind, half, source=given, options=other)
            halves.append(half)
        path.write_bytes(b"".join(half.read_bytes() for half in halves))
        for half in halves:
            half.unlink()

    def _input(self, kind: Kind) -> Path:
        if "copy" not in kind.sound:
            return self._base
        # Debian's program has no encoder of AMR; the decoder's own library has.
        path = self._folder / "base.amr"
        return path if path.exists() else encode(sample_meeting(self._seconds), path, "amr")

    def _picture(self, codec: str) -> Path:
        path = self._folder / f"picture_{codec}.mkv"
        if not path.exists():
            rate = 25 if codec == "mpeg2video" else 10
            size = "720x576" if codec == "mpeg2video" else "64x64"
            source = f"color=gray:size={size}:rate={rate}:duration={self._seconds + LATE_S + 1}"
            unfinished = self._folder / f"unfinished_{path.name}"
            _ffmpeg("-f", "lavfi", "-i", source, *_PICTURES[codec].split(), str(unfinished))
            unfinished.rename(path)
        return path


def _without_fragments(recording: bytes, count: int) -> bytes:
    """A fragmented MP4 whose first fragments, and the index of them all, are gone."""
    kept = b""
    at = fragments = 0
    while at < len(recording):
        size, box = struct.unpack_from(">I4s", recording, at)
        fragments += box == b"moof"
        if box != b"mfra" and not (box in (b"moof", b"mdat") and fragments <= count):
            kept += recording[at : at + size]
        at += size
    return kept


def _ffmpeg(*arguments: str) -> None:
    subprocess.run(
        ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y", *arguments],
        check=True,
        capture_output=True,
        timeout=120,
    )
