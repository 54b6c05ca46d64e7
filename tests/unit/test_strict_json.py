"""What is kept of JSON comes back as it was, and what would not is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.strict_json import LEAST, MAX_DEPTH, MOST, UnwritableJson, read_json, require_writable

WRITABLE: list[Any] = [
    {},
    {"room": "3A", "周会": ["预算", 1, -1.5, True, None, "😀"]},
    {"a": LEAST, "b": MOST, "c": 1.7e308, "d": 5e-324},
    [[[]]] * 100,
    json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH),
]


@pytest.mark.parametrize("value", WRITABLE)
def test_what_can_be_given_back_is_read_as_it_is(value: Any) -> None:
    read = read_json(json.dumps(value).encode())
    require_writable(read)
    assert read == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "deep"),
        ('{"a":' * 100_000, "deep"),
        ("1e400", "1.8e308"),
        ("-1e400", "1.8e308"),
        ("NaN", "NaN"),
        ("[-Infinity]", "Infinity"),
        (str(MOST + 1), "64 bits"),
        (str(LEAST - 1), "64 bits"),
        ("9" * 5000, "64 bits"),
        ('{"a": 1, "a": 1}', "each name once"),
        ('{"\\ud800": 1}', "half of a character"),
        ('{"\\u0000": 1}', "NUL"),
        ("会议".encode("gb18030"), "UTF-8"),
    ],
)
def test_what_cannot_is_refused_by_its_cause(text: str | bytes, says: str) -> None:
    with pytest.raises(UnwritableJson, match=says):
        read_json(text)


def test_a_text_may_hold_anything_until_it_is_to_be_kept() -> None:
    for text, says in (("\ud800", "half of a character"), ("a\x00b", "NUL")):
        assert read_json(json.dumps([text])) == [text]
        with pytest.raises(UnwritableJson, match=says):
            require_writable([{"a": [text]}])


@pytest.mark.parametrize(
    "value", [float("inf"), float("nan"), 2**70, {1: 2}, {"a": {1, 2}}, ["\udfff"]]
)
def test_a_value_that_cannot_be_written_is_told(value: object) -> None:
    with pytest.raises(UnwritableJson):
        require_writable(value)


def test_what_is_no_json_is_told_apart() -> None:
    with pytest.raises(ValueError) as caught:
        read_json("{")
    assert not isinstance(caught.value, UnwritableJson)
