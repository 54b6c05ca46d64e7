"""Load a FireRedASR2-AED from its folder, as its authors publish it: no config.yaml, but a
checkpoint with the arguments of its training, Kaldi's statistics of the features, and a list of
tokens."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from worker.engine.fbank import MEL_BINS
from worker.engine.firered.beam_search import Marks
from worker.engine.firered.conformer import Conformer, EncoderShape
from worker.engine.firered.decoder import Decoder, DecoderShape
from worker.engine.loading.build import LoadedNetwork, require
from worker.engine.loading.checkpoint_to_network import (
    fill_parameters,
    parameters_of,
    read_checkpoint,
    without_initial_values,
)
from worker.engine.loading.load_errors import failures_explained, unusable
from worker.engine.loading.text_files import lines_of, text_of
from worker.model_store.files import FIRERED_CHECKPOINT, FIRERED_NORMALISATION, FIRERED_TOKENS
from worker.model_store.locate import ModelFolder

TAKE_A_FIRERED = "Set LONGSCRIBE_MODEL to FireRedASR2-AED"

_BINARY_MATRICES: dict[bytes, np.dtype[Any]] = {
    b"\0BDM ": np.dtype("<f8"),
    b"\0BFM ": np.dtype("<f4"),
}
"""Kaldi's marks of matrices of doubles and of floats, and what their numbers are."""
_LEAST_VARIANCE = 1e-20

_KERNEL_OF_ONE = (".pointwise_conv1.weight", ".pointwise_conv2.weight")
"""Parameters of convolutions that are linear layers here."""


class FireRedAsrAed(nn.Module):
    """The parts under the names that the checkpoint has for them."""

    def __init__(self, encoder: EncoderShape, decoder: DecoderShape) -> None:
        super().__init__()
        self.encoder = Conformer(encoder)
        self.decoder = Decoder(decoder)
        self.ctc = nn.ModuleDict({"ctc_lo": nn.Linear(decoder.width, decoder.vocabulary)})


@dataclass(frozen=True, slots=True)
class LoadedFireRed:
    network: LoadedNetwork
    marks: Marks


def load_firered(folder: ModelFolder, device: torch.device) -> LoadedFireRed:
    """Load a FireRed network. Raises ModelUnavailable, saying what to do."""
    tokens = _tokens(folder)
    cmvn = _cmvn(folder)
    checkpoint = folder.path / FIRERED_CHECKPOINT
    with failures_explained(folder, f"read its {checkpoint.name}"):
        state = read_checkpoint(checkpoint, argparse.Namespace)
        if not isinstance(state, Mapping):
            raise TypeError(f"it holds a {type(state).__name__} instead of a network")
        given = _arguments(folder, state.get("args"))
        stored = _as_linear_layers(parameters_of(state))
    require(
        folder,
        "ctc.ctc_lo.weight" in stored,
        "an output for CTC, which gives the times of words and which FireRedASR2-AED has and the "
        "first FireRedASR-AED has not",
    )
    require(folder, given["idim"] == MEL_BINS, f"{MEL_BINS} mel bins")
    require(
        folder,
        given["odim"] == len(tokens),
        f"as many tokens in {FIRERED_TOKENS} as its network has (it lists {len(tokens)}, and the "
        f"network has {given['odim']})",
    )
    width, heads = given["d_model"], given["n_head"]
    require(folder, width % (2 * heads) == 0, "a width that its heads divide")
    require(folder, given["kernel_size"] % 2 == 1, "an odd kernel_size")
    blocks = max(given["n_layers_enc"], given["n_layers_dec"])
    require(folder, blocks <= len(stored), "as many blocks as its checkpoint")
    marks = Marks(given["sos_id"], given["eos_id"])
    for mark in (marks.begin, marks.end):
        require(folder, 0 <= mark < len(tokens), "sos_id and eos_id that are tokens")
    encoder = EncoderShape(MEL_BINS, given["n_layers_enc"], heads, width, given["kernel_size"])
    decoder = DecoderShape(given["n_layers_dec"], heads, width, len(tokens))
    with failures_explained(folder, f"build the network of its {checkpoint.name}"):
        with without_initial_values():
            model = FireRedAsrAed(encoder, decoder)
        fill_parameters(model, folder, checkpoint, stored, described_by="its own arguments")
    model.requires_grad_(False)
    network = LoadedNetwork(model.to(device).eval(), cmvn, 1, 1, tokens)
    return LoadedFireRed(network, marks)


