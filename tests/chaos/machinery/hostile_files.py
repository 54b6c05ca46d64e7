"""Files that somebody might upload who means harm, or whose recorder ran out of power: any number
of them, the same ones for the same seed."""

from __future__ import annotations

import itertools
import json
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from tests.support.speech.media import KINDS, RATE, encode, signal, wav_header

SECRET = "LONGSCRIBE-FOREIGN-CONTENT"
"""Content of the file that they point to, looked for in every answer."""

TRUNCATED = ("wav", "mp3", "m4a", "flac", "ogg", "webm", "mp4", "mkv", "ts", "wma", "aiff", "amr")


@dataclass(frozen=True)
class HostileFile:
    name: str
    content: bytes


def hostile_files(count: int, seed: int, folder: Path, port: int) -> list[HostileFile]:
    """`port` is a listener on the loopback interface; `folder` is for making them, and holds the
    file that some of them point to."""
    chosen = random.Random(seed)
    secret = encode(signal(1.0), folder / "neighbour.wav", "wav")
    secret.write_bytes(secret.read_bytes() + SECRET.encode())
    (folder / "secret.txt").write_text(SECRET)
    whole = {kind: encode(signal(2.0), folder / f"whole.{kind}", kind) for kind in TRUNCATED}
    bytes_of = {kind: path.read_bytes() for kind, path in whole.items()}
    makers: list[Callable[[], Iterator[HostileFile]]] = [
        lambda: _references(port, secret, folder / "secret.txt"),
        lambda: _bombs(folder),
        lambda: _no_recordings(chosen, bytes_of["wav"]),
    ]
    fixed = [made for maker in makers for made in maker()]
    chosen.shuffle(fixed)
    # All of those that are made one by one, if there is room, and then damaged recordings.
    damaged = _damaged(chosen, bytes_of)
    few = fixed[: max(count * 2 // 3, count - 150)]
    files = [*few, *itertools.islice(damaged, count - len(few))]
    chosen.shuffle(files)
    return files


def _references(port: int, neighbour: Path, secret: Path) -> Iterator[HostileFile]:
    """What makes a player fetch something else."""
    web = f"http://127.0.0.1:{port}/a.wav"
    targets = {
        "http": web,
        "path": str(neighbour),
        "name": neighbour.name,
        "file URL": f"file://{secret}",
        "tcp": f"tcp://127.0.0.1:{port}",
        "udp": f"udp://127.0.0.1:{port}",
        "rtmp": f"rtmp://127.0.0.1:{port}/a/b",
        "ftp": f"ftp://127.0.0.1:{port}/a.wav",
        "nested": f"concat:{neighbour}|{web}",
        "crypto": f"crypto+{web}",
        "data": "data:audio/wav;base64,UklGRg==",
        "subfile": f"subfile,,start,0,end,99,,:{secret}",
        "passwd": "/etc/passwd",
    }
    hls = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n"
    for name, target in targets.items():
        yield _text(f"hls {name}.m3u8", f"{hls}#EXTINF:9,\n{target}\n#EXT-X-ENDLIST\n")
        yield _text(f"hls live {name}.mp3", f"{hls}#EXTINF:9,\n{target}\n")
        yield _text(f"concat {name}.mp3", f"ffconcat version 1.0\nfile '{target}'\n")
        yield _text(
            f"dash {name}.mpd",
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
            'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" '
            'mediaPresentationDuration="PT9S"><Period><AdaptationSet mimeType="audio/mp4">'
            f'<Representation id="1" bandwidth="1"><BaseURL>{target}</BaseURL></Representation>'
            "</AdaptationSet></Period></MPD>",
        )
    yield _text("key.m3u8", f'{hls}#EXT-X-KEY:METHOD=AES-128,URI="{web}"\n#EXTINF:9,\n{web}\n')
    yield _text("map.m3u8", f'{hls}#EXT-X-MAP:URI="{web}"\n#EXTINF:9,\n{web}\n')
    yield _text("master.m3u8", f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{web}\n")
    yield _text(
        "a.sdp",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        f"m=audio {port} RTP/AVP 0\n",
    )
    yield _text("a.asx", f"<ASX><Entry><Ref href='rtsp://127.0.0.1:{port}/x'/></Entry></ASX>")
    yield _text("a.pls", f"[playlist]\nFile1={web}\nNumberOfEntries=1\n")
    yield _text(
        "a.xspf",
        f"<playlist><trackList><track><location>{web}</location></track></trackList></playlist>",
    )
    yield _text("a.smil", f"<smil><body><audio src='{web}'/></body></smil>")
    yield _text("a.imf", f"<AssetMap><Id>x</Id><Path>{web}</Path></AssetMap>")
    yield _text("a.vqf.avs", f'DirectShowSource("{secret}")\n')
    yield _text("frames%03d.png", "frame%03d.png")


def _bombs(folder: Path) -> Iterator[HostileFile]:
    """Small files that say or hold much."""
    silence = encode(np.zeros(RATE * 1800, np.int16), folder / "bomb.flac", "flac")
    yield HostileFile("half an hour.flac", silence.read_bytes())
    for claimed in (0, 1, 2**31, 2**32 - 45):
        yield HostileFile(f"claims {claimed}.wav", wav_header(claimed) + signal(1.0).tobytes())
    rates = {"no rate": 0, "huge rate": 2**31 - 1, "one": 1}
    for name, rate in rates.items():
        header = bytearray(wav_header(32_000))
        header[24:28] = struct.pack("<I", rate)
        yield HostileFile(f"{name}.wav", bytes(header) + signal(1.0).tobytes())
    for channels in (0, 255, 65535):
        header = bytearray(wav_header(32_000))
        header[22:24] = struct.pack("<H", channels)
        yield HostileFile(f"{channels} channels.wav", bytes(header) + signal(1.0).tobytes())
    movie = encode(signal(1.0), folder / "movie.m4a", "m4a").read_bytes()
    for box in (b"stsz", b"stsc", b"stco", b"stts", b"mdhd", b"elst"):
        at = movie.find(box)
        if at > 0:
            changed = bytearray(movie)
            changed[at + 8 : at + 16] = b"\xff" * 8
            yield HostileFile(f"{box.decode()} lies.m4a", bytes(changed))
    deep = b"".join(struct.pack(">I4s", 8 * (2000 - n), b"moov") for n in range(2000))
    yield HostileFile("boxes in boxes.mp4", movie[:32] + deep)
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.wav", bytes(50_000_000))
    yield HostileFile("bomb.zip", packed.getvalue())
    ogg = (folder / "whole.ogg").read_bytes()
    yield HostileFile("chained.ogg", ogg * 40)
    yield HostileFile("xml.svg", b'<!DOCTYPE a [<!ENTITY a "aaaa">' + b"&a;" * 90_000)


def _no_recordings(chosen: random.Random, wav: bytes) -> Iterator[HostileFile]:
    yield HostileFile("random.mp3", chosen.randbytes(200_000))
    yield HostileFile("zeros.wav", bytes(300_000))
    yield HostileFile("ones.aac", b"\xff" * 300_000)
    yield HostileFile("one byte.ogg", b"O")
    yield HostileFile("page.html", b"<!doctype html><audio src=http://127.0.0.1:9/></audio>")
    yield HostileFile("paper.pdf", b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n")
    yield HostileFile("notes.txt", "会议记录：没有决定任何事情。\n".encode() * 500)
    yield HostileFile("data.json", json.dumps({"a": list(range(5000))}).encode())
    yield HostileFile("program.exe", b"MZ" + chosen.randbytes(50_000))
    yield HostileFile("magic only.wav", b"RIFF\xff\xff\xff\xffWAVE")
    yield HostileFile("polyglot.wav", wav + b"<script>alert(1)</script>#EXTM3U\n/etc/passwd\n")
    yield HostileFile("../../etc/passwd", wav[:40])
    yield HostileFile("<img src=x onerror=alert(1)>.wav", wav[: len(wav) // 2])
    yield HostileFile("a\nb\r\nX-Header: 1.wav", wav[:100])


def _damaged(chosen: random.Random, whole: dict[str, bytes]) -> Iterator[HostileFile]:
    """Without end: recordings cut off, with bytes changed, with a hole, doubled or shuffled."""
    for number in itertools.count():
        kind = TRUNCATED[number % len(TRUNCATED)]
        content = bytearray(whole[kind])
        what = ("cut", "changed", "hole", "headless", "shuffled")[chosen.randrange(5)]
        at = chosen.randrange(1, len(content))
        if what == "cut":
            content = content[:at]
        elif what == "changed":
            for _ in range(chosen.choice([1, 20, 400])):
                content[chosen.randrange(len(content))] = chosen.randrange(256)
        elif what == "hole":
            content[at : at + len(content) // 5] = b""
        elif what == "headless":
            content = content[at // 4 :]
        else:
            content = content[at:] + content[:at]
        extension = KINDS[kind].container
        yield HostileFile(f"{number} {what}.{extension}", bytes(content) or b"x")


def _text(name: str, text: str) -> HostileFile:
    return HostileFile(name, text.encode())
