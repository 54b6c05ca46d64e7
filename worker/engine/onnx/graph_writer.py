"""Write down an ONNX graph node by node, its weights left where torch has them."""

from __future__ import annotations

from collections.abc import Sequence
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
        names = [f"value_{len(self._nodes)}_{number}" for number in range(results)]
        self._nodes.append(
            helper.make_node(operator, list(inputs), names, domain=domain, **attributes)
        )
        return names

    def written(self, inputs: dict[str, Sequence[str | int]], output: str) -> bytes:
        """The graph in ONNX's format, of float32 inputs by name and shape, and one output."""
        self._nodes.append(helper.make_node("Identity", [output], ["output"]))
        declared = [_declared(name, weight) for name, weight in self.weights.items()]
        graph = helper.make_graph(
            self._nodes,
            "graph",
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
                for name, shape in inputs.items()
            ],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)],
            [*self._constants, *declared],
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        return bytes(model.SerializeToString())


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
