"""FunASR's SANM encoder and Paraformer's decoder as graphs, padding masked out.

Rows are kept two-dimensional, so that a layer is one product with its bias inside; the FSMN's
convolution along the frames is two-dimensional with height 1, for which the runtime has a blocked
kernel.  What is added to a frame, or attended to, lies within its own span.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from worker.engine.onnx.graph_writer import GraphWriter
from worker.engine.onnx.layers import LinearLayers

Layers = Callable[[GraphWriter], LinearLayers]


class NotWritable(ValueError):
    """A network has a layer of a kind that no graph is written of."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph in ONNX's format, and the weights that it names."""

    content: bytes
    weights: dict[str, np.ndarray]


def encoder_graph(encoder: Any, layers: Layers) -> Graph:
    """Graph of a SANMEncoder, from its scaled input with positions to what its last norm gives.

    Inputs: frames (batch, T, features), keep (batch, T, 1) of 1 within a span and 0 beyond, hidden
    (batch, 1, 1, T) of 0 within and -inf beyond.  Output: (batch, T, width).
    """
    graph = GraphWriter()
    writer = _Sanm(graph, layers(graph), "keep")
    _require(encoder.normalize_before, "an encoder that does not normalise before")
    _require(not encoder.interctc_layer_idx, "an encoder with losses between its layers")
    features = encoder.encoders0[0].in_size
    rows = writer.as_rows("frames", features)
    for layer in [*encoder.encoders0, *encoder.encoders]:
        rows = writer.encoder_layer(rows, layer)
    rows = writer.norm(rows, encoder.after_norm)
    return Graph(
        graph.written(
            {
                "frames": ("batch", "T", features),
                "keep": ("batch", "T", 1),
                "hidden": ("batch", 1, 1, "T"),
            },
            writer.as_batch(rows, encoder.output_size()),
        ),
        graph.weights,
    )


def decoder_graph(decoder: Any, layers: Layers) -> Graph:
    """Graph of a ParaformerSANMDecoder, up to its last norm; the vocabulary's layer is left out.

    Inputs: embeddings (batch, tokens, width), keep (batch, tokens, 1) of 1 for a span's own tokens
    and 0 beyond, memory (batch, T, width) of the encoder, hidden (batch, 1, 1, T) of 0 for a span's
    own frames and -inf beyond.  Output: (batch, tokens, width).
    """
    graph = GraphWriter()
    writer = _Sanm(graph, layers(graph), "keep")
    _require(decoder.normalize_before, "a decoder that does not normalise before")
    width = decoder.after_norm.normalized_shape[0]
    rows, memory = writer.as_rows("embeddings", width), writer.as_rows("memory", width)
    for layer in [*decoder.decoders, *(decoder.decoders2 or ()), *decoder.decoders3]:
        rows = writer.decoder_layer(rows, memory, layer, width)
    rows = writer.norm(rows, decoder.after_norm)
    return Graph(
        graph.written(
            {
                "embeddings": ("batch", "tokens", width),
                "keep": ("batch", "tokens", 1),
                "memory": ("batch", "T", width),
                "hidden": ("batch", 1, 1, "T"),
            },
            writer.as_batch(rows, width),
        ),
        graph.weights,
    )


