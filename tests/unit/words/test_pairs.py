"""Reading lists of replacements from files as people write them, and telling what is wrong."""

from __future__ import annotations

import pytest

from shared.words.replacements.errors import (
    ListFull,
    ListUnreadable,
    NoPair,
    PairRefused,
    PairTwice,
    UnusablePair,
)
from shared.words.replacements.pairs import (
    MAX_FILE_BYTES,
    MOST_PAIRS,
    Pair,
    checked_pair,
    read_pairs,
    write_pairs,
)

FILE = """# names
阿皮艾\tAPI
库伯 内提斯 => Kubernetes

张三风→张三丰
a => b\tA => B
  kube   net\t Kubernetes\x20
"""
PAIRS = [
    Pair("阿皮艾", "API"),
    Pair("库伯 内提斯", "Kubernetes"),
    Pair("张三风", "张三丰"),
    Pair("a => b", "A => B"),
    Pair("kube net", "Kubernetes"),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_file_is_read(encoding: str, line_end: str) -> None:
    assert read_pairs(FILE.replace("\n", line_end).encode(encoding)) == PAIRS


def test_what_is_written_is_read_back() -> None:
    assert read_pairs(write_pairs(PAIRS).encode()) == PAIRS
    assert read_pairs(b"") == []
    numbered = [Pair("#1", "第一"), Pair("甲", "#2")]
    assert read_pairs(write_pairs(numbered).encode()) == numbered


def test_a_long_line_of_nothing_is_refused_at_once() -> None:
    with pytest.raises(NoPair):  # a pattern that tried every place would take an hour
        read_pairs("甲".ljust(MAX_FILE_BYTES - 10).encode() + b"=")


def test_a_nul_is_a_space_as_any_other() -> None:
    assert checked_pair("\x00甲\x00 乙\x00", "丙") == Pair("甲 乙", "丙")


def test_a_file_in_utf_16_is_refused() -> None:
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        with pytest.raises(PairRefused):
            read_pairs("甲 => 乙\n".encode(encoding))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("甲 => 乙\n丙", NoPair),
        ("甲 => 乙\n丙 =>", NoPair),
        ("甲 => 乙\n丙\t丁\t戊", NoPair),
        ("甲 => 乙\n丙 => 丁 => 戊", NoPair),
        ("甲 => 乙\n。 => 丁", UnusablePair),
        ("甲 => 乙\n丙 => …", UnusablePair),
        ("甲 => 乙\n丙\u200b => 丁", UnusablePair),
        (f"甲 => 乙\n{'丙' * 101} => 丁", UnusablePair),
        ("API => 乙\nａｐｉ => 丁", PairTwice),
    ],
)
def test_the_line_that_is_wrong_is_named(text: str, error: type[PairRefused]) -> None:
    with pytest.raises(error) as raised:
        read_pairs(text.encode())
    assert raised.value.line == 2
    assert raised.value.message.startswith("Line 2: ")


def test_the_same_pair_twice_is_one() -> None:
    assert read_pairs("甲 => 乙\n甲\t乙".encode()) == [Pair("甲", "乙")]


def test_a_list_is_bounded() -> None:
    lines = [f"wrong {n} => right" for n in range(MOST_PAIRS)]
    assert len(read_pairs("\n".join(lines).encode())) == MOST_PAIRS
    with pytest.raises(ListFull):
        read_pairs("\n".join([*lines, "one more => right"]).encode())
    with pytest.raises(ListUnreadable):
        read_pairs(b" " * (MAX_FILE_BYTES + 1))
    with pytest.raises(ListUnreadable):
        read_pairs(b"\xff\xff\xff")


@pytest.mark.parametrize(("wrong", "right", "side"), [("", "乙", "wrong"), ("甲", "，", "right")])
def test_the_side_that_is_wrong_is_named(wrong: str, right: str, side: str) -> None:
    with pytest.raises(UnusablePair) as raised:
        checked_pair(wrong, right)
    assert raised.value.param == side
