"""No line and no cue of a subtitle is broken within a name, a term or a number with its unit."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.export.formats import FORMATS
from shared.export.options import ExportOptions, Provenance
from shared.export.subtitles.cue_breaking import Cue, break_into_cues
from shared.transcripts.values import Sentence, Transcript, Word

NAMES = ("司马相如", "王芳", "芳华科技", "Anna Schmidt", "GPU集群", "Kubernetes", "数据中台部")
QUANTITIES = ("三百二十万元", "15分钟", "3个月", "两小时", "40GB", "100MB/s", "百分之十七")
_SAID = st.sampled_from([*NAMES, *QUANTITIES, *"我们今天讨论一下新的网关延迟有点高，，、。"])
WIDTHS = st.integers(16, 44)


@st.composite
def speech(draw: st.DrawFn) -> Transcript:
    """Sentences with names and quantities anywhere, half a second a word, pauses between some."""
    sentences: list[Sentence] = []
    at = 1.0
    for pieces in draw(st.lists(st.lists(_SAID, min_size=2, max_size=24), min_size=1, max_size=4)):
        words: list[Word] = []
        for piece in pieces:
            for word in piece.split() if piece.isascii() else piece:
                words.append(Word(word, round(at, 3), round(at + 0.2, 3)))
                at += 0.2 + draw(st.sampled_from([0.0, 0.0, 0.0, 0.9]))
        sentences.append(Sentence(words[0].start, words[-1].end, " ".join(pieces), tuple(words)))
        at += draw(st.sampled_from([0.0, 2.0]))
    return Transcript(at + 2, "zh", "demo", tuple(sentences))


def parted(cues: list[Cue], name: str) -> bool:
    """Whether one of these ends, and the other goes on, within a name."""
    lines = ["".join(line.split()) for cue in cues for line in cue.lines]
    name = "".join(name.split())
    return any(
        before.endswith(name[:cut]) and behind.startswith(name[cut:])
        for before, behind in pairwise(lines)
        for cut in range(1, len(name))
    )


def said(transcript: Transcript, text: str) -> bool:
    return any(text in sentence.text for sentence in transcript.sentences)


@settings(max_examples=40, deadline=None)
@given(speech(), WIDTHS, st.booleans())
def test_whatever_is_said_names_and_quantities_stay_whole(
    transcript: Transcript, width: int, spacing: bool
) -> None:
    options = ExportOptions(line_width=width, spacing=spacing, end_marks=True)
    cues = break_into_cues(transcript, options, NAMES)
    for kept in (*NAMES, *QUANTITIES):
        assert not said(transcript, kept) or not parted(cues, kept), kept
    whole = "".join(line for cue in cues for line in cue.lines)
    assert "".join(whole.split()) == "".join("".join(s.text.split()) for s in transcript.sentences)


@settings(max_examples=40, deadline=None)
@given(speech(), WIDTHS)
def test_where_no_name_would_be_parted_nothing_changes(transcript: Transcript, width: int) -> None:
    options = ExportOptions(line_width=width)
    without = break_into_cues(transcript, options)
    whole = [name for name in NAMES if not parted(without, name)]
    assert break_into_cues(transcript, options, whole) == without
    assert break_into_cues(transcript, options, ["nobody", "吴", ""]) == without


def lines(text: str, *names: str, width: int = 16) -> list[str]:
    """The lines of a text that is spoken evenly."""
    words = tuple(Word(one, n * 0.3, n * 0.3 + 0.3) for n, one in enumerate(text))
    transcript = Transcript(60, "zh", "demo", (Sentence(0, len(text) * 0.3, text, words),))
    cues = break_into_cues(transcript, ExportOptions(line_width=width), names)
    return [line for cue in cues for line in cue.lines]


@pytest.mark.parametrize(
    ("name", "kept"), [("欧阳明月", True), ("陽明", False), ("欧阳明月的老同学们都来", False)]
)
def test_a_name_is_broken_only_where_it_is_longer_than_a_line(name: str, kept: bool) -> None:
    text = "这次是欧阳明月的老同学们都来"
    without = lines(text)
    assert "欧阳明月" not in "|".join(without)  # it would be parted
    assert ("欧阳明月" in "|".join(lines(text, name))) == kept
    if not kept:
        assert lines(text, name) == without


def test_a_name_is_not_found_within_a_longer_word_and_two_that_share_words_stay_whole() -> None:
    assert lines("ann and annual", "an") == lines("ann and annual")
    found = lines("请大家欢迎王芳华科技的各位", "王芳", "芳华科技")
    assert any("王芳华科技" in line for line in found)


def test_files_know_the_people_the_speakers_and_the_terms_of_a_job() -> None:
    text = "这次是欧阳明月的老同学们都来"
    words = tuple(Word(one, n * 0.3, n * 0.3 + 0.3) for n, one in enumerate(text))
    spoken = Sentence(0, 4.2, text, words)
    options = replace(FORMATS["vtt"].defaults, line_width=16, speakers=False)
    for format_ in (FORMATS["srt"], FORMATS["vtt"]):
        for told, speaker in (
            (Provenance("j", people=("欧阳明月",)), None),
            (Provenance("j", terms=("欧阳明月",)), None),
            (Provenance("j"), "欧阳明月"),
        ):
            one = replace(spoken, speaker=speaker)
            transcript = Transcript(9, "zh", "demo", (one,))
            assert "欧阳明月" in format_.write(transcript, told, options)
        unknown = Transcript(9, "zh", "demo", (spoken,))
        assert "欧阳明月" not in format_.write(unknown, Provenance("j"), options)
