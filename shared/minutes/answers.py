"""Reading what a language model answers: any text, in which the JSON that was asked for may be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from shared.minutes.contents import (
    LONGEST_NAME,
    LONGEST_TEXT,
    MOST_POINTS,
    MOST_SENTENCES,
    SECTIONS,
    Minutes,
    Point,
)
from shared.minutes.errors import AnswerUnusable

_THOUGHT, _THOUGHT_END = re.compile(r"<think(?:ing)?>"), re.compile(r"</think(?:ing)?>")
"""Around what models that reason write before their answer."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff\s]+")

_MOST_TRIES = 20
"""Places where an object may begin that are looked at."""

_NUMBERS = re.compile(r"(\d{1,7})(?:\s*[-–—~]\s*(\d{1,7}))?")

_TEXT_NAMES = ("text", "title", "content", "task", "point", "decision")
_SOURCE_NAMES = ("sentences", "sentence", "source", "sources")


def answer_schema() -> dict[str, Any]:
    """The JSON schema of an answer, in the subset that servers take as `strict`."""
    sentences = {"type": "array", "items": {"type": "integer"}}
    point = _object({"text": {"type": "string"}, "sentences": sentences})
    todo = _object(
        {
            "text": {"type": "string"},
            "owner": {"type": "string"},
            "due": {"type": "string"},
            "sentences": sentences,
        }
    )
    return _object(
        {name: {"type": "array", "items": todo if name == "todos" else point} for name in SECTIONS}
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def read_answer(text: str) -> Minutes:
    """The minutes in an answer; what is no point is left out. Nothing is checked yet.

    Raises AnswerUnusable, whose message tells the model what is wrong.
    """
    found = _found_object(_without_thoughts(text))
    if found is None:
        raise AnswerUnusable("there is no complete JSON object in it")
    lists = {name: found[name] for name in SECTIONS if isinstance(found.get(name), list)}
    if not lists:
        raise AnswerUnusable(f"the object has none of the lists {', '.join(SECTIONS)}")
    read = {name: tuple(_points(name, listed)) for name, listed in lists.items()}
    if not any(read.values()) and any(lists.values()):
        raise AnswerUnusable('the lists hold no objects with a "text"')
    return Minutes(**read)


def _without_thoughts(text: str) -> str:
    kept, at = [], 0
    while begin := _THOUGHT.search(text, at):
        end = _THOUGHT_END.search(text, begin.end())
        if end is None:  # as of all that begin later: they are not looked at again and again
            break
        kept.append(text[at : begin.start()])
        at = end.end()
    return " ".join([*kept, text[at:]])


def _found_object(text: str) -> dict[str, Any] | None:
    """The first JSON object in a text that has one of the lists, else the first at all; also the
    one that is the only value of another."""
    decoder = json.JSONDecoder()
    first: dict[str, Any] | None = None
    start = -1
    for _ in range(_MOST_TRIES):
        start = text.find("{", start + 1)
        if start < 0:
            break
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        for candidate in (value, *value.values()):
            if isinstance(candidate, dict) and any(name in candidate for name in SECTIONS):
                return candidate
        first = first if first is not None else value
        start = end - 1
    return first


def _points(section: str, listed: list[Any]) -> Iterator[Point]:
    for value in listed[:MOST_POINTS]:
        if isinstance(value, str):
            value = {"text": value}
        if not isinstance(value, dict):
            continue
        named = next((value[name] for name in _TEXT_NAMES if value.get(name)), "")
        text = line_of(named, LONGEST_TEXT)
        if not text:
            continue
        source = next((value[name] for name in _SOURCE_NAMES if name in value), None)
        todo = section == "todos"
        yield Point(
            text=text,
            sentences=_places(source),
            owner=line_of(value.get("owner"), LONGEST_NAME) if todo else "",
            due=line_of(value.get("due"), LONGEST_NAME) if todo else "",
        )


def line_of(value: object, longest: int) -> str:
    """A text in one line, without control characters, and cut; empty for what is no text."""
    if not isinstance(value, str):
        return ""
    text = _UNPRINTABLE.sub(" ", value[: 4 * longest]).strip()
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _places(value: object) -> tuple[int, ...]:
    """Numbers of sentences, however they are written: 3, "3", "[3]", "3-5"."""
    found: dict[int, None] = {}
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, bool) or one is None:
            continue
        if isinstance(one, int | float):
            if one == one and 0 <= one < 10**7 and one == int(one):
                found[int(one)] = None
        elif isinstance(one, str):
            for first, last in _NUMBERS.findall(one[:200]):
                begin, end = int(first), int(last or first)
                found.update(dict.fromkeys(range(begin, min(end, begin + MOST_SENTENCES) + 1)))
        if len(found) >= MOST_SENTENCES:
            break
    return tuple(found)[:MOST_SENTENCES]
