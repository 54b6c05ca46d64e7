"""Which part of a recording is asked for, and what kind of recording it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.speech.media import KINDS, encode, signal
from web.http.byte_ranges import OutOfRange, requested_part
from web.http.recording_media_types import HEAD_BYTES, media_type


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-", range(100)),
        ("bytes=0-0", range(1)),
        ("bytes=10-19", range(10, 20)),
        ("bytes=90-200", range(90, 100)),
        ("bytes=99-", range(99, 100)),
        ("bytes=-5", range(95, 100)),
        ("bytes=-500", range(100)),
        (f"bytes=-{'9' * 5000}", range(100)),
        (f"bytes={'0' * 5000}1-{'9' * 5000}", range(1, 100)),
        ("  bytes=1-2 ", range(1, 3)),
    ],
)
def test_one_range_is_a_part(header: str, expected: range) -> None:
    assert requested_part(header, 100) == expected


@pytest.mark.parametrize(
    "header",
    [None, "", "bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,4-5", "lines=1-2", "bytes=a-b",
     "bytes=١-٢", "bytes 0-1", "bytes=--5"],
)  # fmt: skip
def test_what_is_not_one_range_is_ignored(header: str | None) -> None:
    assert requested_part(header, 100) is None


@pytest.mark.parametrize(
    "header",
    ["bytes=100-", "bytes=100-200", "bytes=-0", f"bytes={10**30}-", f"bytes={'9' * 5000}-"],
)
def test_beyond_the_end_there_is_nothing(header: str) -> None:
    with pytest.raises(OutOfRange):
        requested_part(header, 100)


def test_an_empty_file_has_no_parts() -> None:
    for header in ("bytes=0-", "bytes=-1"):
        with pytest.raises(OutOfRange):
            requested_part(header, 0)


def test_only_a_range_without_an_end_is_cut() -> None:
    assert requested_part("bytes=10-", 100, most=20) == range(10, 30)
    assert requested_part("bytes=90-", 100, most=20) == range(90, 100)
    assert requested_part("bytes=10-79", 100, most=20) == range(10, 80)
    assert requested_part("bytes=-50", 100, most=20) == range(50, 100)


TYPES = {
    "wav": "audio/wav", "wav-48k-stereo": "audio/wav", "mp3": "audio/mpeg", "m4a": "audio/mp4",
    "aac": "audio/aac", "flac": "audio/flac", "ogg": "audio/ogg", "ogg-vorbis": "audio/ogg",
    "webm": "video/webm", "webm-video": "video/webm", "mp4": "video/mp4", "mov": "video/quicktime",
    "mkv": "video/x-matroska", "avi": "video/x-msvideo", "flv": "video/x-flv", "amr": "audio/amr",
    "3gp": "video/3gpp", "wma": "audio/x-ms-wma", "aiff": "audio/aiff", "caf": "audio/x-caf",
    "au": "audio/basic", "wv": "audio/x-wavpack", "tta": "audio/x-tta",
}  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
def test_the_first_bytes_tell_the_type_whatever_the_name(tmp_path: Path, kind: str) -> None:
    path = encode(signal(0.5), tmp_path / "recording", kind)
    head = path.read_bytes()[:HEAD_BYTES]
    assert media_type(head, "page.html") == TYPES[kind]


def test_an_mp3_without_a_tag_is_known_by_its_first_frame(tmp_path: Path) -> None:
    data = encode(signal(0.5), tmp_path / "recording", "mp3").read_bytes()
    assert data[:3] == b"ID3"
    size = sum(byte << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    assert media_type(data[10 + size :][:HEAD_BYTES], "") == "audio/mpeg"


def test_names_decide_where_bytes_do_not_and_never_for_a_page() -> None:
    assert media_type(b"\x47\x40\x00\x10", "news.TS") == "video/mp2t"
    for name in ("page.html", "image.svg", "script.js", "feed.xml", "style.css", "周会", "a.pdf"):
        assert media_type(b"<html><script>alert(1)</script>", name) == "application/octet-stream"
    assert media_type(b"", "") == "application/octet-stream"


def test_every_kind_that_the_tests_write_is_known(tmp_path: Path) -> None:
    left_out = set(KINDS) - set(TYPES)
    for kind in left_out:
        path = encode(np.asarray(signal(0.3)), tmp_path / kind, kind)
        head = path.read_bytes()[:HEAD_BYTES]
        suffix = {"ts": "ts"}.get(kind, "")
        expected = {"w64": "application/octet-stream"}.get(kind)
        found = media_type(head, f"a.{suffix}")
        assert found == expected or found.startswith(("audio/", "video/")), kind
