"""A FireRedASR2-AED of random weights that behaves, in a folder as its authors publish theirs.

A decoder of nothing but random weights writes one token for ever.  So its last layer is fitted: a
token is followed by one of two, as the sound has it, and now and then a text ends.
"""

from __future__ import annotations

import argparse
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import gelu

from worker.engine.fbank import MEL_BINS, Fbank, povey
from worker.engine.firered.conformer import EncoderShape, encoded_frames, own_frames
from worker.engine.firered.decoder import DecoderShape
from worker.engine.firered.load_firered import FireRedAsrAed
from worker.engine.reference.random_model.sizes import ModelSizes
from worker.model_store.files import FIRERED_CHECKPOINT, FIRERED_NORMALISATION, FIRERED_TOKENS
from worker.recogniser import Pcm

SOS, EOS = 3, 4
_KERNEL = 33
_MARKS = ("<blank>", "<unk>", "<pad>", "<sos>", "<eos>", "<sil>")
_ENGLISH = ("▁GATE", "WAY", "▁API", "▁DON", "'", "T")
_SPOKEN = range(len(_MARKS), 72)
"""Tokens that are ever said: the last layer need not know what follows others."""

_SPANS, _SPAN_S = 6, 4
_TEXTS, _STEPS = 48, 12
"""Random texts for each span that the last layer is fitted on, and their tokens."""
_ENDS_AFTER = 14
"""About every so many tokens a text ends."""
_CERTAINTY = 1.6
"""Deviation of the scores, where the right one is eight times as high."""


def make_firered(folder: Path, speech: Pcm, sizes: ModelSizes, characters: Sequence[str]) -> None:
    """Write model.pth.tar, cmvn.ark and dict.txt, for torch's present seed.

    How many tokens it writes for a span is not fitted to the span's length: from one to its cap.
    """
    tokens = [*_MARKS, *_ENGLISH, *characters][: sizes.asr_vocabulary]
    banks = Fbank(torch.device("cpu"), povey())(speech)
    model = _model(sizes, len(tokens))
    fit_decoder(model, banks)
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.half() for name, value in model.state_dict().items()}
    torch.save(package(state, arguments(sizes, len(tokens))), folder / FIRERED_CHECKPOINT)
    lines = (f"{token} {number}\n" for number, token in enumerate(tokens))
    (folder / FIRERED_TOKENS).write_text("".join(lines), encoding="utf-8")
    (folder / FIRERED_NORMALISATION).write_bytes(statistics(banks.double().numpy()))


def arguments(sizes: ModelSizes, vocabulary: int) -> argparse.Namespace:
    """Arguments as a checkpoint has them, without those of the training."""
    return argparse.Namespace(
        idim=MEL_BINS,
        odim=vocabulary,
        d_model=sizes.asr_width,
        n_head=sizes.asr_heads,
        n_layers_enc=sizes.asr_encoder_blocks,
        n_layers_dec=sizes.asr_decoder_blocks,
        kernel_size=_KERNEL,
        sos_id=SOS,
        eos_id=EOS,
        pad_id=2,
        pe_maxlen=5_000,
        dropout_rate=0.1,
        residual_dropout=0.1,
    )


def package(state: Mapping[str, Tensor], args: argparse.Namespace) -> dict[str, Any]:
    """Content of the checkpoint file: convolutions of kernel 1 where we have linear layers, and
    tables of positions, here shorter ones that nobody reads."""
    stored = {
        name: value[..., None] if ".pointwise_conv" in name else value
        for name, value in state.items()
    }
    for part in ("encoder", "decoder"):
        stored[f"{part}.positional_encoding.pe"] = torch.zeros(1, 9, args.d_model)
    return {"args": args, "model_state_dict": stored}


def statistics(banks: np.ndarray[Any, Any]) -> bytes:
    """Kaldi's matrix of the sums of each bin and of its squares, and the count of frames."""
    sums = np.zeros((2, banks.shape[1] + 1))
    sums[0, :-1], sums[1, :-1], sums[0, -1] = banks.sum(0), (banks**2).sum(0), len(banks)
    sizes = (b"\4" + struct.pack("<i", size) for size in sums.shape)
    return b"\0BDM " + b"".join(sizes) + sums.astype("<f8").tobytes()


