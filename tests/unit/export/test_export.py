"""Every format says the same, and no text can break one."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from shared.export.formats import FORMATS
from shared.export.options import ExportOptions, Provenance
from shared.export.typography.display_width import display_width
from shared.transcripts.values import Sentence, Transcript
from shared.words.numbers.choice import Numbers
from tests.support.factories import TRANSCRIPT

HERE = Provenance("job-1", "周会")


def write(name: str, transcript: Transcript = TRANSCRIPT, **options: object) -> str:
    format_ = FORMATS[name]
    wanted = replace(format_.defaults, **options)  # type: ignore[arg-type]
    return format_.write(transcript, HERE, wanted)


def said(*sentences: tuple[float, float, str]) -> Transcript:
    return Transcript(
        sentences[-1][1], "zh", "demo", tuple(Sentence(*sentence) for sentence in sentences)
    )


MEETING = said(
    (0.0, 4.0, "我们用GPU跑了3.5小时，对吗？"),
    (4.2, 6.0, "对。"),
    (9.5, 12.0, "下一个，API文档。"),
)


def test_text_is_one_sentence_a_line() -> None:
    assert write("txt") == "大家好。\n用GPU吗？\n"


def test_text_has_times_paragraphs_spacing_and_no_marks_if_asked() -> None:
    assert write("txt", MEETING, timestamps=True) == (
        "[00:00:00] 我们用GPU跑了3.5小时，对吗？\n[00:00:04] 对。\n[00:00:09] 下一个，API文档。\n"
    )
    assert write("txt", MEETING, paragraphs=True) == (
        "我们用GPU跑了3.5小时，对吗？对。\n\n下一个，API文档。\n"
    )
    assert write("txt", MEETING, punctuation=False, spacing=True) == (
        "我们用 GPU 跑了 3.5 小时 对吗\n对\n下一个 API 文档\n"
    )
    assert write("txt", MEETING, paragraphs=True, timestamps=True, punctuation=False) == (
        "[00:00:00] 我们用GPU跑了3.5小时 对吗 对\n\n[00:00:09] 下一个 API文档\n"
    )


def test_a_paragraph_ends_at_a_long_pause_or_with_its_length_at_a_short_one() -> None:
    sentence = "这是一句有二十个汉字的话它不长也不短。"
    text = write(
        "txt",
        said(*((n * 5.0, n * 5.0 + 4.0, sentence) for n in range(12))),  # a second between each
        paragraphs=True,
    )
    assert [part.count("。") for part in text.strip().split("\n\n")] == [6, 6]
    text = write(
        "txt",
        said(*((n * 4.0, n * 4.0 + 4.0, sentence) for n in range(40))),  # no pause at all
        paragraphs=True,
    )
    assert [part.count("。") for part in text.strip().split("\n\n")] == [15, 15, 10]


def test_a_paragraph_has_one_speaker() -> None:
    sentences = tuple(
        Sentence(n, n + 1.0, "好。", speaker=speaker) for n, speaker in enumerate("AAB")
    )
    text = write("txt", Transcript(4, "zh", "demo", sentences), paragraphs=True)
    assert text == "A: 好。好。\n\nB: 好。\n"


TWO_PEOPLE = Transcript(
    9.0,
    "zh",
    "demo",
    (
        Sentence(0.0, 2.0, "大家好。", speaker="Track 1"),
        Sentence(3.0, 5.0, "我们开始吧。", speaker="客户 <A & B>"),
        Sentence(6.0, 8.0, "好。"),
    ),
)
"""The last sentence is nobody's."""


def test_a_file_names_who_speaks_where_that_is_known() -> None:
    assert write("txt", TWO_PEOPLE, timestamps=True) == (
        "[00:00:00] Track 1: 大家好。\n[00:00:03] 客户 <A & B>: 我们开始吧。\n[00:00:06] 好。\n"
    )
    cues = list(srt.parse(write("srt", TWO_PEOPLE)))
    assert [cue.content for cue in cues] == ["Track 1: 大家好", "客户 <A & B>: 我们开始吧", "好"]
    value = json.loads(write("json", TWO_PEOPLE))
    assert [sentence["speaker"] for sentence in value["sentences"]] == [
        "Track 1", "客户 <A & B>", None,
    ]  # fmt: skip
    assert Transcript.from_json(value) == TWO_PEOPLE


