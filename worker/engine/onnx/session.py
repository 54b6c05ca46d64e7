"""A graph in ONNX Runtime on the CPU."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import onnxruntime
import torch
from torch import Tensor

from worker.engine.onnx.sanm import Graph

_NO_MEMORY = re.compile(r"bad.?alloc|failed to allocate|out of memory", re.IGNORECASE)


class Session:
    """Runs one graph. For one thread at a time.

    The session has copies of the weights, laid out for its products; the graph's may go then.
    Memory is the C library's, and goes back to it as soon as no node needs it: the runtime's own
    arena would keep what its largest batch ever took.  Raises MemoryError where there is none, here
    and in `run`, and RuntimeError for what else goes wrong in the runtime.
    """

    def __init__(self, graph: Graph, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3  # errors alone
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False  # would plan, and keep, for every shape of batch
        # Threads that wait for work would keep the cores from the rest of the job.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        weights = map(onnxruntime.OrtValue.ortvalue_from_numpy, graph.weights.values())
        options.add_external_initializers(list(graph.weights), list(weights))
        with _usual_errors():
            self._session = onnxruntime.InferenceSession(
                graph.content, options, providers=["CPUExecutionProvider"]
            )

    def run(self, **inputs: Tensor) -> Tensor:
        """The graph's output, of inputs by name: lists of integers, and float32."""
        given = {name: tensor.contiguous().numpy() for name, tensor in inputs.items()}
        with _usual_errors():
            (output,) = self._session.run(["output"], given)
        return torch.from_numpy(output)


@contextmanager
def _usual_errors() -> Iterator[None]:
    """Python's own in place of the runtime's, which are plain Exceptions."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith("onnxruntime"):
            raise
        said = str(error)
        raise (MemoryError if _NO_MEMORY.search(said) else RuntimeError)(said) from None
