"""Parts that fit into a window, and points held against their sentences."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from shared.errors import InvalidRequest
from shared.minutes.contents import Minutes, Point
from shared.minutes.cutting import cut, transcript_digest
from shared.minutes.editing import as_left
from shared.minutes.grounding import verified, with_sources
from shared.minutes.merging import groups, in_order, side_by_side
from shared.minutes.prompts import (
    CHANGEABLE,
    FORMAT,
    LANGUAGES,
    LONGEST_PROMPT,
    checked_prompt,
    default_prompt,
    filled,
    prompts_of_request,
)
from shared.minutes.tokens import estimated_tokens
from shared.transcripts.values import Sentence, Transcript


def transcript(*texts: str, speakers: tuple[str | None, ...] = ()) -> Transcript:
    who = speakers or (None,) * len(texts)
    sentences = tuple(
        Sentence(float(n), n + 0.9, text, speaker=speaker)
        for n, (text, speaker) in enumerate(zip(texts, who, strict=True))
    )
    return Transcript(duration=100.0, language="zh", model="demo", sentences=sentences)


def test_every_sentence_is_in_one_part_and_no_part_is_too_large() -> None:
    draw = random.Random(1)
    texts = ["字" * draw.randint(0, 60) for _ in range(400)]
    texts[17] = "很长的一句，" * 400
    for most in (300, 1000, 100_000):
        parts = cut(transcript(*texts), most)
        assert all(estimated_tokens(part.text) <= most for part in parts)
        places = [line.n for part in parts for line in part.lines]
        assert places == sorted(places)
        assert set(places) == {n for n, text in enumerate(texts) if text}
        said = "".join(part.text for part in parts)
        assert sum(text.count("字") for text in texts) == said.count("字")
        assert said.count("很") == 400
    assert len(parts) == 1 and cut(transcript("", ""), 300) == []


def test_parts_are_of_about_one_size_and_halve() -> None:
    parts = cut(transcript(*["我们下周发布新的版本。"] * 300), 1000)
    sizes = [estimated_tokens(part.text) for part in parts]
    assert max(sizes) < 1.3 * min(sizes)
    first, second = parts[0].halves() or (None, None)
    assert first is not None and second is not None
    assert first.lines + second.lines == parts[0].lines
    assert abs(len(first.lines) - len(second.lines)) <= 1
    (single,) = cut(transcript("一句。"), 1000)
    assert single.halves() is None


def test_lines_name_the_speaker_and_the_place() -> None:
    (part,) = cut(transcript("好。", "", "行。", speakers=("张三", None, None)), 500)
    assert part.text == "[0] 张三: 好。\n[2] 行。"
    assert part.sentences == {0, 2}


def test_sentences_that_people_split_off_are_read_where_they_are_said() -> None:
    whole = transcript("一。", "三。")
    first, last = whole.sentences
    split = Sentence(0.5, 0.9, "二。", origin=0, retimed=True)
    sentences = (replace(first, end=0.5, retimed=True), last, split)
    numbered = tuple(replace(sentence, n=n) for n, sentence in enumerate(sentences))
    moved = replace(whole, sentences=numbered)
    (part,) = cut(moved, 500)
    assert part.text == "[0] 一。\n[2] 二。\n[1] 三。"
    points = Minutes(chapters=(Point("三", (1,)), Point("二", (2,))))
    assert [p.text for p in in_order(points, moved.sentences).chapters] == ["二", "三"]


def test_invented_sentences_are_taken_away() -> None:
    found = with_sources(
        Minutes(
            summary=(Point("甲", (1, 99)), Point("乙", (99,))),
            chapters=(Point("丙", (2, 1)), Point("丁", (99,))),
        ),
        {0, 1, 2},
    )
    assert found.summary == (Point("甲", (1,)), Point("乙", ()))
    assert found.chapters == (Point("丙", (1,)),)


@pytest.mark.parametrize(
    ("point", "unverified"),
    [
        (Point("预算85万元", (0,)), ()),
        (Point("预算58万元", (0,)), ("58",)),
        (Point("预算5万元", (0,)), ("5",)),
        (Point("会上说“先发布”", (1,)), ()),
        (Point("会上说“再等等”", (1,)), ("再等等",)),
        (Point("GPU 到货", (1,)), ("GPU",)),
        (Point("写文档", (1,), owner="李四", due="周五"), ()),
        (Point("写文档", (1,), owner="王五", due="周一"), ("王五", "周一")),
        (Point("版本 1000 个", (2,)), ()),
        (Point("没有出处，99", ()), ()),
    ],
)
def test_names_and_numbers_that_were_not_said_are_marked(
    point: Point, unverified: tuple[str, ...]
) -> None:
    said = transcript(
        "预算是八十五万元。",
        "先 发布，周五再说。",
        "一共 1,000 个。",
        speakers=(None, "李四", None),
    )
    (marked,) = verified(Minutes(todos=(point,)), said).todos
    assert marked.unverified == unverified


def test_minutes_are_put_together_in_groups_and_in_order() -> None:
    several = [Minutes(summary=(Point("字" * 100, (n,)),)) for n in range(10)]
    grouped = groups(several, 450)
    assert [one for group in grouped for one in group] == several
    assert {len(group) for group in grouped} == {2}
    assert len(groups(several, 10)) == 10
    twice = Point("同", (1,))
    assert side_by_side([Minutes(todos=(twice,)), Minutes(todos=(twice,))]).todos == (twice,)
    late, early, nowhere = Point("晚", (5,)), Point("早", (2,)), Point("无", ())
    said = transcript(*["一。"] * 6).sentences
    ordered = in_order(
        Minutes(decisions=(nowhere, late, early), chapters=(late, early, late)), said
    )
    assert ordered.decisions == (early, late, nowhere)
    assert ordered.chapters == (early, late)


def test_the_digest_tells_another_text_or_speaker() -> None:
    texts = ("一。", "二。")
    same = transcript_digest(transcript(*texts))
    assert same == transcript_digest(transcript(*texts))
    assert same != transcript_digest(transcript("一。", "三。"))
    assert same != transcript_digest(transcript(*texts, speakers=("张三", None)))


def test_what_an_owner_leaves_keeps_marks_only_where_it_is_unchanged() -> None:
    before = Minutes(todos=(Point("甲", (1,), "王五", "", ("王五",)),))
    same = as_left(Minutes(todos=(Point("甲", (1,), "王五"),)), before, 5)
    assert same == before
    left = as_left(Minutes(todos=(Point("甲\n乙", (3, 1, 3), "王五"),)), before, 5)
    assert left.todos == (Point("甲 乙", (1, 3), "王五"),)
    for bad in (Point(" \n", (1,)), Point("甲", (5,))):
        with pytest.raises(InvalidRequest):
            as_left(Minutes(summary=(bad,)), before, 5)


def test_the_prompts_that_come_along_are_right_and_filled_once() -> None:
    for language in LANGUAGES:
        assert '"sentences"' in default_prompt(language, FORMAT)
        for name in CHANGEABLE:
            text = default_prompt(language, name)
            assert checked_prompt(name, text) == text
        asked = filled(default_prompt(language, "part"), transcript="[0] {{part}}", part="1")
        assert "[0] {{part}}" in asked and "{{transcript}}" not in asked


@pytest.mark.parametrize(
    "text",
    ["", "no place", "{{transcript}} {{transcript}}", "{{transcript}} {{minutes}}",
     "{{transcript}}\x00", "{{transcript}}" + "x" * LONGEST_PROMPT],
)  # fmt: skip
def test_a_prompt_that_cannot_work_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        checked_prompt("part", text)


def test_the_version_of_the_prompts_tells_changes() -> None:
    default = prompts_of_request("zh", {})["version"]
    own = prompts_of_request("zh", {"part": "短 {{transcript}}"})["version"]
    assert default != own and own.endswith("(own)")
    assert default == prompts_of_request("zh", {})["version"]
