"""Tokens of spans find their places again from every layout."""

from __future__ import annotations

import pytest
import torch

from worker.engine.paraformer.hotwords.packed_tokens import READINGS, Spoken

CPU = torch.device("cpu")


@pytest.mark.parametrize("counts", [[4], [1, 1], [4, 1, 2], [9, 3, 30]])
def test_tokens_find_their_places_again(counts: list[int]) -> None:
    spoken, tokens = Spoken.of(counts, 3, CPU), sum(counts)
    x = torch.randn(READINGS, tokens, 5)
    assert torch.equal(spoken.out_of_line(spoken.in_a_line(x)), x)
    beside = spoken.side_by_side(x)
    assert torch.equal(spoken.one_after_another(beside), x)
    assert beside.shape[1] % 8 == 0
    begin, longest = 0, beside.shape[1] // READINGS
    for own, count in zip(beside, counts, strict=True):
        for reading in range(READINGS):
            rows = own[reading * longest :][:count]
            assert torch.equal(rows, x[reading, begin : begin + count])
        begin += count
    assert spoken.of_span.sum(dim=1).tolist() == counts
    assert torch.equal(spoken.of_span.sum(dim=0), torch.ones(tokens).double())


def test_between_spans_of_a_line_is_nothing_as_far_as_a_layer_reaches() -> None:
    line = Spoken.of([2, 3], 4, CPU).in_a_line(torch.ones(1, 5, 1))[0, :, 0]
    assert line.tolist() == [1, 1, 0, 0, 0, 0, 1, 1, 1]
