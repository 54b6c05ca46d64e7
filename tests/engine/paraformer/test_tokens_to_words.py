"""From weights to times and from tokens to words, against FunASR's functions where they hold."""

from __future__ import annotations

import itertools
import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.transcripts.values import Word
from worker.engine.paraformer.timestamps import fire_positions, token_times
from worker.engine.paraformer.tokens_to_words import words_from_tokens
from worker.engine.reference.stock_funasr import import_auto_model

CHINESE = list("今天的会议主要讨论项目进度")
LETTERS = list("acdgikpsu")
ENGLISH = ["redis", "docker", "linux"]


@pytest.fixture(autouse=True, scope="module")
def funasr() -> None:
    import_auto_model()


def spread(tokens: list[str]) -> list[tuple[int, int]]:
    """A time for each token, 200 ms apart and 150 ms long."""
    return [(200 * i, 200 * i + 150) for i in range(len(tokens))]


def words_of(tokens: list[str], times: list[tuple[int, int]] | None = None) -> tuple[Word, ...]:
    """All tokens certain, and spread out unless `times` says otherwise."""
    return words_from_tokens(tokens, times or spread(tokens), [1.0] * len(tokens))


def written(tokens: list[str]) -> list[str]:
    return [word.word for word in words_of(tokens)]


# --- words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ([], []),
        (["今", "天"], ["今", "天"]),
        (["用", "a", "p", "i", "的"], ["用", "API", "的"]),
        (["a", "p", "i", "redis", "g", "p", "u"], ["API", "redis", "GPU"]),
        (["redis"], ["redis"]),
        (["a"], ["a"]),
        (["选", "a", "还", "是", "b"], ["选", "a", "还", "是", "b"]),
        (["ga@@", "te@@", "way", "很", "快"], ["gateway", "很", "快"]),
        (["he@@", "'s", "ok"], ["he's", "ok"]),
        (["好", "</s>"], ["好"]),
        (["wi@@", "-@@", "fi", "好"], ["wi-fi", "好"]),
        (["我", "r@@", "&@@", "d"], ["我", "r&d"]),
        (["u@@", ".@@", "s"], ["u.s"]),
        (["0@@", "7"], ["07"]),
        (["1@@", "0@@", "0", "个"], ["100", "个"]),
        (["covid@@", "-@@", "1@@", "9"], ["covid-19"]),
        (["mp@@", "3", "3@@", "d"], ["mp3", "3d"]),
        (["-@@", "fi"], ["-fi"]),
        (["3@@", ".@@", "5"], ["3.5"]),
        (["r@@", "&", "d"], ["r", "&", "d"]),
        (["ab@@", "<unk>", "c"], ["abc"]),
        (["-@@", "的"], ["-", "的"]),
        (["7", "ab"], ["7", "ab"]),
        (["<sos/eos>", "好", "<noise>", "<|zh|>", "<eos>"], ["好"]),
        (["a", "p", "i", "<space>", "g", "p", "u"], ["API", "GPU"]),
        (["ga@@", "<space>", "way"], ["ga", "way"]),
        (["<", "好", "<>"], ["<", "好", "<>"]),
    ],
)
def test_tokens_are_written_as_words(tokens: list[str], words: list[str]) -> None:
    assert written(tokens) == words


def test_an_acronym_lasts_from_its_first_letter_to_its_last() -> None:
    (word,) = words_of(["a", "p", "i"], [(100, 200), (250, 300), (350, 500)])
    assert word == Word("API", 0.1, 0.5, 1.0)


def test_a_word_in_pieces_lasts_from_its_first_piece_to_its_last() -> None:
    tokens = ["我", "ga@@", "te@@", "way"]
    assert words_of(tokens)[1] == Word("gateway", 0.2, 0.75, 1.0)


def test_an_unknown_token_leaves_the_times_of_the_others_alone() -> None:
    words = words_of(["我", "<unk>", "们"])
    assert words == (Word("我", 0.0, 0.15, 1.0), Word("们", 0.4, 0.55, 1.0))


def test_a_word_whose_last_piece_is_missing_is_kept() -> None:
    assert written(["ga@@", "te@@", "我"]) == ["gate", "我"]
    assert written(["我", "ga@@"]) == ["我", "ga"]


def test_a_word_is_as_likely_as_all_of_its_tokens_together() -> None:
    tokens = ["我", "ga@@", "te@@", "way", "a", "p", "i", "<unk>", "们"]
    likely = [0.9, 0.5, 0.5, 1.0, 0.9, 0.9, 0.9, 0.1, 1.0000001]
    words = words_from_tokens(tokens, spread(tokens), likely)
    assert [(word.word, word.confidence) for word in words] == [
        ("我", 0.9),
        ("gateway", 0.25),
        ("API", 0.73),
        ("们", 1.0),
    ]


KINDS = ("我", "a", "ok", "ab@@", "-@@", "0@@", "7", "'s", "&", "<unk>")
"""Tokens, one of each kind that a vocabulary holds, for every short sequence of them."""