class _Sanm:
    """The layers of both. `keep` is the input that says which rows are a span's own."""

    def __init__(self, graph: GraphWriter, linear: LinearLayers, keep: str) -> None:
        self._graph = graph
        self._linear = linear
        self._keep = keep
        shape = graph.node("Shape", keep)
        self._batch = graph.node("Gather", shape, graph.integers(0))
        self._any = graph.integers(-1)
        self._plane = graph.integers(2)

    def as_rows(self, batch: str, width: int) -> str:
        return self._graph.node("Reshape", batch, self._graph.integers(-1, width))

    def as_batch(self, rows: str, *inner: int) -> str:
        """(batch * T, width) to (batch, T, ...)."""
        shape = self._graph.node("Concat", self._batch, self._graph.integers(-1, *inner), axis=0)
        return self._graph.node("Reshape", rows, shape)

    def norm(self, rows: str, norm: Any) -> str:
        graph = self._graph
        return graph.node(
            "LayerNormalization",
            rows,
            graph.weight(norm.weight),
            graph.weight(norm.bias),
            axis=-1,
            epsilon=norm.eps,
        )

    def encoder_layer(self, rows: str, layer: Any) -> str:
        graph, linear = self._graph, self._linear
        _require(layer.normalize_before and not layer.concat_after, "another kind of encoder layer")
        attention, feed = layer.self_attn, layer.feed_forward
        width = attention.h * attention.d_k
        together = linear.apply(self.norm(rows, layer.norm1), attention.linear_q_k_v)
        query, key, value = self._split(together, 3, width)
        memory = self._fsmn(value, attention, width)
        attended = linear.apply(self._attend(query, key, value, attention), attention.linear_out)
        attended = graph.node("Add", attended, memory)
        rows = graph.node("Add", rows, attended) if layer.in_size == layer.size else attended
        fed = linear.apply_then_relu(self.norm(rows, layer.norm2), feed.w_1)
        return graph.node("Add", rows, linear.apply(fed, feed.w_2))

    def decoder_layer(self, rows: str, memory: str, layer: Any, width: int) -> str:
        graph, linear = self._graph, self._linear
        _require(layer.normalize_before and not layer.concat_after, "another kind of decoder layer")
        feed = layer.feed_forward
        fed = linear.apply_then_relu(self.norm(rows, layer.norm1), feed.w_1)
        fed = linear.apply(self.norm(fed, feed.norm), feed.w_2)
        if layer.self_attn is None:
            return fed
        mixed = self._fsmn(self.norm(fed, layer.norm2), layer.self_attn, width)
        rows = graph.node("Add", rows, mixed)
        if layer.src_attn is None:
            return rows
        cross = layer.src_attn
        query = linear.apply(self.norm(rows, layer.norm3), cross.linear_q)
        both = linear.apply(memory, cross.linear_k_v)
        key, value = self._split(both, 2, cross.h * cross.d_k)
        attended = self._attend(query, key, value, cross)
        return graph.node("Add", rows, linear.apply(attended, cross.linear_out))

    def _split(self, rows: str, parts: int, width: int) -> list[str]:
        sizes = self._graph.integers(*[width] * parts)
        return self._graph.nodes("Split", rows, sizes, results=parts, axis=1)

    def _heads(self, rows: str, attention: Any, order: Iterable[int]) -> str:
        """(batch * T, width) to (batch, heads, T, size), or another order of these."""
        batch = self.as_batch(rows, attention.h, attention.d_k)
        return self._graph.node("Transpose", batch, perm=list(order))

    def _attend(self, query: str, key: str, value: str, attention: Any) -> str:
        """Rows of what each query attends to, all heads beside each other."""
        graph = self._graph
        scaled = graph.node("Mul", query, graph.number(attention.d_k**-0.5))
        scores = graph.node(
            "MatMul",
            self._heads(scaled, attention, (0, 2, 1, 3)),
            self._heads(key, attention, (0, 2, 3, 1)),
        )
        shares = graph.node("Softmax", graph.node("Add", scores, "hidden"), axis=-1)
        context = graph.node("MatMul", shares, self._heads(value, attention, (0, 2, 1, 3)))
        context = graph.node("Transpose", context, perm=[0, 2, 1, 3])
        return self.as_rows(context, attention.h * attention.d_k)

    def _fsmn(self, rows: str, attention: Any, width: int) -> str:
        """Sum of each frame and its weighted neighbours within the span, as rows; 0 beyond its
        end."""
        graph = self._graph
        left, right = attention.pad_fn.padding
        kernel = attention.fsmn_block.weight.detach().clone()  # (width, 1, taps)
        kernel[:, 0, left] += 1.0  # the frame itself
        own = graph.node("Mul", self.as_batch(rows, width), self._keep)
        columns = graph.node("Transpose", own, perm=[0, 2, 1])
        mixed = graph.node(
            "Conv",
            graph.node("Unsqueeze", columns, self._plane),
            graph.weight(kernel[:, :, None]),
            group=width,
            pads=[0, left, 0, right],
        )
        mixed = graph.node("Squeeze", mixed, self._plane)
        mixed = graph.node("Transpose", mixed, perm=[0, 2, 1])
        return self.as_rows(graph.node("Mul", mixed, self._keep), width)


def _require(fulfilled: bool, otherwise: str) -> None:
    if not fulfilled:
        raise NotWritable(otherwise)
