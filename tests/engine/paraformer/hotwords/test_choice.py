"""The words that a span is decoded with: of a long list, the 50 that it attends to most."""

from __future__ import annotations

import pytest
import torch

from worker.engine.paraformer.hotwords import bias_decoder
from worker.engine.paraformer.hotwords.bias_decoder import Spoken, _attention_paid
from worker.engine.paraformer.hotwords.choice import KEPT, choose


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
    query, keys = torch.randn(5, 2, 7, 4), torch.randn(2, 30, 4)
    mask = (torch.arange(7)[None] < torch.tensor([7, 3, 1, 6, 2])[:, None])[..., None]
    whole = ((query @ keys.transpose(1, 2)).softmax(-1).double() * mask[:, None]).sum((1, 2))
    spoken = Spoken(mask.float(), mask.flatten().nonzero()[:, 0])
    tokens = spoken.tokens_of(query.transpose(0, 1).flatten(0, 1).unflatten(0, (2, 5)))
    for at_once in (1, 200, 450, 1_000_000):
        monkeypatch.setattr(bias_decoder, "_SCORES_AT_ONCE", at_once)
        paid = _attention_paid(tokens, keys, spoken)
        torch.testing.assert_close(paid, whole, rtol=1e-5, atol=1e-6)


def test_tokens_without_padding_find_their_places_again() -> None:
    mask = (torch.arange(4)[None] < torch.tensor([4, 0, 2])[:, None])[..., None]
    spoken = Spoken(mask.float(), mask.flatten().nonzero()[:, 0])
    x = torch.randn(2, 6, 3)
    padded = spoken.padded(x)
    assert padded.shape == (2, 3, 4, 3) and not padded[:, ~mask[..., 0]].any()
    assert torch.equal(spoken.tokens_of(padded), x)
    assert spoken.of_spans().sum(dim=1).tolist() == [4, 0, 2]
