"""How words are joined to a text."""

from __future__ import annotations

import pytest

from shared.transcripts.values import join_text


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["我", "们"], "我们"),
        (["用", "API", "gateway", "吧"], "用API gateway吧"),
        (["API，", "GPU。"], "API，GPU。"),
        (["ok.", "next"], "ok. next"),
        (["python", "3"], "python 3"),
        ([], ""),
        (["", "好"], "好"),
    ],
)
def test_english_words_are_spaced_and_chinese_is_not(pieces: list[str], text: str) -> None:
    assert join_text(pieces) == text
