"""The prompts: files in each language, of which owners may change all but the form of the answer.

A place for what is filled in is written {{name}}.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from shared.errors import InvalidRequest

LANGUAGES = ("zh", "en")
"""Languages in which minutes can be written."""

FORMAT, PART, MERGE = "format", "part", "merge"
CHANGEABLE = (PART, MERGE)
"""Prompts that owners may change: what to ask of a part, and how several are put together."""

LONGEST_PROMPT = 6000
"""Characters."""

_FOLDER = Path(__file__).parent / "prompt_texts"
_PLACE = re.compile(r"\{\{\s*(\w*)\s*\}\}")

_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")

_NEEDED = {PART: "transcript", MERGE: "minutes"}
_ALLOWED = {PART: {"transcript", "part", "parts"}, MERGE: {"minutes"}}


@cache
def default_prompt(language: str, name: str) -> str:
    """The prompt that comes with Longscribe."""
    return (_FOLDER / language / f"{name}.txt").read_text(encoding="utf-8").strip()


def checked_prompt(name: str, text: str) -> str:
    """The text of a changed prompt, stripped. Raises InvalidRequest if it is too long, or has a
    place that nothing is filled into, or not exactly one for what it is about."""
    text = text.replace("\r\n", "\n").strip()
    if len(text) > LONGEST_PROMPT:
        raise InvalidRequest(
            f"text: a prompt has at most {LONGEST_PROMPT} characters, and this has {len(text)}.",
            param="text",
        )
    if _UNWRITABLE.search(text):
        raise InvalidRequest(
            "text: a prompt has no control characters, and no half of a character (a lone "
            "surrogate).",
            param="text",
        )
    places = _PLACE.findall(text)
    if places.count(_NEEDED[name]) != 1:
        raise InvalidRequest(
            f"text: this prompt needs {{{{{_NEEDED[name]}}}}} exactly once.", param="text"
        )
    unknown = next((place for place in places if place not in _ALLOWED[name]), None)
    if unknown is not None:
        known = ", ".join(f"{{{{{place}}}}}" for place in sorted(_ALLOWED[name]))
        raise InvalidRequest(
            f"text: nothing is filled in for {{{{{unknown[:40]}}}}}; there are {known}.",
            param="text",
        )
    return text


def prompts_of_request(language: str, changed: Mapping[str, str]) -> dict[str, str]:
    """Prompts of a request, and the version that identifies them: the same text, the same
    version."""
    prompts = {
        FORMAT: default_prompt(language, FORMAT),
        **{name: changed.get(name) or default_prompt(language, name) for name in CHANGEABLE},
    }
    everything = "\0".join(prompts[name] for name in (FORMAT, *CHANGEABLE))
    version = hashlib.sha256(everything.encode()).hexdigest()[:8]
    own = any(prompts[name] != default_prompt(language, name) for name in CHANGEABLE)
    return {**prompts, "version": f"{version} (own)" if own else version}


def filled(prompt: str, **values: str) -> str:
    """The prompt with its places filled; what is filled in is not looked at again."""
    return _PLACE.sub(lambda match: values.get(match[1], ""), prompt)
