"""FunASR's SANM encoder and Paraformer's decoder as graphs over spans one after another.

Rows of all spans go through a layer together, as one product with its bias inside; attention and
the FSMN are computed span by span, so that nothing is padded and no row of another span is near.
The FSMN's convolution along the rows is two-dimensional with height 1, for which the runtime has a
blocked kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from worker.engine.onnx.graph_writer import CONTRIB, GraphWriter
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

    Inputs: frames (rows, features) of all spans, one after another, and lengths (spans,), the
    frames of each, at least one.  Output: (rows, width).
    """
    graph = GraphWriter()
    writer = _Sanm(graph, layers(graph))
    frames = writer.spans("lengths")
    _require(encoder.normalize_before, "an encoder that does not normalise before")
    _require(not encoder.interctc_layer_idx, "an encoder with losses between its layers")
    rows = "frames"
    for layer in [*encoder.encoders0, *encoder.encoders]:
        rows = writer.encoder_layer(rows, frames, layer)
    rows = writer.norm(rows, encoder.after_norm)
    features = encoder.encoders0[0].in_size
    inputs = {"frames": ("rows", features), "lengths": ("spans",)}
    return Graph(graph.written(inputs, rows), graph.weights)


def decoder_graph(decoder: Any, layers: Layers) -> Graph:
    """Graph of a ParaformerSANMDecoder, up to its last norm; the vocabulary's layer is left out.

    Inputs: embeddings (tokens, width) of all spans, one after another, and counts (spans,), the
    tokens of each; memory (rows, width) of the encoder and lengths (spans,), the frames of each.
    No span may have none.  Output: (tokens, width).
    """
    graph = GraphWriter()
    writer = _Sanm(graph, layers(graph))
    tokens, frames = writer.spans("counts"), writer.spans("lengths")
    _require(decoder.normalize_before, "a decoder that does not normalise before")
    width = decoder.after_norm.normalized_shape[0]
    rows = "embeddings"
    for layer in [*decoder.decoders, *(decoder.decoders2 or ()), *decoder.decoders3]:
        rows = writer.decoder_layer(rows, tokens, "memory", frames, layer)
    rows = writer.norm(rows, decoder.after_norm)
    inputs: dict[str, tuple[str | int, ...]] = {
        "embeddings": ("tokens", width),
        "counts": ("spans",),
        "memory": ("rows", width),
        "lengths": ("spans",),
    }
    return Graph(graph.written(inputs, rows), graph.weights)


@dataclass(frozen=True, slots=True)
class _Spans:
    """Where the rows of each span lie: names of their number and of lists of where each begins and
    ends."""

    count: str
    begins: str
    ends: str


class _Sanm:
    """The layers of both."""

    def __init__(self, graph: GraphWriter, linear: LinearLayers) -> None:
        self._graph = graph
        self._linear = linear
        self._first = graph.integers(0)
        self._channels = graph.integers(0, 2)

    def spans(self, lengths: str) -> _Spans:
        graph = self._graph
        ends = graph.node("CumSum", lengths, graph.constant(np.array(0, np.int64)))
        return _Spans(graph.node("Size", lengths), graph.node("Sub", ends, lengths), ends)

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

    def encoder_layer(self, rows: str, spans: _Spans, layer: Any) -> str:
        graph, linear = self._graph, self._linear
        _require(layer.normalize_before and not layer.concat_after, "another kind of encoder layer")
        attention, feed = layer.self_attn, layer.feed_forward
        width = attention.h * attention.d_k
        together = linear.apply(self.norm(rows, layer.norm1), attention.linear_q_k_v)

        def own(number: str) -> list[str]:
            query, key, value = self._split(self._of(number, together, spans), 3, width)
            return [
                self._attended(query, key, value, attention),
                self._fsmn(value, attention, width),
            ]

        found, memory = graph.joined(spans.count, own, axis=0)
        attended = graph.node("Add", linear.apply(found, attention.linear_out), memory)
        rows = graph.node("Add", rows, attended) if layer.in_size == layer.size else attended
        return graph.node(
            "Add", rows, linear.apply_both(self.norm(rows, layer.norm2), feed.w_1, feed.w_2)
        )

    def decoder_layer(
        self, rows: str, tokens: _Spans, memory: str, frames: _Spans, layer: Any
    ) -> str:
        graph, linear = self._graph, self._linear
        _require(layer.normalize_before and not layer.concat_after, "another kind of decoder layer")
        feed = layer.feed_forward
        fed = linear.apply_then_relu(self.norm(rows, layer.norm1), feed.w_1)
        fed = linear.apply(self.norm(fed, feed.norm), feed.w_2)
        if layer.self_attn is None:
            return fed
        width = layer.size
        normed = self.norm(fed, layer.norm2)
        (mixed,) = graph.joined(
            tokens.count,
            lambda number: [self._fsmn(self._of(number, normed, tokens), layer.self_attn, width)],
            axis=0,
        )
        rows = graph.node("Add", rows, mixed)
        if layer.src_attn is None:
            return rows
        cross = layer.src_attn
        query = linear.apply(self.norm(rows, layer.norm3), cross.linear_q)
        both = linear.apply(memory, cross.linear_k_v)

        def own(number: str) -> list[str]:
            asking = self._of(number, query, tokens)
            key, value = self._split(self._of(number, both, frames), 2, cross.h * cross.d_k)
            return [self._attended(asking, key, value, cross)]

        (found,) = graph.joined(frames.count, own, axis=0)
        return graph.node("Add", rows, linear.apply(found, cross.linear_out))

    def _of(self, number: str, rows: str, spans: _Spans) -> str:
        """Rows of the span of this number."""
        graph = self._graph
        edges = (graph.node("Gather", each, number) for each in (spans.begins, spans.ends))
        return graph.node("Slice", rows, *edges, self._first)

    def _split(self, rows: str, parts: int, width: int) -> list[str]:
        sizes = self._graph.integers(*[width] * parts)
        return self._graph.nodes("Split", rows, sizes, results=parts, axis=1)

    def _attended(self, query: str, key: str, value: str, attention: Any) -> str:
        """Rows of what each query attends to, all heads beside each other."""
        graph = self._graph
        batch = [graph.node("Unsqueeze", rows, self._first) for rows in (query, key, value)]
        found = graph.node("MultiHeadAttention", *batch, domain=CONTRIB, num_heads=attention.h)
        return graph.node("Squeeze", found, self._first)

    def _fsmn(self, rows: str, attention: Any, width: int) -> str:
        """Sum of each row and its weighted neighbours, of one span."""
        graph = self._graph
        left, right = attention.pad_fn.padding
        kernel = attention.fsmn_block.weight.detach().clone()  # (width, 1, taps)
        kernel[:, 0, left] += 1.0  # the row itself
        columns = graph.node("Transpose", rows, perm=[1, 0])
        mixed = graph.node(
            "Conv",
            graph.node("Unsqueeze", columns, self._channels),
            graph.weight(kernel[:, :, None]),
            group=width,
            pads=[0, left, 0, right],
        )
        return graph.node("Transpose", graph.node("Squeeze", mixed, self._channels), perm=[1, 0])


def _require(fulfilled: bool, otherwise: str) -> None:
    if not fulfilled:
        raise NotWritable(otherwise)
