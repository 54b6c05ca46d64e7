"""Subtitles are broken for reading, and nothing is lost, doubled or out of place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.export.formats import FORMATS
from shared.export.options import LIMITS, ExportOptions, Provenance
from shared.export.subtitles.alignment import letters
from shared.export.subtitles.cue_breaking import Cue, break_into_cues
from shared.export.subtitles.srt import _with_room_for_names
from shared.export.typography.display_width import display_width
from shared.transcripts.values import Sentence, Transcript, Word, join_text
from tests.support.subtitle_rules import broken_order, broken_reading, read_srt, read_vtt

HERE = Provenance("job-1", "周会")

_SAID = st.sampled_from(
    [
        *"我们今天讨论一下新的网关延迟有点高第三五十万年个",
        "API",
        "GPU",
        "gateway",
        "don't",
        "3.5",
        "128",
        "MB",
    ]
)
_MARK = st.sampled_from(["", "", "", "", "", "，", "、", "。", "？", "；"])


@st.composite
def speech(draw: st.DrawFn) -> Transcript:
    """Generate speech: 0.15 to 0.5 s a word, pauses of any length, marks anywhere."""
    sentences: list[Sentence] = []
    at = draw(st.floats(0, 3))
    for _ in range(draw(st.integers(1, 6))):
        words: list[Word] = []
        pieces: list[str] = []
        for said in draw(st.lists(_SAID, min_size=1, max_size=40)):
            length = draw(st.floats(0.15, 0.5))
            words.append(Word(said, round(at, 3), round(at + length, 3)))
            at += length + draw(st.sampled_from([0.0, 0.0, 0.0, 0.2, 0.5, 1.0, 2.5]))
            pieces.append(said + draw(_MARK))
        text = join_text(pieces) + draw(st.sampled_from(["。", "？", ""]))
        sentences.append(Sentence(words[0].start, words[-1].end, text, tuple(words)))
        at += draw(st.sampled_from([0.0, 0.3, 1.0, 4.0, 30.0]))
    # People do not stop speaking in the second in which a recording begins or ends.
    return Transcript(at + 1.0, "zh", "demo", tuple(sentences))


_OPTIONS = st.builds(
    ExportOptions,
    punctuation=st.booleans(),
    spacing=st.booleans(),
    end_marks=st.booleans(),
    line_width=st.integers(20, 60),
    max_lines=st.integers(2, 3),
)


def text_of(found: list[Cue]) -> str:
    return " ".join(line for cue in found for line in cue.lines)


@settings(max_examples=60, deadline=None)
@given(speech(), _OPTIONS)
def test_of_speech_every_word_appears_once_and_the_rules_of_reading_hold(
    transcript: Transcript, options: ExportOptions
) -> None:
    for read, name in ((read_srt, "srt"), (read_vtt, "vtt")):
        shown = read(FORMATS[name].write(transcript, HERE, options))
        assert broken_order(shown, transcript.duration) == []
        assert broken_reading(shown, options) == []
        lines = [line for cue in shown for line in cue.lines]
        assert letters("".join(lines)) == letters(transcript.text)
        # A word or a number never goes on in the next line.
        words = [word.word for sentence in transcript.sentences for word in sentence.words]
        in_lines = " ".join(lines)
        for word in {word for word in words if word.isascii()}:
            assert _count(in_lines, word) == _count(_separated(transcript), word), word


def _separated(transcript: Transcript) -> str:
    return " ".join(sentence.text for sentence in transcript.sentences)


def _count(text: str, word: str) -> int:
    return len(text.split(word)) - 1


_HOSTILE = st.text(
    st.characters(codec="utf-8") | st.sampled_from("-><&\n\r 。，我a1…“”"), max_size=60
)
_TIMES = st.floats(-5, 50)


@example(
    tuple(Sentence(0, 0, "0" * n, speaker="A" if n else None) for n in (0, 1, 4, 16, 16, 10, 12)),
    1.0,
)
@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(
            Sentence,
            _TIMES,
            _TIMES,
            _HOSTILE,
            st.lists(st.builds(Word, _HOSTILE, _TIMES, _TIMES), max_size=5).map(tuple),
            st.sampled_from([None, "A", "B"]),
        ),
        max_size=8,
    ).map(tuple),
    st.floats(1, 30),
)
def test_whatever_the_text_and_the_times_cues_are_in_order_within_the_recording(
    sentences: tuple[Sentence, ...], duration: float
) -> None:
    """Corrections are a person's, and a model's times may be anything."""
    transcript = Transcript(duration, "zh", "demo", sentences)
    options = ExportOptions()
    for read, name, narrowed in (
        (read_srt, "srt", _with_room_for_names(transcript, options)),
        (read_vtt, "vtt", options),
    ):
        found = break_into_cues(transcript, narrowed)
        body = FORMATS[name].write(transcript, HERE, options)
        shown = read(body)
        assert body.count("-->") == len(shown) == len(found)
        assert broken_order(shown, duration) == []
        assert letters(text_of(found)) == letters(" ".join(s.text for s in sentences))


def spoken(text: str, *, start: float = 1.0, pace: float = 0.25, **values: object) -> Sentence:
    """A sentence, a word for each character and each run of Latin letters, evenly spoken."""
    pieces: list[str] = []
    for character in text:
        latin = character.isascii() and character.isalnum()
        if latin and pieces and pieces[-1].isascii() and pieces[-1].isalnum():
            pieces[-1] += character
        elif character.isalnum():
            pieces.append(character)
        elif pieces and pieces[-1].isalnum() and pieces[-1].isascii():
            pieces.append("")
    said = [piece for piece in pieces if piece]
    words = [Word(w, start + n * pace, start + (n + 1) * pace) for n, w in enumerate(said)]
    return Sentence(start, words[-1].end, text, tuple(words))


def shown(*sentences: Sentence, **options: object) -> list[Cue]:
    transcript = Transcript(sentences[-1].end + 60, "zh", "demo", sentences)
    return break_into_cues(transcript, replace(ExportOptions(spacing=True), **options))  # type: ignore[arg-type]


def lines(*sentences: Sentence, **options: object) -> list[tuple[str, ...]]:
    return [cue.lines for cue in shown(*sentences, **options)]


def test_a_long_sentence_is_broken_at_its_comma() -> None:
    text = "我们今天讨论一下新的网关和它的延迟，所以先把数据迁移做完再看一下接口的文档。"
    assert lines(spoken(text)) == [
        ("我们今天讨论一下新的网关和它的延迟",),
        ("所以先把数据迁移做完再看一下接口的文档",),
    ]


def test_two_lines_are_of_like_length_and_break_at_a_mark() -> None:
    assert lines(spoken("大家早上好欢迎来参加，今天有三件事情要一起讨论。", pace=0.2)) == [
        ("大家早上好欢迎来参加", "今天有三件事情要一起讨论"),
    ]


def test_a_long_clause_is_broken_where_the_speaker_paused() -> None:
    first = spoken("这一次的会议主要是讲服务器的内存", start=1.0)
    rest = spoken("应该怎样分配给不同的用户使用才够", start=first.end + 0.7)
    whole = Sentence(1.0, rest.end, first.text + rest.text + "。", first.words + rest.words)
    assert lines(whole) == [(first.text,), (rest.text,)]


def test_a_short_sentence_stays_for_a_second_where_silence_follows() -> None:
    [cue] = shown(spoken("好。"))
    assert (cue.start, cue.end) == (1000, 2000)


def test_a_short_sentence_between_others_joins_one_of_them() -> None:
    first = spoken("我们今天讨论一下新的网关。")
    short = spoken("好。", start=first.end)
    last = spoken("延迟有一点高。", start=short.end)
    found = shown(first, short, last)
    assert len(found) == 2
    assert all(cue.end - cue.start >= 1000 for cue in found)


def test_what_is_said_at_the_very_end_is_shown_a_little_early() -> None:
    transcript = Transcript(10.0, "zh", "demo", (spoken("好。", start=9.7, pace=0.3),))
    [cue] = break_into_cues(transcript, ExportOptions())
    assert (cue.start, cue.end) == (9000, 10_000)


def test_a_cue_does_not_linger_over_a_long_silence() -> None:
    found = shown(spoken("第一句话。"), spoken("第二句话。", start=8.0))
    assert [(cue.start, cue.end) for cue in found] == [(1000, 2000), (8000, 9000)]


def test_nothing_is_held_longer_than_seven_seconds() -> None:
    slow = Sentence(1.0, 21.0, "嗯。", (Word("嗯", 1.0, 21.0),))
    assert [(cue.start, cue.end) for cue in shown(slow)] == [(1000, 8000)]


def test_two_speakers_are_never_in_one_cue() -> None:
    first = replace(spoken("好。"), speaker="A")
    second = replace(spoken("好。", start=first.end), speaker="B")
    assert len(shown(first, second)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "我们把服务器的内存从八个加到了 128 GB 才够用的样子",
        "我们把服务器的内存从八个再加到了二百五十六个才够用",
        "这一个在我们的网页上叫做 getTranscript 这样的名字吧",
        "我们大家都同意在今天要讲的是这一本书的第三十五章吗",
        "我们这一个季度里的点击率增长了百分之十七超过了预期",
    ],
)
@pytest.mark.parametrize("line_width", [24, 26, 28, 30, 32, 34, 36, 38])
def test_numbers_stay_with_their_units_and_words_stay_whole(text: str, line_width: int) -> None:
    for whole in ("128 GB", "二百五十六个", "getTranscript", "第三十五章", "百分之十七"):
        if whole in text:
            found = lines(spoken(text), line_width=line_width, spacing=False)
            assert any(whole in line for cue in found for line in cue), found


def test_marks_never_begin_a_line_and_brackets_never_end_one() -> None:
    text = "他说“我们用《数据结构》这本书（第二版）”，不是吗？" * 4
    for line_width in range(16, 60, 2):
        for cue in shown(spoken(text), line_width=line_width):
            for line in cue.lines:
                assert line[0] not in "，。？”》）、", cue
                assert line[-1] not in "“《（", cue


def test_chinese_lines_end_without_comma_or_full_stop_unless_asked() -> None:
    sentence = spoken("大家早上好欢迎来参加，今天有三件事情要一起讨论。", pace=0.2)
    [kept] = lines(sentence, end_marks=True)
    assert kept == ("大家早上好欢迎来参加，", "今天有三件事情要一起讨论。")
    assert lines(spoken("好吗？")) == [("好吗？",)]
    assert lines(spoken("Hello, world.")) == [("Hello, world.",)]


def test_without_punctuation_a_space_stands_for_each_mark() -> None:
    assert lines(spoken("好，走吧。用3.5版吗？"), punctuation=False) == [("好 走吧 用 3.5 版吗",)]


def test_a_corrected_sentence_keeps_the_times_of_what_was_left() -> None:
    heard = spoken("我们用鸡皮优跑了三个小时然后再看一下文档今天就到这里了谢谢大家的时间")
    corrected = replace(
        heard, text="我们用 GPU 跑了三个小时。然后再看一下文档。今天就到这里了，谢谢大家的时间。"
    )
    found = shown(corrected)
    assert "GPU" in found[0].lines[0]
    begin = next(cue.start for cue in found if cue.lines[0].startswith("然后"))
    assert begin == 4000


def test_sentences_without_words_share_their_time_out() -> None:
    text = "我们今天讨论一下新的网关和它的延迟，所以先把数据迁移做完再看一下接口的文档。"
    first, second = shown(Sentence(0.0, 11.0, text))
    assert first.start == 0
    assert 4500 < second.start < 5500
    assert display_width(text) > 42


def test_a_word_longer_than_a_line_stands_alone_and_whole() -> None:
    address = "https://example.org/" + "a" * 60
    assert (address,) in [
        (line,) for cue in shown(spoken(f"请看{address}吧")) for line in cue.lines
    ]


def test_the_defaults_are_within_the_limits() -> None:
    for name, limits in LIMITS.items():
        assert limits.minimum <= getattr(ExportOptions(), name) <= limits.maximum
