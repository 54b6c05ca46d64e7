"""The bias decoder gives a span's tokens the same bits in any company."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from worker.engine.layers.linear import pack_linear_layers
from worker.engine.loading.funasr_modules import register_classes
from worker.engine.paraformer.hotwords.bias_decoder import BiasDecoder
from worker.engine.paraformer.hotwords.choice import KEPT, choose
from worker.engine.paraformer.hotwords.keys_and_values import EncodedWords, PlainWords
from worker.engine.paraformer.hotwords.packed_tokens import READINGS, Spoken

CPU = torch.device("cpu")
WIDTH = 256
"""Two heads as wide as Paraformer-large's."""
COUNTS = [5, 1, 12, 17, 2]


@pytest.fixture(scope="module")
def network() -> Any:
    decoder_class = register_classes(["funasr.models.paraformer.decoder"]).decoder_classes[
        "ParaformerSANMDecoder"
    ]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = decoder_class(
            vocab_size=9, encoder_output_size=WIDTH, attention_heads=2, linear_units=2 * WIDTH,
            kernel_size=21, use_output_layer=False, wo_input_layer=True,
        )  # fmt: skip
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def decoder(network: Any) -> BiasDecoder:
    pack_linear_layers(network, from_weights=0)
    return BiasDecoder(network)


@pytest.fixture(scope="module")
def vectors() -> Tensor:
    return torch.randn(700, WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def read() -> list[Tensor]:
    """What is read of each span, (READINGS, tokens, width)."""
    generator = torch.Generator().manual_seed(2)
    return [torch.randn(READINGS, count, WIDTH, generator=generator) for count in COUNTS]


def decoded(decoder: BiasDecoder, words: EncodedWords, spans: list[Tensor]) -> list[Tensor]:
    spoken = Spoken.of([x.shape[1] for x in spans], decoder.reach, CPU)
    begun = decoder.begin(torch.cat(spans, dim=1), spoken)
    if len(words) > KEPT:
        chosen = choose(decoder.weigh(begun, spoken, words))
        out = decoder.decode_chosen(begun, spoken, words, chosen)
    else:
        out = decoder.decode(begun, spoken, words)
    return list(out.split([x.shape[1] for x in spans], dim=1))


@pytest.mark.parametrize("count", [30, 700])
@torch.inference_mode()
def test_a_span_is_the_same_in_any_company(
    decoder: BiasDecoder, vectors: Tensor, read: list[Tensor], count: int
) -> None:
    words = decoder.listed(vectors[:count])
    together = decoded(decoder, words, read)
    for some in ([0], [1], [4], [3], [4, 1], [2, 0, 1], [4, 3, 2, 1, 0]):
        for span, own in zip(some, decoded(decoder, words, [read[i] for i in some]), strict=True):
            assert torch.equal(own, together[span]), f"span {span} among {some}"


@pytest.mark.parametrize("count", [30, 700])
@torch.inference_mode()
def test_words_laid_out_for_the_processor_say_what_plain_ones_say(
    network: Any, decoder: BiasDecoder, vectors: Tensor, read: list[Tensor], count: int
) -> None:
    words = decoder.listed(vectors[:count])
    plain = PlainWords([layer.src_attn for layer in network.decoders], vectors[:count])
    assert type(words) is not type(plain)
    for ours, theirs in zip(
        decoded(decoder, words, read), decoded(decoder, plain, read), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@torch.inference_mode()
def test_what_a_list_holds_is_known_before(decoder: BiasDecoder, vectors: Tensor) -> None:
    for words in (30, len(vectors)):
        held = decoder.listed(vectors[:words]).held_bytes
        assert 0.9 < decoder.bytes_of(words) / held < 1.1
