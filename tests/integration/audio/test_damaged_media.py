"""What is no recording, or only the rest of one, ends soon in sound or in an error with a code."""

from __future__ import annotations

import os
import random
import resource
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from shared.errors import (
    AudioTooLong,
    NoAudio,
    UnsupportedMedia,
)
from tests.support.speech.media import KINDS, RATE, decoded_samples, encode, wav_header
from tests.support.speech.media import signal as sound
from tests.support.stack_without_http import children
from worker.audio.decode import DecodeLimits, decode

SOON_S = 50.0
"""Seconds, less than those for which a decoder may be silent, and a hundred times what it takes."""


def not_recordings(folder: Path) -> dict[str, bytes]:
    archive = folder / "archive"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.wav", encode(sound(1.0), folder / "a.wav", "wav").read_bytes())
    noise = random.Random(3)
    return {
        "text": b"Minutes of the meeting. Nothing was decided.\n" * 200,
        "chinese text": "会议记录：没有决定任何事情。\n".encode() * 200,
        "html": b"<!doctype html><title>404</title><audio src=http://127.0.0.1:9/x></audio>",
        "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89",
        "pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
        "zip": archive.read_bytes(),
        "subtitles": b"1\n00:00:01,000 --> 00:00:02,000\nhello\n",
        "elf": Path(sys.executable).resolve().read_bytes()[:300_000],
        "zeros": bytes(1 << 20),
        "ones": b"\xff" * (1 << 20),
        "one byte": b"R",
        "wav magic": b"RIFF\xff\xff\xff\xffWAVE",
        "noise": noise.randbytes(1 << 18),
    }


NOT_RECORDINGS = (
    "text|chinese text|html|png|pdf|zip|subtitles|elf|zeros|ones|one byte|wav magic|noise"
)


@pytest.mark.parametrize("what", NOT_RECORDINGS.split("|"))
def test_a_file_that_is_no_recording_is_refused_soon(what: str, tmp_path: Path) -> None:
    path = tmp_path / "recording.mp3"
    path.write_bytes(not_recordings(tmp_path)[what])
    began = time.monotonic()
    with pytest.raises((UnsupportedMedia, NoAudio)) as caught:
        decoded_samples(path)
    assert time.monotonic() - began < SOON_S
    assert "Traceback" not in caught.value.message


def test_an_empty_file_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "recording.wav"
    path.touch()
    began = time.monotonic()
    with pytest.raises(NoAudio, match="empty"), decode(path):
        pass
    assert time.monotonic() - began < SOON_S


def test_a_recording_without_samples_has_no_audio(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_bytes(wav_header(0))
    with pytest.raises(NoAudio):
        decoded_samples(path)


def test_a_movie_cut_before_its_table_of_contents_is_refused(tmp_path: Path) -> None:
    path = encode(sound(3.0), tmp_path / "recording", "mp4")
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(UnsupportedMedia):
        decoded_samples(path)


@pytest.mark.parametrize("kind", ["wav", "mp3", "flac", "ogg", "webm", "aac", "amr", "ts"])
def test_a_recording_cut_in_the_middle_gives_its_first_half(kind: str, tmp_path: Path) -> None:
    path = encode(sound(6.0), tmp_path / "recording", kind)
    os.truncate(path, path.stat().st_size // 2)
    assert 2 * RATE < decoded_samples(path) < 4.5 * RATE


# --- 200 damaged files -------------------------------------------------------------------------


def damaged(data: bytes, seed: int) -> bytes:
    """Cut, overwritten, doubled, zeroed: the same for the same seed."""
    chance = random.Random(seed)
    mutant = bytearray(data)
    if chance.random() < 0.3:
        del mutant[chance.randrange(1, len(mutant)) :]
    for _ in range(chance.choice((1, 4, 30))):
        # Headers are where parsers break, so half of the damage goes there.
        reach = min(len(mutant), 400) if chance.random() < 0.5 else len(mutant)
        at = chance.randrange(reach)
        what = chance.randrange(4)
        if what == 0:
            mutant[at] = chance.randrange(256)
        elif what == 1:
            mutant[at : at + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"))
        elif what == 2:
            mutant[at : at + 16] = chance.randbytes(16)
        else:
            mutant[at:at] = mutant[at : at + chance.randrange(1, 200)]
    return bytes(mutant)


@pytest.fixture(scope="module")
def whole_recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    return {kind: encode(sound(1.0), folder / kind, kind).read_bytes() for kind in KINDS}


def test_damaged_files_end_in_sound_or_in_an_error_with_a_code(
    tmp_path: Path, whole_recordings: dict[str, bytes]
) -> None:
    """200, over every container. None hangs, none crashes the worker or baffles the child."""
    before = set(children(os.getpid(), with_zombies=True))
    kinds = list(whole_recordings)
    limits = DecodeLimits(stall_s=SOON_S, wall_s=SOON_S)

    def outcome(seed: int) -> str:
        path = tmp_path / f"recording {seed}"
        path.write_bytes(damaged(whole_recordings[kinds[seed % len(kinds)]], seed))
        began = time.monotonic()
        try:
            with decode(path, limits=limits) as audio:
                for block in audio:
                    assert block.dtype == np.int16
        except (UnsupportedMedia, NoAudio, AudioTooLong) as error:
            return error.code
        assert time.monotonic() - began < 2 * SOON_S, f"seed {seed}"
        return "sound"

    with ThreadPoolExecutor(2) as pool:
        outcomes = set(pool.map(outcome, range(200)))
    assert {"sound", "unsupported_media"} <= outcomes
    assert set(children(os.getpid(), with_zombies=True)) <= before


def test_this_process_kept_its_own_limits() -> None:
    """The guard's limits are the child's alone."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 0
    assert "Seccomp:\t2" not in Path("/proc/self/status").read_text()
