"""The Conformer encoder of FireRedASR: filter banks in, a row of `width` for every 40 ms out.

Written by the published equations (Gulati et al. 2020, with Transformer-XL's relative positions),
with the parameters named as in the released checkpoints.  What differs from the usual Conformer
there: queries, keys and values are normalised each by itself, half a residual is scaled with the
half step of a feed-forward layer, and the norm within the convolution is over channels.

Padding is behind a span's own frames and never reaches them: it is masked in attention and zeroed
before every convolution, as zeros stand behind the end of a span that is alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import glu, pad, scaled_dot_product_attention, silu

from worker.engine.firered.positions import sinusoids
from worker.engine.layers.depthwise import convolve_channels

SUBSAMPLING = 4
_CHANNELS = 32
_STRIDES = 2
"""Convolutions that halve the frames, and the bins with them."""
_REACH = 3
"""Feature frames that an encoder frame looks at behind its own four; zeros at a span's end."""
_WINDOW = 25
"""Encoder frames, a second."""


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """Sizes of the encoder according to a checkpoint's arguments."""

    bins: int
    blocks: int
    heads: int
    width: int
    kernel: int


class Conformer(nn.Module):
    """(spans, T, bins) to (spans, ceil(T / 4), width)."""

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.shape = shape
        self.input_preprocessor = Subsampling(shape)
        self.layer_stack = nn.ModuleList(Block(shape) for _ in range(shape.blocks))

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """`lengths`: (spans,) own feature frames, on the device of the features. Rows beyond a
        span's own hold anything finite."""
        # Rounded layers add to a float32 sum: a sum in 16 bits loses what later blocks add.
        x: Tensor = self.input_preprocessor(_zeroed(features, lengths)).float()
        is_own = own_frames(x.shape[1], encoded_frames(lengths))
        distances = torch.arange(x.shape[1] - 1, -x.shape[1], -1, device=x.device)
        positions = sinusoids(distances, self.shape.width)
        for block in self.layer_stack:
            x = block(x, positions, is_own)
        return x


def encoded_frames(lengths: Tensor) -> Tensor:
    """Number of encoder frames that a number of feature frames gives."""
    return (lengths + SUBSAMPLING - 1) // SUBSAMPLING


def own_frames(frames: int, lengths: Tensor) -> Tensor:
    """(spans, frames): whether a frame is the span's own."""
    return torch.arange(frames, device=lengths.device)[None] < lengths[:, None]


def _zeroed(x: Tensor, lengths: Tensor) -> Tensor:
    return x.masked_fill(~own_frames(x.shape[1], lengths)[..., None], 0.0)


