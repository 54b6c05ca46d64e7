"""A small FireRedASR2-AED: its folder, as its authors publish theirs, and behind our protocol.

Random weights, but for the decoder's last layer, which is fitted so that a token is followed by one
of two, as the sound has it, and a text ends now and then: a decoder of nothing but random weights
writes one token for ever.
"""

from __future__ import annotations

import argparse
import atexit
import functools
import shutil
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import gelu

from tests.support.speech import speech_models
from worker import demo_model
from worker.engine.families import load_speech_network
from worker.engine.fbank import Fbank, povey
from worker.engine.firered.conformer import EncoderShape, encoded_frames, own_frames
from worker.engine.firered.decoder import DecoderShape
from worker.engine.firered.load_firered import FireRedAsrAed
from worker.engine.firered.network import FireRed
from worker.engine.precision import Precision
from worker.model_store.locate import ModelFolder

CPU = torch.device("cpu")

_ENGLISH = ("▁GATE", "WAY", "▁API", "▁DON", "'", "T")
TOKENS = (
    "<blank>", "<unk>", "<pad>", "<sos>", "<eos>", "<sil>", *_ENGLISH,
    *(chr(0x4E00 + i) for i in range(60)),
)  # fmt: skip
SOS, EOS = 3, 4
_SPOKEN = range(6, len(TOKENS))

ARGUMENTS = argparse.Namespace(
    idim=80, odim=len(TOKENS), d_model=64, n_head=4, n_layers_enc=2, n_layers_dec=2, kernel_size=33,
    sos_id=SOS, eos_id=EOS, pad_id=2, pe_maxlen=5000, dropout_rate=0.1, residual_dropout=0.1,
)  # fmt: skip
"""As a checkpoint has them, beside those of the training."""

_CONTINUED, _STEPS = 48, 12
"""Random texts for each span that the last layer is fitted on, and their tokens."""
_ENDS_AFTER = 14
"""About every so many tokens a text ends."""


