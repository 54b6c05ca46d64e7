"""Linear layers, norms and attention as nodes of a graph, on rows: (batch * T, width)."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from onnx import numpy_helper
from torch import nn

from worker.engine.onnx.graph_writer import CONTRIB, GraphWriter


class LinearLayers(ABC):
    """Way in which a graph multiplies by the weights of a linear layer."""

    def __init__(self, graph: GraphWriter) -> None:
        self.graph = graph

    @abstractmethod
    def apply(self, rows: str, layer: nn.Linear) -> str:
        """(rows, inputs) to (rows, outputs)."""

    def apply_then_relu(self, rows: str, layer: nn.Linear) -> str:
        """Apply the layer and let nothing negative through."""
        return self.graph.node("Relu", self.apply(rows, layer))

    def apply_both(self, rows: str, first: nn.Linear, second: nn.Linear) -> str:
        """Apply two layers and let nothing negative through between them."""
        return self.apply(self.apply_then_relu(rows, first), second)


class Float32Layers(LinearLayers):
    """Linear layers in float32, each one product with its bias; the runtime fuses a ReLU into
    it."""

    def apply(self, rows: str, layer: nn.Linear) -> str:
        bias = [] if layer.bias is None else [self.graph.weight(layer.bias)]
        return self.graph.node("Gemm", rows, self.graph.weight(layer.weight), *bias, transB=1)


WEIGHT_STEPS = 63
"""Weights take seven of the eight bits: products of full ones, added up in pairs in 16 bits as
processors without VNNI do it, overflow."""

_SMALLEST = 1e-20
"""Least scale, for rows of nothing but zeros."""


class Int8Layers(LinearLayers):
    """Products of 8-bit integers, with a scale for each row and one for each output.

    A row's own scale keeps its neighbours out of it, and integer sums are exact.  Results are the
    same on every processor.
    """

    def __init__(self, graph: GraphWriter) -> None:
        super().__init__(graph)
        self._rounded: dict[str, tuple[str, str, str]] = {}
        self._not_negative: set[str] = set()
        self._one = graph.number(1.0)
        self._smallest = graph.number(_SMALLEST)
        self._columns = graph.integers(1)
        self._signed_zero = graph.constant(np.array(0, np.int8))

    def apply(self, rows: str, layer: nn.Linear) -> str:
        weight = layer.weight.detach().numpy()
        scales = np.maximum(np.abs(weight).max(axis=1), _SMALLEST) / WEIGHT_STEPS
        codes = np.rint(weight / scales[:, None]).astype(np.int8).T
        row_codes, row_scales, zero = self._rows(rows)
        graph = self.graph
        product = graph.node(
            "MatMulIntegerToFloat",
            row_codes,
            graph.weight(codes),
            self._one,
            graph.weight(scales.astype(np.float32)),
            zero,
            self._signed_zero,
            domain=CONTRIB,
        )
        product = graph.node("Mul", product, row_scales)
        if layer.bias is None:
            return product
        return graph.node("Add", product, graph.weight(layer.bias))

    def apply_both(self, rows: str, first: nn.Linear, second: nn.Linear) -> str:
        between = self.apply(rows, first)
        self._not_negative.add(between)
        return self.apply(between, second)

    def _rows(self, rows: str) -> tuple[str, str, str]:
        """Codes of the rows, their scales as a column, and the code of zero; made once, for layers
        that read the same."""
        if rows not in self._rounded:
            self._rounded[rows] = self._round(rows)
        return self._rounded[rows]

    def _round(self, rows: str) -> tuple[str, str, str]:
        graph = self.graph
        # No code is spent on a sign, and what is negative gets the code of zero.
        is_positive = rows in self._not_negative
        zero, steps = (0, 255.0) if is_positive else (128, 127.0)
        sizes = rows if is_positive else graph.node("Abs", rows)
        largest = graph.node("ReduceMax", sizes, axes=[1], keepdims=0)
        held = graph.node("Max", largest, self._smallest)
        scales = graph.node("Mul", held, graph.number(1 / steps))
        zeros = graph.node(
            "ConstantOfShape",
            graph.node("Shape", scales),
            value=numpy_helper.from_array(np.array([zero], np.uint8)),
        )
        codes = graph.node("QuantizeLinear", rows, scales, zeros, axis=0)
        column = graph.node("Unsqueeze", scales, self._columns)
        return codes, column, graph.constant(np.array(zero, np.uint8))
