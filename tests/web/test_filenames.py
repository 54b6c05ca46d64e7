"""Submitted file names, and file names in headers."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from web.http import filenames
from web.http.filenames import MAX_LENGTH, attachment, clean_filename
from web.i18n import quantities


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("meeting.wav", "meeting.wav"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\周会.m4a", "周会.m4a"),
        ("a\x00b\r\nc.wav", "abc.wav"),
        ("exe\u202egpj.wav", "exegpj.wav"),
        ("  padded.wav ", "padded.wav"),
        ("", "recording"),
        (None, "recording"),
        ("..", "recording"),
        ("folder/", "recording"),
        ("x" * 300 + ".flac", "x" * 250 + ".flac"),
    ],
)
def test_only_a_printable_base_name_is_kept(given_name: str | None, kept: str) -> None:
    assert clean_filename(given_name) == kept


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_fits(name: str) -> None:
    cleaned = clean_filename(name)
    assert 1 <= len(cleaned) <= MAX_LENGTH
    assert "/" not in cleaned
    assert cleaned.encode()  # no lone surrogate, which no database takes


@example("%00")
@given(st.text(max_size=400))
def test_any_name_survives_the_header(name: str) -> None:
    cleaned = clean_filename(name)
    header = attachment(cleaned)
    assert header.isascii()
    assert header.isprintable()
    kind, options = parse_options_header(header)
    assert kind == "attachment"
    assert options["filename"] == cleaned


def test_the_examples_hold() -> None:
    assert doctest.testmod(filenames).failed == 0
    assert doctest.testmod(quantities).failed == 0