@pytest.mark.parametrize("format_name", ["txt", "srt", "vtt", "json"])
def test_names_are_left_out_where_nobody_wants_them(format_name: str) -> None:
    alone = write(format_name, TWO_PEOPLE, speakers=False)
    nobody = replace(
        TWO_PEOPLE, sentences=tuple(replace(s, speaker=None) for s in TWO_PEOPLE.sentences)
    )
    assert alone == write(format_name, nobody)
    assert "Track 1" in write(format_name, TWO_PEOPLE, speakers=True)


def test_without_names_two_speakers_still_share_no_paragraph() -> None:
    sentences = tuple(
        Sentence(n, n + 1.0, "好。", speaker=speaker) for n, speaker in enumerate("AAB")
    )
    talk = Transcript(4, "zh", "demo", sentences)
    assert write("txt", talk, paragraphs=True, speakers=False) == "好。好。\n\n好。\n"


def test_web_subtitles_name_who_speaks_in_a_tag() -> None:
    text = write("vtt", TWO_PEOPLE)
    assert "<v Track 1>大家好\n" in text
    assert "<v 客户 &lt;A &amp; B&gt;>我们开始吧\n" in text
    cues = webvtt.from_buffer(io.StringIO(text)).captions
    assert [cue.voice for cue in cues] == ["Track 1", "客户 &lt;A &amp; B&gt;", None]
    assert [cue.text for cue in cues] == ["大家好", "我们开始吧", "好"]


@pytest.mark.parametrize("line_width", [16, 20, 42])
def test_a_name_and_its_words_fit_in_a_line_of_subtitles(line_width: int) -> None:
    long = "我们今天讨论一下新的网关和它的延迟所以先把数据迁移做完再看一下接口的文档"
    talk = Transcript(9.0, "zh", "demo", (Sentence(0.0, 9.0, long, speaker="Ann"),))
    cues = list(srt.parse(write("srt", talk, line_width=line_width)))
    lines = [line for cue in cues for line in cue.content.splitlines()]
    widest = max(display_width(line) for line in lines)
    assert widest <= max(line_width, 16 + len("Ann: "))
    assert all(cue.content.startswith("Ann: ") for cue in cues)
    assert "".join(lines).replace("Ann: ", "") == long


@pytest.mark.parametrize("name", ["\n", "\x00", " ", ""])
def test_a_name_without_a_letter_is_none(name: str) -> None:
    bare = Transcript(2.0, "zh", "demo", (Sentence(0.0, 2.0, "好。"),))
    named = replace(bare, sentences=(replace(bare.sentences[0], speaker=name),))
    for format_name in ("txt", "srt", "vtt"):
        assert write(format_name, named) == write(format_name, bare)


def test_a_name_cannot_break_a_file() -> None:
    name = "A\n\n2\n00:00:05,000 --> 00:00:06,000\nx"
    hostile = Transcript(2.0, "zh", "demo", (Sentence(0.0, 2.0, "好。", speaker=name),))
    assert len(list(srt.parse(write("srt", hostile)))) == 1
    assert len(webvtt.from_buffer(io.StringIO(write("vtt", hostile))).captions) == 1
    assert write("txt", hostile).count("\n") == 1


def test_sentences_that_ended_without_a_mark_do_not_run_together() -> None:
    bare = said((0, 1, "大家好"), (2, 3, "我们开会"), (4, 5, "start"), (5, 6, "now"))
    assert write("txt", bare, paragraphs=True) == "大家好 我们开会 start now\n"


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
        "overlap": None,
        "words": [
            {"word": "用", "start": 2.0, "end": 2.2, "confidence": 0.98},
            {"word": "GPU", "start": 2.2, "end": 2.6, "confidence": 0.41},
            {"word": "吗", "start": 2.6, "end": 2.9, "confidence": 0.9},
        ],
        "n": 1,
        "revision": 0,
        "corrected": False,
        "rule": None,
    }
    assert Transcript.from_json(value) == TRANSCRIPT
    assert "paragraphs" not in value