@torch.no_grad()
def _model(sizes: ModelSizes, vocabulary: int) -> FireRedAsrAed:
    heads, width = sizes.asr_heads, sizes.asr_width
    model = FireRedAsrAed(
        EncoderShape(MEL_BINS, sizes.asr_encoder_blocks, heads, width, _KERNEL),
        DecoderShape(sizes.asr_decoder_blocks, heads, width, vocabulary),
    ).eval()
    for name, parameter in model.named_parameters():
        if "pos_bias" in name or name.endswith("bias"):
            parameter.normal_(std=0.1)
        elif "norm" in name:
            parameter.add_(0.1 * torch.randn_like(parameter))
    for layer in model.decoder.layer_stack:
        attention: Any = layer.cross_attn
        attention.w_qs.weight.mul_(4)
        attention.w_ks.weight.mul_(4)
        attention.fc.weight.mul_(8)
    return model


@torch.no_grad()
def fit_decoder(model: FireRedAsrAed, banks: Tensor) -> None:
    """Fit the decoder's last layer, and centre CTC's scores, on (T, bins) of ordinary speech."""
    decoder = model.decoder
    width = decoder.shape.width
    embedding = decoder.tgt_word_emb.weight
    embedding.sub_(embedding.mean(dim=1, keepdim=True))
    embedding.div_(embedding.norm(dim=1, keepdim=True))
    decoder.layer_norm_out.weight.fill_(_CERTAINTY * 8 / width**0.5)
    decoder.layer_norm_out.bias.zero_()
    encoded, is_own = _encoded(model, banks)
    ctc: Any = model.ctc["ctc_lo"]
    ctc.weight.mul_(8)
    ctc.bias.copy_(-(ctc.weight @ encoded.mean(dim=(0, 1))))  # else one token is in all frames
    said = [torch.full((len(encoded) * _TEXTS,), SOS)]
    said += [torch.randint(_SPOKEN.start, _SPOKEN.stop, said[0].shape) for _ in range(_STEPS - 1)]
    last: Any = decoder.layer_stack[-1]
    states: list[Tensor] = []
    sounds: list[Tensor] = []
    hooks = [
        last.mlp_norm.register_forward_hook(lambda _, given, __: states.append(given[0])),
        last.cross_attn.fc.register_forward_hook(lambda _, __, out: sounds.append(out)),
    ]
    memory = decoder.begin(encoded, is_own, _TEXTS, _STEPS)
    for tokens in said:
        decoder.step(tokens, memory)
    for hook in hooks:
        hook.remove()
    before, sound, x = torch.cat(said), torch.cat(sounds), torch.cat(states)
    along = sound @ torch.randn(width)
    # Over the mean behind the same token, or the token alone would decide.
    counts = torch.bincount(before, minlength=len(embedding)).clamp(min=1)
    means = torch.zeros(len(embedding)).index_add(0, before, along) / counts
    which = (along > means[before]).long()
    following = torch.stack([torch.randperm(len(_SPOKEN)) + _SPOKEN.start for _ in range(2)])
    following[:, ::_ENDS_AFTER] = EOS
    # After <sos> stands what stands after one of the tokens, but not the first, which ends.
    place = torch.where(before == SOS, 1, (before - _SPOKEN.start).clamp(min=0))
    target = embedding[following[which, place]] * width**0.5
    hidden = gelu(last.mlp.w_1(last.mlp_norm(x)))
    inputs = torch.cat([hidden, torch.ones(len(hidden), 1)], dim=1).double()
    normal = inputs.T @ inputs + 1e-2 * torch.eye(inputs.shape[1])
    solved = torch.linalg.solve(normal, inputs.T @ (target - x).double()).float()
    last.mlp.w_2.weight.copy_(solved[:-1].T)
    last.mlp.w_2.bias.copy_(solved[-1])


def _encoded(model: FireRedAsrAed, banks: Tensor) -> tuple[Tensor, Tensor]:
    """Encoder output for some spans of the speech, and the mask of frames that are their own."""
    normalised = (banks - banks.mean(dim=0)) / banks.std(dim=0)
    frames = _SPAN_S * 100
    begins = np.linspace(0, len(banks) - frames, _SPANS).astype(int).tolist()
    features = torch.stack([normalised[begin : begin + frames] for begin in begins])
    lengths = torch.full((_SPANS,), frames)
    encoded = model.encoder(features, lengths)
    return encoded, own_frames(encoded.shape[1], encoded_frames(lengths))
