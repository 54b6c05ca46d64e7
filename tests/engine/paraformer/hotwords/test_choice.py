"""The words that a span is decoded with: of a long list, the 50 that it attends to most."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from worker.engine.paraformer.hotwords import keys_and_values
from worker.engine.paraformer.hotwords.bias_decoder import attention_paid
from worker.engine.paraformer.hotwords.choice import KEPT, choose
from worker.engine.paraformer.hotwords.keys_and_values import PlainWords
from worker.engine.paraformer.hotwords.packed_tokens import Spoken


def test_each_span_has_its_own_in_order_of_the_list() -> None:
    paid = torch.zeros(2, 200, dtype=torch.float64)
    paid[0, 10:60] = torch.arange(50, 0, -1).double()
    paid[1, 100:150] = torch.arange(1, 51).double()
    chosen = choose(paid)
    assert chosen.tolist() == [[*range(10, 60), 199], [*range(100, 150), 199]]


def test_of_equal_words_the_first_are_taken() -> None:
    assert choose(torch.ones(1, 200, dtype=torch.float64)).tolist() == [[*range(KEPT), 199]]


def test_the_word_for_none_may_take_a_place_among_the_others_as_in_funasr() -> None:
    paid = torch.zeros(1, 100, dtype=torch.float64)
    paid[0, 99] = 1.0
    assert choose(paid).tolist() == [[*range(KEPT - 1), 99, 99]]


def test_attention_in_pieces_is_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    attention = SimpleNamespace(h=2, d_k=4, linear_k_v=nn.Linear(8, 16).requires_grad_(False))
    words, query = PlainWords([attention], torch.randn(30, 8)), torch.randn(19, 8)
    counts = [7, 3, 1, 6, 2]
    spoken = Spoken.of(counts, 1, query.device)
    whole = torch.stack([words.attention(0, own).sum(dim=0) for own in query.split(counts)])
    for at_once in (1, 100, 230, 1_000_000):
        monkeypatch.setattr(keys_and_values, "_SCORES_AT_ONCE", at_once)
        paid = attention_paid(words, 0, query, spoken)
        torch.testing.assert_close(paid, whole.double(), rtol=1e-5, atol=1e-6)
