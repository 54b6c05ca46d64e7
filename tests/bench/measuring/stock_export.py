"""FunASR's own export of a Paraformer to ONNX, run as FunASR's runtime for Python runs it.

`python -m tests.bench.measuring.stock_export FOLDER OUT` writes `model.onnx` and, by FunASR's own
quantisation, `model_quant.onnx`.
"""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from worker.engine.paraformer.tokens_to_words import words_from_tokens

FILES = {"float32": "model.onnx", "int8": "model_quant.onnx"}
"""Names of the files by precision."""

_NOT_SPOKEN = (0, 1, 2)
"""Tokens that `generate()` leaves out: blank, beginning and end of a sentence."""


def export_as_stock(folder: Path, out: Path) -> None:
    """Write both files of the Paraformer in `folder`, in a process of its own: FunASR changes
    torch's threads, the root logger and the classes that it exports."""
    subprocess.run([sys.executable, "-m", __name__, folder, out], check=True)


class StockExport:
    """One of the two files in ONNX Runtime on one thread, with FunASR's options of a session."""

    def __init__(self, path: Path, tokens: Sequence[str]) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        self._tokens = tokens

    def texts(self, features: np.ndarray, lengths: np.ndarray) -> list[str]:
        """What is said in each of (spans, T, width) features with (spans,) frames of their own,
        written as our engine writes it."""
        scores, counts, *_ = self._session.run(
            None, {"speech": features, "speech_lengths": lengths}
        )
        best = scores.argmax(axis=-1)
        return [
            self._text([int(token) for token in row[: int(count)] if token not in _NOT_SPOKEN])
            for row, count in zip(best, counts, strict=True)
        ]

    def _text(self, ids: Sequence[int]) -> str:
        tokens = [self._tokens[token] for token in ids]
        words = words_from_tokens(tokens, [(0, 0)] * len(tokens), [1.0] * len(tokens))
        return "".join(word.word for word in words)


def padded(features: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """A batch as FunASR's runtime lays it out: zeros beyond each span's own frames."""
    lengths = np.array([len(rows) for rows in features], dtype=np.int32)
    batch = np.zeros((len(features), lengths.max(), features[0].shape[1]), dtype=np.float32)
    for row, rows in zip(batch, features, strict=True):
        row[: len(rows)] = rows
    return batch, lengths


def _main(folder: str, out: str) -> None:
    from worker.engine.loading.funasr_modules import process_unchanged
    from worker.engine.reference.stock_funasr import import_auto_model

    # FunASR's classes are written for the exporter that traces, which was torch's own until 2.8.
    torch.onnx.export = functools.partial(torch.onnx.export, dynamo=False)
    with process_unchanged():
        auto_model = import_auto_model()(
            model=folder, device="cpu", ncpu=1, disable_update=True, log_level="ERROR"
        )
    auto_model.export(type="onnx", quantize=True, output_dir=out)


if __name__ == "__main__":
    _main(*sys.argv[1:])
