"""Every format says the same, and no text can break one."""

from __future__ import annotations

import io
import json

import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from shared.export import FORMATS
from shared.transcript import Sentence, Transcript
from tests.factories import TRANSCRIPT


def write(name: str, transcript: Transcript = TRANSCRIPT) -> str:
    return FORMATS[name].write(transcript, "job-1")


def test_text_is_one_sentence_a_line() -> None:
    assert write("txt") == "大家好。\n用GPU吗？\n"


def test_json_carries_words_and_times_in_seconds() -> None:
    value = json.loads(write("json"))
    assert value["job_id"] == "job-1"
    assert value["duration"] == 12.5
    assert value["text"] == "大家好。用GPU吗？"
    assert value["sentences"][1] == {
        "start": 2.0,
        "end": 2.9,
        "text": "用GPU吗？",
        "speaker": None,
        "words": [
            {"word": "用", "start": 2.0, "end": 2.2},
            {"word": "GPU", "start": 2.2, "end": 2.6},
            {"word": "吗", "start": 2.6, "end": 2.9},
        ],
        "n": 1,
        "revision": 0,
        "corrected": False,
    }
    assert Transcript.from_json(value) == TRANSCRIPT


def test_srt_is_read_back_with_its_times() -> None:
    cues = list(srt.parse(write("srt")))
    assert [cue.content for cue in cues] == ["大家好。", "用GPU吗？"]
    assert [cue.start.total_seconds() for cue in cues] == [0.5, 2.0]


def test_vtt_is_read_back_with_its_times() -> None:
    cues = webvtt.from_buffer(io.StringIO(write("vtt"))).captions
    assert [cue.text for cue in cues] == ["大家好。", "用GPU吗？"]
    assert [cue.start_in_seconds for cue in cues] == pytest.approx([0, 2], abs=0.6)
    assert cues[0].start == "00:00:00.500"


@pytest.mark.parametrize("name", FORMATS)
def test_a_recording_without_speech_gives_a_valid_file(name: str) -> None:
    assert isinstance(write(name, Transcript(1.0, "zh", "demo")), str)


def test_times_beyond_ten_hours_are_written_out() -> None:
    late = Transcript(40_000, "zh", "demo", (Sentence(36_001.25, 36_002.5, "好。"),))
    assert "10:00:01,250 --> 10:00:02,500" in write("srt", late)
    assert "10:00:01.250 --> 10:00:02.500" in write("vtt", late)


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=5))
def test_any_text_stays_one_cue(texts: list[str]) -> None:
    """Arrows, tags, blank lines and control characters would split or swallow cues."""
    sentences = tuple(Sentence(n, n + 0.5, text) for n, text in enumerate(texts))
    transcript = Transcript(len(texts), "zh", "demo", sentences)
    assert len(list(srt.parse(write("srt", transcript)))) == len(texts)
    body = write("vtt", transcript)
    assert body.count("-->") == len(texts)
    assert len(webvtt.from_buffer(io.StringIO(body)).captions) == len(texts)
    assert write("txt", transcript).count("\n") == len(texts)


def test_a_tag_in_the_text_is_shown_not_obeyed() -> None:
    hostile = Transcript(1, "zh", "demo", (Sentence(0, 1, "<b>a</b> & --> b"),))
    assert "&lt;b&gt;a&lt;/b&gt; &amp; → b" in write("vtt", hostile)