class Subsampling(nn.Module):
    """Pair of convolutions of stride 2 over time and bins."""

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, _CHANNELS, 3, 2),
            nn.ReLU(),
            nn.Conv2d(_CHANNELS, _CHANNELS, 3, 2),
            nn.ReLU(),
        )
        bins = shape.bins
        for _ in range(_STRIDES):
            bins = (bins - 1) // 2
        self.out = nn.Linear(_CHANNELS * bins, shape.width)

    def forward(self, features: Tensor) -> Tensor:
        """(spans, T, bins) to (spans, ceil(T / 4), width).

        By windows of a second: the maps of all would take 30 times the features at once.
        """
        frames = -(-features.shape[1] // SUBSAMPLING)
        windows = -(-frames // _WINDOW)
        step = _WINDOW * SUBSAMPLING
        rows = pad(features, (0, 0, 0, windows * step + _REACH - features.shape[1]))
        parts = []
        for window in rows.unfold(1, step + _REACH, step).transpose(2, 3).flatten(0, 1):
            maps: Tensor = self.conv(window[None, None])
            parts.append(self.out(maps.transpose(1, 2).flatten(2)))
        return torch.cat(parts).view(len(features), windows * _WINDOW, -1)[:, :frames]


class Block(nn.Module):
    """Half a feed-forward layer, attention, convolution, half a feed-forward layer, a norm."""

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.ffn1 = FeedForward(shape.width)
        self.mhsa = RelativeAttention(shape.heads, shape.width)
        self.conv = Convolution(shape.width, shape.kernel)
        self.ffn2 = FeedForward(shape.width)
        self.layer_norm = nn.LayerNorm(shape.width)

    def forward(self, x: Tensor, positions: Tensor, is_own: Tensor) -> Tensor:
        # A layer's own residual is within its half: 0.5 x + 0.5 (x + f(x)).
        x = x + 0.5 * self.ffn1(x)
        x = x + self.mhsa(x, positions, is_own)
        x = x + self.conv(x, is_own)
        x = x + 0.5 * self.ffn2(x)
        out: Tensor = self.layer_norm(x)
        return out


class FeedForward(nn.Module):
    """A norm and two layers with Swish between them; the numbers are those of the checkpoint."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 4 * width),
            nn.SiLU(inplace=True),
            nn.Identity(),
            nn.Linear(4 * width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out


class Convolution(nn.Module):
    """A gate, a convolution of each channel by itself, a norm, Swish."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.pre_layer_norm = nn.LayerNorm(width)
        # Convolutions of kernel 1 in the checkpoint, which are linear layers.
        self.pointwise_conv1 = nn.Linear(width, 4 * width, bias=False)
        self.depthwise_conv = nn.Conv1d(
            2 * width, 2 * width, kernel, padding=(kernel - 1) // 2, groups=2 * width, bias=False
        )
        self.batch_norm = nn.LayerNorm(2 * width)
        self.pointwise_conv2 = nn.Linear(2 * width, width, bias=False)

    def forward(self, x: Tensor, is_own: Tensor) -> Tensor:
        gated = glu(self.pointwise_conv1(self.pre_layer_norm(x)), dim=-1)
        gated = gated.masked_fill(~is_own[..., None], 0.0)
        weight = self.depthwise_conv.weight
        convolved = convolve_channels(gated, weight, (weight.shape[-1] - 1) // 2)
        out: Tensor = self.pointwise_conv2(silu(self.batch_norm(convolved)))
        return out


class RelativeAttention(nn.Module):
    """Self-attention that knows how far apart two frames are.

    The score of a frame i for a frame j is (q + u) k_j + (q + v) p_(i - j).  The second part is a
    matrix of frames times distances that is given to torch's fused attention as a bias, for some
    heads and spans at a time, so that no more of it is there at once than the feed-forward layers
    take.
    """

    def __init__(self, heads: int, width: int) -> None:
        super().__init__()
        self._heads, self._width = heads, width // heads
        self.layer_norm_q = nn.LayerNorm(width)
        self.layer_norm_k = nn.LayerNorm(width)
        self.layer_norm_v = nn.LayerNorm(width)
        self.w_qs = nn.Linear(width, width, bias=False)
        self.w_ks = nn.Linear(width, width, bias=False)
        self.w_vs = nn.Linear(width, width, bias=False)
        self.linear_pos = nn.Linear(width, width, bias=False)
        self.pos_bias_u = nn.Parameter(torch.empty(heads, self._width))
        self.pos_bias_v = nn.Parameter(torch.empty(heads, self._width))
        self.fc = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, positions: Tensor, is_own: Tensor) -> Tensor:
        """`positions`: (2 T - 1, width), from the distance T - 1 down to 1 - T."""
        query = self._by_head(self.w_qs(self.layer_norm_q(x)))
        key = self._by_head(self.w_ks(self.layer_norm_k(x)))
        value = self._by_head(self.w_vs(self.layer_norm_v(x)))
        distances = self._by_head(self.linear_pos(positions)[None])
        of_head = torch.arange(self._heads, device=x.device).repeat(len(x))
        context = []
        for chosen in _slices(len(of_head), matrices_together(x)):
            heads = of_head[chosen]
            asked = query[chosen]
            by_distance = (asked + self.pos_bias_v[heads, None]) @ distances[heads].mT
            bias = shifted(by_distance) * self._width**-0.5
            hidden = ~is_own.repeat_interleave(self._heads, dim=0)[chosen, None]
            context.append(
                scaled_dot_product_attention(  # the fused one wants four dimensions
                    (asked + self.pos_bias_u[heads, None])[:, None],
                    key[chosen, None],
                    value[chosen, None],
                    attn_mask=bias.masked_fill_(hidden, -torch.inf).to(asked.dtype)[:, None],
                )[:, 0]
            )
        by_span = torch.cat(context).unflatten(0, (len(x), self._heads))
        out: Tensor = self.fc(by_span.transpose(1, 2).flatten(2))
        return out

    def _by_head(self, x: Tensor) -> Tensor:
        """(spans, T, width) to (spans * heads, T, width of a head)."""
        by_head: Tensor = x.unflatten(-1, (self._heads, self._width)).transpose(1, 2).flatten(0, 1)
        return by_head


def matrices_together(x: Tensor) -> int:
    """Number of heads times spans to attend to at once in (spans, T, width): their matrices of T
    times 2 T distances, and as large a bias, are to take no more than eight numbers times the width
    for each frame of the batch."""
    spans, frames, width = x.shape
    return max(1, spans * 8 * width // (4 * frames))


def _slices(count: int, together: int) -> list[slice]:
    return [slice(first, first + together) for first in range(0, count, together)]


def shifted(by_distance: Tensor) -> Tensor:
    """(..., T, 2 T - 1) scores by distance, T - 1 first, to (..., T, T) by the other frame.

    Row i wants the distances i, i - 1, ..., i - T + 1, which begin at T - 1 - i: a view of the same
    numbers whose rows are each one number shorter.
    """
    frames, distances = by_distance.shape[-2:]
    if frames == 1:
        return by_distance
    flat = by_distance.flatten(-2)[..., frames - 1 : frames - 1 + frames * (distances - 1)]
    rows: Tensor = flat.unflatten(-1, (frames, distances - 1))
    return rows[..., :frames]
