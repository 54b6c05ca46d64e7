"""From weights to times and from tokens to words, against FunASR's functions where they hold."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.transcript import Word
from worker.engine.loading import import_auto_model
from worker.engine.text import words_from_tokens
from worker.engine.timestamps import fire_positions, token_times

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
        ("API", 0.729),
        ("们", 1.0),
    ]


PIECES = ["ga@@", "-@@", "&@@", "'@@", "é@@"]


@st.composite
def sentences_in_pieces(draw: st.DrawFn) -> list[str]:
    """Words of which some come in pieces, each with its last one: else FunASR drops them."""
    tokens: list[str] = []
    for word in draw(st.lists(st.sampled_from([*CHINESE, *ENGLISH, "'s"]), max_size=12)):
        if word not in CHINESE:
            tokens += draw(st.lists(st.sampled_from(PIECES), max_size=3))
        tokens.append(word)
    return tokens


@settings(deadline=None)
@given(st.lists(st.sampled_from(CHINESE + LETTERS + ENGLISH), max_size=25) | sentences_in_pieces())
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