def test_json_text_is_polished_and_grouped_only_if_asked() -> None:
    value = json.loads(write("json", MEETING, spacing=True, paragraphs=True))
    assert value["sentences"][0]["text"] == "我们用 GPU 跑了 3.5 小时，对吗？"
    assert value["text"] == "我们用 GPU 跑了 3.5 小时，对吗？对。下一个，API 文档。"
    assert value["paragraphs"] == [
        {"start": 0.0, "end": 6.0, "first_sentence": 0, "sentences": 2},
        {"start": 9.5, "end": 12.0, "first_sentence": 2, "sentences": 1},
    ]
    assert json.loads(write("json", MEETING, punctuation=False))["sentences"][1]["text"] == "对"


def test_srt_is_read_back_with_its_times() -> None:
    cues = list(srt.parse(write("srt")))
    assert [cue.content for cue in cues] == ["大家好", "用 GPU 吗？"]
    assert [cue.start.total_seconds() for cue in cues] == [0.5, 2.0]


def test_vtt_is_read_back_with_its_times() -> None:
    cues = webvtt.from_buffer(io.StringIO(write("vtt"))).captions
    assert [cue.text for cue in cues] == ["大家好", "用 GPU 吗？"]
    assert [cue.start for cue in cues] == ["00:00:00.500", "00:00:02.000"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_recording_without_speech_gives_a_valid_file(name: str) -> None:
    format_ = FORMATS[name]
    silent = Transcript(1.0, "zh", "demo")
    assert isinstance(format_.render(silent, HERE, format_.defaults), bytes)
    assert list(srt.parse(write("srt", silent))) == []
    assert webvtt.from_buffer(io.StringIO(write("vtt", silent))).captions == []


def test_times_beyond_ten_hours_are_written_out() -> None:
    late = Transcript(40_000, "zh", "demo", (Sentence(36_001.25, 36_002.5, "好。"),))
    assert "10:00:01,250 --> 10:00:02,500" in write("srt", late)
    assert "10:00:01.250 --> 10:00:02.500" in write("vtt", late)
    assert write("txt", late, timestamps=True) == "[10:00:01] 好。\n"


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=5))
def test_any_text_stays_one_line(texts: list[str]) -> None:
    sentences = tuple(Sentence(n, n + 0.5, text) for n, text in enumerate(texts))
    transcript = Transcript(len(texts), "zh", "demo", sentences)
    assert write("txt", transcript).count("\n") == len(texts)


def test_a_tag_in_the_text_is_shown_not_obeyed() -> None:
    hostile = Transcript(1, "zh", "demo", (Sentence(0, 1, "<b>a</b> & --> b"),))
    assert "&lt;b&gt;a&lt;/b&gt; &amp; → b" in write("vtt", hostile)


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_transcript_gives_the_same_bytes(name: str) -> None:
    format_ = FORMATS[name]
    first, again = (format_.render(MEETING, HERE, format_.defaults) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "chapters"])
def test_each_option_that_a_format_takes_changes_its_file(name: str) -> None:
    format_ = FORMATS[name]
    long = "我们十二个人用GPU讨论一下新的网关和它的延迟，所以先把数据迁移做完再看一下接口的文档。"
    transcript = Transcript(
        60, "zh", "demo", (Sentence(0.0, 6.5, long), Sentence(20.0, 20.1, "好。"))
    )
    transcript = replace(transcript, sentences=(*transcript.sentences, Sentence(21, 22, "对吗？")))
    other: dict[str, object] = {
        "line_width": 20,
        "max_lines": 1,
        "min_seconds": 0.5,
        "max_seconds": 4.0,
    }
    other["numbers"] = Numbers.WRITTEN
    plain = format_.render(transcript, HERE, ExportOptions())
    for option in set(format_.supported_options) - {"speakers"}:
        value = other.get(option, not getattr(ExportOptions(), option))
        changed = replace(ExportOptions(), **{option: value})  # type: ignore[arg-type]
        assert format_.render(transcript, HERE, changed) != plain, option
    (without, named) = (
        format_.render(TWO_PEOPLE, HERE, ExportOptions(speakers=names)) for names in (False, True)
    )
    assert without != named
