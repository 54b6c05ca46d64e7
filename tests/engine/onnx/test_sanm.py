"""Graphs in ONNX Runtime give what FunASR's modules give, each span alone in any company."""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from worker import demo_model
from worker.engine.onnx.graph_writer import GraphWriter
from worker.engine.onnx.layers import Float32Layers, Int8Layers
from worker.engine.onnx.sanm import Graph, Layers, NotWritable, decoder_graph, encoder_graph
from worker.engine.onnx.session import Session
from worker.engine.paraformer.load_paraformer import load_paraformer
from worker.model_store.locate import ModelFolder

FRAMES = (50, 31, 7, 1)
TOKENS = (12, 5, 3, 1)


@functools.cache
def model() -> Any:
    folder = ModelFolder("demo", demo_model.ASR_DIR, "1", is_hubs=False)
    return load_paraformer(folder, torch.device("cpu")).model


def random_spans(lengths: Sequence[int], width: int) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(length, width) for length in lengths]


@functools.cache
def session(part: str, layers: Layers) -> Session:
    write = {"encoder": encoder_graph, "decoder": decoder_graph}[part]
    return Session(write(getattr(model(), part), layers), 1)


def encoded(layers: Layers, spans: Sequence[Tensor]) -> tuple[Tensor, ...]:
    lengths = [len(span) for span in spans]
    rows = session("encoder", layers).run(
        frames=torch.cat(list(spans)), lengths=torch.tensor(lengths)
    )
    return rows.split(lengths)


def decoded(
    layers: Layers, embeddings: Sequence[Tensor], memory: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    counts, lengths = ([len(span) for span in spans] for spans in (embeddings, memory))
    rows = session("decoder", layers).run(
        embeddings=torch.cat(list(embeddings)),
        counts=torch.tensor(counts),
        memory=torch.cat(list(memory)),
        lengths=torch.tensor(lengths),
    )
    return rows.split(counts)


@torch.inference_mode()
def test_the_encoder_gives_what_funasr_s_gives_for_each_span_alone() -> None:
    encoder = model().encoder
    features = random_spans(FRAMES, encoder.encoders0[0].in_size)
    frames = [encoder.embed(span[None] * encoder.output_size() ** 0.5)[0] for span in features]
    all_exact, all_near = (encoded(layers, frames) for layers in (Float32Layers, Int8Layers))
    for span, exact, near in zip(features, all_exact, all_near, strict=True):
        alone = encoder(span[None], torch.tensor([len(span)]))[0][0]
        torch.testing.assert_close(exact, alone, rtol=1e-4, atol=1e-4)
        assert (near - alone).norm() < 0.1 * alone.norm()


@torch.inference_mode()
def test_the_decoder_gives_what_funasr_s_gives_for_each_span_alone() -> None:
    decoder, width = model().decoder, model().encoder.output_size()
    embeddings, memory = random_spans(TOKENS, width), random_spans(FRAMES, width)
    all_exact, all_near = (
        decoded(layers, embeddings, memory) for layers in (Float32Layers, Int8Layers)
    )
    for own, span, exact, near in zip(embeddings, memory, all_exact, all_near, strict=True):
        alone = decoder(
            span[None],
            torch.tensor([len(span)]),
            own[None],
            torch.tensor([len(own)]),
            return_hidden=True,
        )[0][0]
        torch.testing.assert_close(exact, alone, rtol=1e-4, atol=1e-4)
        assert (near - alone).norm() < 0.1 * alone.norm()


@torch.inference_mode()
def test_a_span_is_the_same_to_the_last_bit_in_any_company() -> None:
    """In 8 bits, where sums are exact: what moved a last bit could move a code, and a word."""
    frames = random_spans(FRAMES, model().encoder.encoders0[0].in_size)
    width = model().encoder.output_size()
    tokens, memory = random_spans(TOKENS, width), random_spans(FRAMES, width)
    heard, said = encoded(Int8Layers, frames), decoded(Int8Layers, tokens, memory)
    for number in range(len(FRAMES)):
        one = slice(number, number + 1)
        assert torch.equal(encoded(Int8Layers, frames[one])[0], heard[number])
        assert torch.equal(decoded(Int8Layers, tokens[one], memory[one])[0], said[number])


def linear_graph(layers: Layers, *linears: nn.Linear, relu: bool = False) -> Graph:
    """Each linear layer on what the one before it gives, with a ReLU between if so wanted."""
    graph = GraphWriter()
    writer, rows = layers(graph), "rows"
    for linear in linears[:-1]:
        rows = (writer.apply_then_relu if relu else writer.apply)(rows, linear)
    rows = writer.apply(rows, linears[-1])
    return Graph(graph.written({"rows": ("rows", linears[0].in_features)}, rows), graph.weights)


@pytest.mark.parametrize("bias", [True, False])
@torch.inference_mode()
def test_eight_bits_have_a_scale_for_each_row(bias: bool) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(512, 384, bias=bias)
    rows = torch.randn(20, 512) * torch.logspace(-3, 3, 20)[:, None]
    rows[3] = 0.0
    session = Session(linear_graph(Int8Layers, linear), 1)
    exact, near = linear(rows), session.run(rows=rows)
    for row in range(20):  # a quiet frame as well as a loud one
        assert (near[row] - exact[row]).norm() <= 0.02 * exact[row].norm()
        assert torch.equal(session.run(rows=rows[row : row + 1])[0], near[row])


@torch.inference_mode()
def test_the_largest_codes_of_all_do_not_overflow() -> None:
    """Where pairs of products are added up in 16 bits, 2 * 255 * 127 would."""
    linear = nn.Linear(256, 16)
    linear.weight.fill_(1.0)
    twice = nn.Linear(16, 16, bias=False)
    twice.weight.copy_(torch.eye(16))
    near = Session(linear_graph(Int8Layers, linear, twice, relu=True), 1)
    rows = torch.ones(4, 256)
    torch.testing.assert_close(near.run(rows=rows), linear(rows), rtol=1e-3, atol=1e-3)


@torch.inference_mode()
def test_weights_may_go_once_the_session_has_them() -> None:
    linear, rows = nn.Linear(256, 256), torch.randn(8, 256)
    expected = linear(rows)
    session = Session(linear_graph(Float32Layers, linear), 1)
    linear.weight.zero_()
    linear.bias.zero_()
    torch.testing.assert_close(session.run(rows=rows), expected, rtol=1e-5, atol=1e-5)


def test_an_unknown_kind_of_layer_is_told() -> None:
    other = copy.copy(model().encoder)
    other.normalize_before = False
    with pytest.raises(NotWritable, match="does not normalise before"):
        encoder_graph(other, Float32Layers)


def test_memory_that_the_runtime_lacks_is_python_s_own_error() -> None:
    linear = nn.Linear(1, 1 << 20)
    session = Session(linear_graph(Float32Layers, linear), 1)
    with pytest.raises(MemoryError):
        session.run(rows=torch.from_numpy(np.zeros((1 << 24, 1), np.float32)))  # 64 TiB


def test_what_else_goes_wrong_is_a_runtime_error() -> None:
    session = Session(linear_graph(Float32Layers, nn.Linear(4, 4)), 1)
    with pytest.raises(RuntimeError, match="rows"):
        session.run(rows=torch.zeros(2, 3))
