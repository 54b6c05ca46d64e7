"""Options of a submission."""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class SubmitOptions(TypedDict, total=False):
    """The fields of a submission, as docs/ and the OpenAPI document describe them."""

    priority: int
    metadata: dict[str, Any]
    tracks: Literal["mix", "each"] | int
    channels: Literal["mix", "each"] | int
    speakers: str
    """'off', 'auto', '3', '2-5'."""
    hotwords: list[str]
    hotword_lists: bool
    replacements: Literal["on", "off"]
    model: str
    numbers: Literal["spoken", "written"]