@functools.cache
def bundle() -> Path:
    """A folder with asr/, vad/ and punc/; not to be changed."""
    folder = Path(tempfile.mkdtemp(prefix="firered-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copytree(demo_model.VAD_DIR, folder / "vad")
    shutil.copytree(demo_model.PUNC_DIR, folder / "punc")
    write_folder(folder / "asr", made().state_dict())
    return folder


def asr_folder() -> ModelFolder:
    return ModelFolder("firered", bundle() / "asr", "random")


@functools.cache
def network(precision: str = "float32") -> FireRed:
    loaded = load_speech_network(asr_folder(), CPU, Fbank(CPU), Precision(precision, CPU))
    assert isinstance(loaded, FireRed)
    return loaded


def write_folder(
    folder: Path,
    parameters: Mapping[str, Tensor],
    arguments: argparse.Namespace = ARGUMENTS,
) -> None:
    """Convolutions of kernel 1 and tables of positions stand in the file as in the published."""
    folder.mkdir(parents=True)
    state = {
        name: value[..., None] if "pointwise_conv" in name else value
        for name, value in parameters.items()
    }
    state["encoder.positional_encoding.pe"] = torch.zeros(1, 9, arguments.d_model)
    state["decoder.positional_encoding.pe"] = torch.zeros(1, 5, arguments.d_model)
    torch.save({"args": arguments, "model_state_dict": state}, folder / "model.pth.tar")
    lines = (f"{token} {number}\n" for number, token in enumerate(TOKENS))
    (folder / "dict.txt").write_text("".join(lines), encoding="utf-8")
    write_statistics(folder / "cmvn.ark", _banks(speech_models.excerpt(0, 60)).double().numpy())


def write_statistics(path: Path, banks: np.ndarray) -> None:
    """Kaldi's sums of each bin and of its squares, and the count of frames."""
    sums = np.zeros((2, banks.shape[1] + 1))
    sums[0, :-1], sums[1, :-1], sums[0, -1] = banks.sum(0), (banks**2).sum(0), len(banks)
    head = b"\0BDM \4" + struct.pack("<i", 2) + b"\4" + struct.pack("<i", sums.shape[1])
    path.write_bytes(head + sums.astype("<f8").tobytes())


@functools.cache
@torch.no_grad()
def made() -> FireRedAsrAed:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        a = ARGUMENTS
        model = FireRedAsrAed(
            EncoderShape(a.idim, a.n_layers_enc, a.n_head, a.d_model, a.kernel_size),
            DecoderShape(a.n_layers_dec, a.n_head, a.d_model, a.odim),
        ).eval()
        for name, parameter in model.named_parameters():
            if "pos_bias" in name or name.endswith("bias"):
                parameter.normal_(std=0.1)
            elif "norm" in name:
                parameter.add_(0.1 * torch.randn_like(parameter))
        for layer in model.decoder.layer_stack:
            layer.cross_attn.w_qs.weight.mul_(4)
            layer.cross_attn.w_ks.weight.mul_(4)
            layer.cross_attn.fc.weight.mul_(8)
        model.ctc["ctc_lo"].weight.mul_(8)
        _fit_last_layer(model)
    return model


def _fit_last_layer(model: FireRedAsrAed) -> None:
    decoder = model.decoder
    embedding = decoder.tgt_word_emb.weight
    embedding.sub_(embedding.mean(dim=1, keepdim=True))
    embedding.div_(embedding.norm(dim=1, keepdim=True))
    decoder.layer_norm_out.weight.fill_(1.6)
    decoder.layer_norm_out.bias.zero_()
    speech = [speech_models.excerpt(2 + 5 * i, 6 + 5 * i) for i in range(6)]
    banks = torch.stack([_banks(pcm) for pcm in speech])
    features = (banks - banks.mean(dim=(0, 1))) / banks.std(dim=(0, 1))
    lengths = torch.full((len(speech),), features.shape[1])
    encoded = model.encoder(features, lengths)
    ctc = model.ctc["ctc_lo"]
    ctc.bias.copy_(-(ctc.weight @ encoded.mean(dim=(0, 1))))  # else one token is said in all frames
    is_own = own_frames(encoded.shape[1], encoded_frames(lengths))
    memory = decoder.begin(encoded, is_own, _CONTINUED, _STEPS)
    last = decoder.layer_stack[-1]
    seen: list[Tensor] = []
    heard: list[Tensor] = []
    hooks = [
        last.mlp_norm.register_forward_hook(lambda _, given, __: seen.append(given[0])),
        last.cross_attn.fc.register_forward_hook(lambda _, __, out: heard.append(out)),
    ]
    rows = len(speech) * _CONTINUED
    said = [torch.full((rows,), SOS)]
    said += [torch.randint(_SPOKEN.start, _SPOKEN.stop, (rows,)) for _ in range(_STEPS - 1)]
    for tokens in said:
        decoder.step(tokens, memory)
    for hook in hooks:
        hook.remove()
    before, sound, x = torch.cat(said), torch.cat(heard), torch.cat(seen)
    along = sound @ torch.randn(sound.shape[1])
    bit = (along > along.median()).long()
    following = torch.stack([torch.randperm(len(_SPOKEN)) + _SPOKEN.start for _ in range(2)])
    following[:, ::_ENDS_AFTER] = EOS
    place = (before - _SPOKEN.start).clamp(min=0)  # after <sos> as after the first of them
    place[before == SOS] = 1
    target = embedding[following[bit, place]] * 8
    hidden = gelu(last.mlp.w_1(last.mlp_norm(x)))
    inputs = torch.cat([hidden, torch.ones(len(hidden), 1)], dim=1).double()
    normal = inputs.T @ inputs + 1e-2 * torch.eye(inputs.shape[1])
    solved = torch.linalg.solve(normal, inputs.T @ (target - x).double()).float()
    last.mlp.w_2.weight.copy_(solved[:-1].T)
    last.mlp.w_2.bias.copy_(solved[-1])


def _banks(pcm: np.ndarray) -> Tensor:
    return Fbank(CPU, povey())(pcm)
