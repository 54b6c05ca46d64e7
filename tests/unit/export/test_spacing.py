"""Spaces between Chinese and Latin, and nothing else changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.export.typography.display_width import display_width
from shared.export.typography.punctuation import without_end_mark, without_punctuation
from shared.export.typography.spacing import spaced


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("用GPU吗", "用 GPU 吗"),
        ("我们用GPU跑了3.5GB，然后API挂了。", "我们用 GPU 跑了 3.5GB，然后 API 挂了。"),
        ("大约25%的人，30℃时", "大约 25% 的人，30℃ 时"),
        ("2026年11月23日10:30开会", "2026 年 11 月 23 日 10:30 开会"),
        ("用C++写，用C#写", "用 C++ 写，用 C# 写"),
        ("约$30一个", "约 $30 一个"),
        ("见https://example.org/a?b=1&c=2吧", "见 https://example.org/a?b=1&c=2 吧"),
        ("写信给a.b@example.org谢谢", "写信给 a.b@example.org 谢谢"),
        ("我don't知道", "我 don't 知道"),
        ("第15章", "第 15 章"),
        ("“GPU”和（API）都有", "“GPU”和（API）都有"),
        ("已经 有 space 了", "已经 有 space 了"),
        ("カタカナとABC", "カタカナと ABC"),
        ("用α射线", "用 α 射线"),
        ("GPU를 쓰다", "GPU를 쓰다"),
        ("只有中文。", "只有中文。"),
        ("only English, 100%.", "only English, 100%."),
        ("", ""),
    ],
)
def test_spacing(text: str, wanted: str) -> None:
    assert spaced(text) == wanted


_MIXED = st.text(st.sampled_from("我们吗，。“”（）GPUaé09.%$#@+-/:' \u2009\n") | st.characters())


@given(_MIXED)
def test_spacing_twice_is_spacing_once_and_only_adds_spaces(text: str) -> None:
    once = spaced(text)
    assert spaced(once) == once
    assert once.replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("好，走吧。", "好 走吧"),
        ("用 3.5 版，1,000 个，10:30 开始。", "用 3.5 版 1,000 个 10:30 开始"),
        ("Hello, world. It's fine!", "Hello world It's fine"),
        ("看 longscribe.org。", "看 longscribe.org"),
        ("“好。”他说……走——吧？！", "“好”他说 走 吧"),
        ("《红楼梦》、《三国》", "《红楼梦》 《三国》"),
        ("a.m.开始", "a.m 开始"),
        ("。。。", ""),
        ("好.，走", "好 走"),
    ],
)
def test_text_without_marks(text: str, wanted: str) -> None:
    assert without_punctuation(text) == wanted


@given(_MIXED)
def test_leaving_out_marks_loses_no_letter_and_twice_is_once(text: str) -> None:
    bare = without_punctuation(text)
    assert [c for c in bare if c.isalnum()] == [c for c in text if c.isalnum()]
    assert without_punctuation(bare) == bare


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("好，", "好"),
        ("好。", "好"),
        ("好吗？", "好吗？"),
        ("Yes.", "Yes."),
        ("。", "。"),
        ("”好。”", "”好。”"),
    ],
)
def test_the_end_of_a_chinese_line(line: str, wanted: str) -> None:
    assert without_end_mark(line) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("abc", 3), ("用GPU吗？", 9), ("e\u0301", 1), ("ｶﾅ", 2), ("😀", 2), ("", 0)],
)
def test_display_width(text: str, wanted: int) -> None:
    assert display_width(text) == wanted