_ARGUMENTS = (
    "idim", "odim", "d_model", "n_head", "n_layers_enc", "n_layers_dec", "kernel_size",
    "sos_id", "eos_id",
)  # fmt: skip


_MARKS = ("sos_id", "eos_id")
"""Settings that may be 0; whether they are tokens is seen once the tokens are known."""

_MOST = 100_000
"""Greatest number that an argument may be. A network of a thousand million blocks fills the memory
before it is found not to fit its checkpoint."""


def _arguments(folder: ModelFolder, args: object) -> dict[str, int]:
    """The arguments of the training that describe the network."""
    told = vars(args) if isinstance(args, argparse.Namespace) else {}
    missing = [
        name
        for name in _ARGUMENTS
        if type(told.get(name)) is not int
        or not (0 if name in _MARKS else 1) <= told[name] <= _MOST
    ]
    if missing:
        raise unusable(
            folder,
            f"{FIRERED_CHECKPOINT} does not say its {', '.join(missing)}, as one of FireRedASR's "
            "does",
        )
    return {name: told[name] for name in _ARGUMENTS}


def _as_linear_layers(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: value[..., 0] if name.endswith(_KERNEL_OF_ONE) and value.dim() == 3 else value
        for name, value in stored.items()
    }


def _tokens(folder: ModelFolder) -> Sequence[str]:
    """A line each: the token and its number, which is the number of the line from 0."""
    path = folder.path / FIRERED_TOKENS
    with failures_explained(folder, f"read its {path.name}"):
        lines = lines_of(text_of(path))
    tokens = []
    for number, line in enumerate(lines):
        token, *rest = line.split() or [" "]
        if rest and rest[0] != str(number):
            raise unusable(folder, f"line {number + 1} of {path.name} is not token {number}'s")
        tokens.append(token)
    return tokens


def _cmvn(folder: ModelFolder) -> Tensor:
    """(2, MEL_BINS): what to add to a frame's bins, and what to multiply them by."""
    path = folder.path / FIRERED_NORMALISATION
    with failures_explained(folder, f"read its {path.name}"):
        statistics = _matrix(path)
    if statistics is None or statistics.shape != (2, MEL_BINS + 1) or statistics[0, -1] < 1:
        raise unusable(folder, f"{path.name} holds no statistics of {MEL_BINS} mel bins")
    count = statistics[0, -1]
    mean = statistics[0, :-1] / count
    variance = np.maximum(statistics[1, :-1] / count - mean**2, _LEAST_VARIANCE)
    cmvn = torch.from_numpy(np.stack([-mean, variance**-0.5])).float()
    if not torch.isfinite(cmvn).all():
        raise unusable(folder, f"{path.name} holds numbers that are not finite")
    return cmvn


def _matrix(path: Path) -> Any:
    """Kaldi's matrix as `compute-cmvn-stats` writes it, in binary or as text; None for another
    file.

    Behind the mark of a binary one stand rows and columns, each as a byte that says 4 and four
    bytes, then the numbers row by row, all in little-endian order.
    """
    content = path.read_bytes()
    number = _BINARY_MATRICES.get(content[:5])
    if number is None:
        written = content.strip()
        if not written.startswith(b"[") or not written.endswith(b"]"):
            return None
        rows = [line.split() for line in written[1:-1].split(b"\n") if line.split()]
        return np.array(rows, dtype=np.float64)
    begin = 5 + 10
    if len(content) < begin:
        return None
    shape = [int.from_bytes(content[end - 4 : end], "little") for end in (begin - 5, begin)]
    if len(content) != begin + number.itemsize * shape[0] * shape[1]:
        return None
    return np.frombuffer(content, number, offset=begin).reshape(shape).astype(np.float64)