def _differs_from_funasr(tokens: tuple[str, ...]) -> bool:
    """Where FunASR loses something, or writes a mark of the vocabulary into the text."""
    heard = [token for token in tokens if token != "<unk>"]
    pairs = list(pairwise([*heard, "我"]))
    return (
        "0@@" in heard  # it takes this for Chinese and writes the @@
        # It goes on with whatever English comes next, past all that stands between, or drops it.
        or any(one.endswith("@@") and not _goes_on(after) for one, after in pairs)
        # It drops the sign: it takes a space away that is not the last it wrote.
        or any(sign == "&" and "我7".find(after) >= 0 for sign, after in pairs)
    )


def _goes_on(token: str) -> bool:
    return token in ("a", "ok", "'s", "ab@@", "-@@")


def test_every_short_sequence_of_tokens_is_written_as_funasr_writes_it() -> None:
    from funasr.utils.postprocess_utils import sentence_postprocess

    compared = 0
    for length in range(1, 5):
        for tokens in itertools.product(KINDS, repeat=length):
            if _differs_from_funasr(tokens):
                continue
            times = spread(list(tokens))
            words = words_of(list(tokens), times)
            _, stock_words = sentence_postprocess(list(tokens))
            assert [word.word for word in words] == stock_words, tokens
            # Of an unknown token or a sign it loses count, and with it of the times or the list.
            if "<unk>" not in tokens and "&" not in tokens:
                _, stock_times, _ = sentence_postprocess(list(tokens), [list(t) for t in times])
                assert [[round(1000 * w.start), round(1000 * w.end)] for w in words] == stock_times
            compared += 1
    assert compared > 3_000


def test_nothing_of_any_short_sequence_is_lost_and_all_stays_in_order() -> None:
    for length in range(1, 5):
        for tokens in itertools.product(KINDS, repeat=length):
            said = "".join(t.replace("@@", "") for t in tokens if t != "<unk>")
            words = words_of(list(tokens))
            assert "".join(word.word for word in words).lower() == said
            starts = [word.start for word in words]
            assert starts == sorted(set(starts))


@settings(deadline=None)
@given(st.lists(st.sampled_from(CHINESE + LETTERS + ENGLISH), max_size=25))
def test_words_and_times_equal_funasr(tokens: list[str]) -> None:
    from funasr.utils.postprocess_utils import sentence_postprocess

    times = spread(tokens)
    _, stock_times, stock_words = sentence_postprocess(tokens, [list(pair) for pair in times])
    words = words_of(tokens, times)
    assert [word.word for word in words] == stock_words
    assert [(round(word.start * 1000), round(word.end * 1000)) for word in words] == [
        tuple(pair) for pair in stock_times
    ]


# --- times -------------------------------------------------------------------------------------


def stock_times(weights: list[float], tokens: int) -> list[tuple[int, int]]:
    from funasr.utils.timestamp_tools import cif_wo_hidden, ts_prediction_lfr6_standard

    alphas = torch.tensor(weights)
    peaks = cif_wo_hidden(alphas[None], threshold=1.0 - 1e-4)[0]
    _, times = ts_prediction_lfr6_standard(alphas, peaks, ["字"] * tokens)
    return [(max(0, start), max(0, end)) for start, end in times]


@st.composite
def whole_weights(draw: st.DrawFn) -> list[float]:
    """Weights in eighths, so that neither FunASR's float32 nor our doubles round them.

    Their sum is a whole number of at least two.
    """
    weights = draw(st.lists(st.sampled_from([0.0, 0.0, 0.125, 0.25, 0.5]), max_size=200))
    missing = max(2, math.ceil(sum(weights))) - sum(weights)
    weights += [0.125] * round(missing / 0.125)
    return weights + [0.0] * draw(st.integers(0, 40))


@settings(deadline=None)
@given(whole_weights())
def test_times_equal_funasr(weights: list[float]) -> None:
    fires = round(sum(weights))
    assert token_times(weights, fires - 1, fires) == stock_times(weights, fires - 1)


@pytest.mark.parametrize("tokens", [1, 3, 4, 6, 7])
def test_times_equal_funasr_when_the_end_of_sentence_is_missing(tokens: int) -> None:
    weights = [0.05, 0.2, 0.3, 0.15, 0.02] * 7
    assert token_times(weights, tokens, fires=5) == stock_times(weights, tokens)


def test_no_tokens_have_no_times() -> None:
    assert token_times([0.3] * 30, 0, 1) == []


@given(st.lists(st.floats(0, 3), max_size=80), st.integers(0, 30), st.integers(0, 30))
def test_there_is_a_time_for_every_token_within_the_span(
    weights: list[float], tokens: int, fires: int
) -> None:
    times = token_times(weights, tokens, fires)
    assert len(times) == tokens
    starts = [start for start, _ in times]
    assert starts == sorted(starts)
    assert all(0 <= start <= end <= 20 * len(weights) for start, end in times)


@given(st.lists(st.floats(0, 0.9), max_size=100))
def test_there_are_as_many_fires_as_the_weights_hold(weights: list[float]) -> None:
    fires = len(fire_positions(weights))
    assert fires == pytest.approx(sum(weights) / (1 - 1e-4), abs=1)
