"""Write down an ONNX graph node by node, its weights left where torch has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

OPSET = 17
"""The first that has LayerNormalization."""

IR_VERSION = 8
"""The one of that opset."""

CONTRIB = "com.microsoft"
"""ONNX Runtime's own operators."""


class GraphWriter:
    """A graph in the making. Values are known by their names."""

    def __init__(self) -> None:
        self.weights: dict[str, np.ndarray] = {}
        """Arrays that the graph names and does not hold. They share the memory of the tensors
        given."""
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[TensorProto] = []
        self._values = 0

    def weight(self, value: Tensor | np.ndarray) -> str:
        """Name a weight that is given to the runtime beside the graph."""
        array = value.detach().numpy() if isinstance(value, Tensor) else value
        name = f"weight_{len(self.weights)}"
        self.weights[name] = np.ascontiguousarray(array)
        return name

    def constant(self, value: np.ndarray) -> str:
        """Write a few numbers into the graph itself."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(value, name))
        return name

    def integers(self, *values: int) -> str:
        """Write a list of integers, such as a shape or axes."""
        return self.constant(np.array(values, np.int64))

    def number(self, value: float) -> str:
        """Write one float32."""
        return self.constant(np.array(value, np.float32))

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add an operator of one result; its name."""
        return self.nodes(operator, *inputs, results=1, domain=domain, **attributes)[0]

    def nodes(
        self, operator: str, *inputs: str, results: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add an operator of several results; their names."""
        names = [self._new_value() for _ in range(results)]
        self._nodes.append(
            helper.make_node(operator, list(inputs), names, domain=domain, **attributes)
        )
        return names

    def joined(self, count: str, part: Callable[[str], Sequence[str]], axis: int) -> list[str]:
        """Join float32 tensors that are made number by number, `axis` by `axis`.

        `part` writes what is computed for one number below `count`, which it is given as a list of
        one, and names the results; each is joined to its like.
        """
        number, goes_on = self._new_value(), self._new_value()
        outside, self._nodes = self._nodes, []
        results = part(self.node("Unsqueeze", number, self.integers(0)))
        before = [self._new_value() for _ in results]
        after = [self.node("SequenceInsert", *pair) for pair in zip(before, results, strict=True)]
        still = self.node("Identity", goes_on)
        inside, self._nodes = self._nodes, outside
        body = helper.make_graph(
            inside,
            "part",
            [
                helper.make_tensor_value_info(number, TensorProto.INT64, []),
                helper.make_tensor_value_info(goes_on, TensorProto.BOOL, []),
                *map(_sequence, before),
            ],
            [helper.make_tensor_value_info(still, TensorProto.BOOL, []), *map(_sequence, after)],
        )
        none = [self.node("SequenceEmpty", dtype=TensorProto.FLOAT) for _ in results]
        parts = self.nodes("Loop", count, "", *none, results=len(none), body=body)
        return [self.node("ConcatFromSequence", each, axis=axis) for each in parts]

    def written(self, inputs: Mapping[str, Sequence[str | int]], output: str) -> bytes:
        """The graph in ONNX's format, of inputs by name and shape, and one output.

        Lists are of integers, all else is of float32.
        """
        self._nodes.append(helper.make_node("Identity", [output], ["output"]))
        declared = [_declared(name, weight) for name, weight in self.weights.items()]
        graph = helper.make_graph(
            self._nodes,
            "graph",
            [
                helper.make_tensor_value_info(
                    name, TensorProto.INT64 if len(shape) == 1 else TensorProto.FLOAT, list(shape)
                )
                for name, shape in inputs.items()
            ],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)],
            [*self._constants, *declared],
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        return bytes(model.SerializeToString())

    def _new_value(self) -> str:
        self._values += 1
        return f"value_{self._values}"


def _sequence(name: str) -> onnx.ValueInfoProto:
    """Declare a sequence of float32 tensors of any shapes."""
    return helper.make_tensor_sequence_value_info(name, TensorProto.FLOAT, None)


def _declared(name: str, value: np.ndarray) -> TensorProto:
    """A weight whose numbers are elsewhere: in no file, for the runtime is given them."""
    tensor = TensorProto(
        name=name,
        dims=value.shape,
        data_type=helper.np_dtype_to_tensor_dtype(value.dtype),
        data_location=TensorProto.EXTERNAL,
    )
    tensor.external_data.add(key="location", value="in-memory")
    return tensor
