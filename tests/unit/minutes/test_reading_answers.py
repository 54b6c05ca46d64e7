"""What is read of a model's answer, and what is not."""

from __future__ import annotations

import json

import pytest

from shared.minutes.answers import read_answer
from shared.minutes.contents import LONGEST_TEXT, MOST_POINTS, Minutes, Point
from shared.minutes.errors import AnswerUnusable

HONEST = {
    "summary": [{"text": "甲", "sentences": [1, 2]}],
    "decisions": [],
    "todos": [{"text": "乙", "owner": "张三", "due": "周五", "sentences": [3]}],
    "chapters": [{"text": "丙", "sentences": [0]}],
}
READ = Minutes(
    summary=(Point("甲", (1, 2)),),
    todos=(Point("乙", (3,), "张三", "周五"),),
    chapters=(Point("丙", (0,)),),
)
TEXT = json.dumps(HONEST, ensure_ascii=False)


@pytest.mark.parametrize(
    "answer",
    [
        TEXT,
        f"```json\n{TEXT}\n```",
        f"Here you are:\n\n{TEXT}\n\nAnything else?",
        f'<think>What about {{this}}? {{"a": 1}}</think>{TEXT}',
        f'{{"note": "first"}} {TEXT}',
        json.dumps({"minutes": HONEST}),
        json.dumps([HONEST]),
    ],
)
def test_the_object_is_found_wherever_it_stands(answer: str) -> None:
    assert read_answer(answer) == READ


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "no complete JSON object"),
        ("I cannot do that.", "no complete JSON object"),
        (TEXT[:60], "none of the lists"),
        ("<html><body>{}</body></html>", "none of the lists"),
        ('{"minutes": "all fine"}', "none of the lists"),
        ('{"summary": "all fine"}', "none of the lists"),
        ('{"summary": [1, 2]}', '"text"'),
        ("{" * 100_000, "no complete JSON object"),
    ],
)
def test_what_is_none_is_refused_with_the_reason(answer: str, reason: str) -> None:
    with pytest.raises(AnswerUnusable, match=reason):
        read_answer(answer)


def test_an_answer_without_any_point_is_one() -> None:
    assert read_answer('{"summary": [], "todos": []}') == Minutes()


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ([3, 1, 3], (3, 1)),
        (["[3]", "5-7"], (3, 5, 6, 7)),
        ("12, 14", (12, 14)),
        (4, (4,)),
        ([2.0, 2.5, True, None, {}, -1, 10**30, float("1e300")], (2,)),
        (None, ()),
        ({"a": 1}, ()),
    ],
)
def test_numbers_of_sentences_are_read_however_they_are_written(
    said: object, read: tuple[int, ...]
) -> None:
    answer = json.dumps({"summary": [{"text": "甲", "sentences": said}]})
    assert read_answer(answer).summary == (Point("甲", read),)


def test_texts_are_lines_and_bounded() -> None:
    found = read_answer(
        json.dumps(
            {
                "summary": [
                    {"text": "a\n\u0000b\ud800"},
                    {"text": "长" * 9999},
                    {"text": ""},
                    "单",
                ],
                "decisions": [{"text": str(n)} for n in range(5000)],
                "todos": [{"task": "x", "owner": ["no"], "due": 5}],
            }
        )
    )
    assert [p.text for p in found.summary] == ["a b", "长" * (LONGEST_TEXT - 1) + "…", "单"]
    assert len(found.decisions) == MOST_POINTS
    assert found.todos == (Point("x"),)


def test_thoughts_without_an_end_are_looked_at_once() -> None:
    with pytest.raises(AnswerUnusable):
        read_answer("<think>" * 200_000)
    assert read_answer(f"<think>{TEXT}") == READ
