"""From a hotword to the numbers of its tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.engine.paraformer.hotwords.tokens import DICTIONARY, WordTokens

TOKENS = ["<blank>", "<s>", "</s>", "网", "关", "7", "ga@@", "te@@", "way", "a", "p", "i", "<unk>"]
LINES = "网 网\n关 关\n7 7\ngateway ga@@ te@@ way\napi a p i\nlost lo@@ st\nempty\na a\np p\ni i\n"


@pytest.fixture
def words(tmp_path: Path) -> WordTokens:
    (tmp_path / DICTIONARY).write_text(LINES, encoding="utf-8")
    return WordTokens(TOKENS, tmp_path / DICTIONARY)


@pytest.mark.parametrize(
    ("word", "tokens"),
    [
        ("网关", ["网", "关"]),
        ("网关7", ["网", "关", "7"]),
        ("Gateway", ["ga@@", "te@@", "way"]),
        ("API", ["a", "p", "i"]),
        ("API网关", ["a", "p", "i", "网", "关"]),
        ("网关 Gateway", ["网", "关", "ga@@", "te@@", "way"]),
        ("PIA", ["p", "i", "a"]),
    ],
)
def test_a_word_has_the_tokens_of_its_parts(
    words: WordTokens, word: str, tokens: list[str]
) -> None:
    assert words.ids(word) == tuple(TOKENS.index(token) for token in tokens)


@pytest.mark.parametrize(
    "word", ["群", "网群", "router", "lost", "empty", "pia", "PX", "网-关", "", " ", "<unk>"]
)
def test_a_word_that_cannot_be_written_has_none(words: WordTokens, word: str) -> None:
    assert words.ids(word) is None


def test_without_a_dictionary_each_token_is_an_entry(tmp_path: Path) -> None:
    words = WordTokens(TOKENS, tmp_path / DICTIONARY)
    assert words.ids("网关") == (3, 4)
    assert words.ids("API") == (9, 10, 11)
    assert words.ids("gateway") is None
    assert words.ids("<unk>") is None


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_dictionary_that_an_editor_on_windows_saved_is_read(
    tmp_path: Path, encoding: str
) -> None:
    content = LINES.replace("\n", "\r\n").encode(encoding)
    (tmp_path / DICTIONARY).write_bytes(content)
    words = WordTokens(TOKENS, tmp_path / DICTIONARY)
    assert words.ids("网关 gateway") == (3, 4, 6, 7, 8)
