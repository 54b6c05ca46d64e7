"""Keys and values of a list: laid out for a processor's products they are what they are plain."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from worker.engine.layers.linear import PackedLinear
from worker.engine.paraformer.hotwords import chosen_words, keys_and_values
from worker.engine.paraformer.hotwords.keys_and_values import PackedWords, PlainWords

HEADS, WIDTH, LAYERS, WORDS = 2, 256, 3, 2_500


@pytest.fixture(scope="module")
def attentions() -> list[Any]:
    torch.manual_seed(0)
    each = [nn.Linear(WIDTH, 2 * WIDTH).requires_grad_(False) for _ in range(LAYERS)]
    return [SimpleNamespace(h=HEADS, d_k=WIDTH // HEADS, linear_k_v=linear) for linear in each]


@pytest.fixture(scope="module")
def vectors() -> Tensor:
    return torch.randn(WORDS, WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def packed(attentions: list[Any], vectors: Tensor) -> PackedWords:
    """Asked about the whole list in two layers, and for the attention alone in the third."""
    return PackedWords(attentions, vectors, asked=2)


@pytest.fixture(scope="module")
def query() -> Tensor:
    return 2 * torch.randn(70, WIDTH, generator=torch.Generator().manual_seed(2))


@torch.inference_mode()
def test_packed_words_are_attended_to_as_plain_ones(
    attentions: list[Any], vectors: Tensor, packed: PackedWords, query: Tensor
) -> None:
    plain = PlainWords(attentions, vectors)
    assert len(packed) == len(plain) == WORDS
    chosen = torch.tensor([[7, 3, WORDS - 1], [3, 2_000, WORDS - 1]])
    for layer in range(2):
        torch.testing.assert_close(
            packed.attend(layer, query), plain.attend(layer, query), rtol=1e-4, atol=1e-5
        )
    for layer in range(LAYERS):
        torch.testing.assert_close(
            packed.attention(layer, query), plain.attention(layer, query), rtol=1e-4, atol=1e-7
        )
        for ours, theirs in zip(packed.of(chosen)(layer), plain.of(chosen)(layer), strict=True):
            assert ours.shape == (2, HEADS, 3, WIDTH // HEADS)
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_a_token_is_told_the_same_in_any_company(
    packed: PackedWords, query: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, paid = packed.attend(0, query), packed.attention(0, query)
    for first, last in ((0, 1), (3, 5), (69, 70), (1, 34), (0, 69)):
        own = query[first:last]
        assert torch.equal(packed.attend(0, own), told[first:last])
        assert torch.equal(packed.attention(0, own), paid[first:last])
    monkeypatch.setattr(keys_and_values, "_SCORES_AT_ONCE", 23 * WORDS)
    assert torch.equal(packed.attend(0, query), told)


@torch.inference_mode()
def test_a_word_is_the_same_whatever_else_is_chosen(packed: PackedWords) -> None:
    chosen = torch.tensor([[7, 3, 3, 9], [100, 3, 2_400, 9]])
    together = packed.of(chosen)(1)
    for span in range(2):
        alone = packed.of(chosen[span : span + 1])(1)
        for ours, theirs in zip(alone, together, strict=True):
            assert torch.equal(ours[0], theirs[span])


class Counted(PackedLinear):
    """Counts the rows that it has multiplied."""

    rows = 0

    def forward(self, x: Tensor) -> Tensor:
        self.rows += len(x)
        return super().forward(x)


@pytest.mark.parametrize(("most", "expected"), [(5, [3, 1, 1, 6, 3]), (4, [3, 1, 3, 6, 1])])
@torch.inference_mode()
def test_a_word_that_was_chosen_lately_is_not_projected_again(
    attentions: list[Any],
    vectors: Tensor,
    packed: PackedWords,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    expected: list[int],
) -> None:
    """It has the bits that it has where nothing was chosen before, however few are kept."""
    monkeypatch.setattr(chosen_words, "MOST_KEPT", most)
    linear = Counted(attentions[1].linear_k_v)
    layers = [attentions[0], SimpleNamespace(h=HEADS, d_k=WIDTH // HEADS, linear_k_v=linear)]
    used = PackedWords(layers, vectors[:-1], asked=1)
    rows = []
    for choice in (
        [[7, 3, 9]],
        [[3, 2_400, 9], [7, 3, 9]],
        [[7, 100, 3]],
        [[1, 2, 3], [4, 5, 6]],  # more than are kept
        [[100, 8, 3]],
    ):
        before, chosen = linear.rows, torch.tensor(choice)
        ours = used.of(chosen)(1)
        rows.append(linear.rows - before)
        for mine, theirs in zip(ours, packed.of(chosen)(1), strict=True):
            assert torch.equal(mine, theirs)
    assert rows == expected
