"""Recordings that refer to other files or addresses: refused, and nothing is fetched or opened."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from shared.errors import (
    PermanentError,
    UnsupportedMedia,
)
from tests.support.doubles.listener import Listener, listening_to_all
from tests.support.speech.media import decoded_samples, encode
from tests.support.speech.media import signal as sound
from worker.audio.decode import decode
from worker.audio.decoder import media

SOON_S = 50.0
"""Seconds, less than those for which a decoder may be silent, and a hundred times what it takes."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening_to_all() as made:
        yield made


class OpenWatch:
    """The kernel's word (inotify) on whether anybody opened a file."""

    _IN_OPEN = 0x20

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert libc.inotify_add_watch(self._descriptor, os.fsencode(path), self._IN_OPEN) > 0

    def was_opened(self) -> bool:
        try:
            return bool(os.read(self._descriptor, 4096))
        except BlockingIOError:
            return False

    def close(self) -> None:
        os.close(self._descriptor)


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[tuple[Path, OpenWatch]]:
    """Another job's recording in the same folder, watched."""
    path = encode(sound(1.0), tmp_path / "neighbour.wav", "wav")
    watch = OpenWatch(path)
    yield path, watch
    watch.close()


def references(port: int, neighbour: Path) -> dict[str, str]:
    """Files that make a player fetch something, by what they are."""
    url = f"http://127.0.0.1:{port}/a.wav"
    playlist = (
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
    )
    return {
        "hls over http": playlist.format(url),
        "hls of a file": playlist.format(neighbour),
        "hls of a neighbour": playlist.format(neighbour.name),
        "hls key": playlist.format(url).replace(
            "#EXTINF", f'#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n#EXTINF'
        ),
        "concat of a neighbour": f"ffconcat version 1.0\nfile '{neighbour.name}'\n",
        "concat of a path": f"ffconcat version 1.0\nfile 'file:{neighbour}'\n",
        "concat over http": f"ffconcat version 1.0\nfile '{url}'\n",
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        f"m=audio {port} RTP/AVP 0\n",
        "rtsp": f"<ASX><Entry><Ref href='rtsp://127.0.0.1:{port}/x'/></Entry></ASX>",
        "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
        'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" type="static" '
        'mediaPresentationDuration="PT9S"><Period><AdaptationSet mimeType="audio/mp4">'
        f'<Representation id="1" bandwidth="1"><BaseURL>{url}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>",
        "xspf": f"<playlist><trackList><track><location>{url}</location></track></trackList>"
        "</playlist>",
        "pls": f"[playlist]\nFile1={url}\nNumberOfEntries=1\n",
        "image sequence": "frame%03d.png",
    }


REFERENCES = list(references(0, Path("x")))


@pytest.mark.parametrize("what", REFERENCES)
def test_a_file_that_refers_to_others_is_refused_and_nothing_is_fetched(
    what: str, tmp_path: Path, listener: Listener, neighbour: tuple[Path, OpenWatch]
) -> None:
    path = tmp_path / "recording.mp3"
    path.write_text(references(listener.port, neighbour[0])[what])
    began = time.monotonic()
    with pytest.raises(UnsupportedMedia), decode(path):
        pass
    assert time.monotonic() - began < SOON_S
    assert listener.visits() == 0
    assert not neighbour[1].was_opened()


@pytest.mark.parametrize("what", REFERENCES)
def test_the_whitelists_alone_refuse_it_where_the_kernel_has_no_filter(
    what: str, tmp_path: Path, listener: Listener, neighbour: tuple[Path, OpenWatch]
) -> None:
    path = tmp_path / "recording"
    path.write_text(references(listener.port, neighbour[0])[what])
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with pytest.raises((av.FFmpegError, media.NothingDecoded)):
            media.Recording(descriptor, path.stat().st_size)
    finally:
        os.close(descriptor)
    assert listener.visits() == 0
    assert not neighbour[1].was_opened()


def test_the_same_files_do_reach_out_when_nothing_is_forbidden(
    tmp_path: Path, listener: Listener, neighbour: tuple[Path, OpenWatch]
) -> None:
    """So the tests above would notice: this is what a misspelt option would let through."""
    files = references(listener.port, neighbour[0])
    path = tmp_path / "recording.m3u8"
    path.write_text(files["hls over http"])
    with pytest.raises(av.FFmpegError), path.open("rb") as file:
        av.open(file)
    path.write_text(files["concat of a neighbour"])
    with av.open(str(path)):
        pass
    assert listener.visits() > 0
    assert neighbour[1].was_opened()


def test_a_movie_whose_samples_lie_in_another_file_does_not_open_it(
    tmp_path: Path, neighbour: tuple[Path, OpenWatch]
) -> None:
    """QuickTime data references (`dref`): the table points to the neighbour by an alias."""
    data = encode(sound(1.0), tmp_path / "whole", "mov").read_bytes()
    name = neighbour[0].name.encode()
    reference = struct.pack(">I4sI", 12 + len(name), b"alis", 0) + name
    plain = struct.pack(">I4sI", 12, b"url ", 1)
    assert plain in data or b"alis" in data
    path = tmp_path / "recording"
    path.write_bytes(data.replace(plain, reference))
    with contextlib.suppress(PermanentError):
        decoded_samples(path)
    assert not neighbour[1].was_opened()
