"""CAM++ for inference on a CPU: FunASR's weights, in fewer and faster steps.

Frames lie in rows with their channels side by side, as oneDNN reads them fastest.  Batch norms are
folded into the weights beside them, and each dense layer writes behind what it has read, instead of
copying that.  A vector is FunASR's but for rounding.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from worker.engine.fbank import MEL_BINS
from worker.engine.layers.linear import PackedMatrix

_TIME_STRIDE = 2
"""Filter-bank frames from one row to the next."""

_SEGMENT_ROWS = 100
"""Rows whose mean is the context of each of them (FunASR's seg_len)."""

_LAYERS_OF_ONE_WIDTH = 4
"""Dense layers that are read with one width, by columns of zeros: each width has a kernel of its
own, of which oneDNN keeps few (`worker.engine.layers.linear.KERNELS_KEPT`)."""

_WINDOWS_TOGETHER = 24
"""Windows whose rows pass through the dense layers together, at most."""

_ROW_PADDING = 16
"""Numbers between the end of a row and the next: rows a power of two apart would share few places
of a processor's cache."""

_FARTHEST_THRESHOLD = 1e15
"""Threshold of a ReLU from which on it is a constant: what such a scale makes of an input below a
million is lost in the rounding of the shift. The square of a larger one could overflow."""


def can_run(model: Any, frames: int) -> bool:
    """Return whether `Campplus` computes what a CAMPPlus of FunASR does, for windows of so many
    frames of MEL_BINS each."""
    nonlinear = [
        [type(part).__name__ for part in module]
        for name, module in model.xvector.named_modules()
        if "nonlinear" in name.rpartition(".")[2]
    ]
    return (
        bool(model.output_level == "segment")
        and bool(model.head.out_channels == model.head.conv2.out_channels * (MEL_BINS // 8))
        and all(parts in (["BatchNorm1d", "ReLU"], ["BatchNorm1d"]) for parts in nonlinear)
        and nonlinear.count(["BatchNorm1d"]) == 1
        and -(-frames // _TIME_STRIDE) <= _SEGMENT_ROWS
    )


class Campplus:
    """A CAMPPlus of FunASR that it `can_run`.

    A window has the same vector, to the last bit, among however many others.  For one thread: the
    rows of a pass are kept for the next.
    """

    def __init__(self, model: Any) -> None:
        head, xvector = model.head, model.xvector
        self._first = _Convolution(head.conv1, head.bn1)
        self._residual = [_ResidualBlock(block) for block in (*head.layer1, *head.layer2)]
        self._last = _Convolution(head.conv2, head.bn2)
        tdnn = xvector.tdnn
        over_bins = tdnn.linear.weight.unflatten(1, (head.conv2.out_channels, -1))
        self._tdnn = _Convolution(tdnn.linear, tdnn.nonlinear.batchnorm, over_bins)
        self._dense = [
            (_DenseBlock(xvector.get_submodule(f"block{number}")), _TransitLayer(transit))
            for number in (1, 2, 3)
            for transit in [xvector.get_submodule(f"transit{number}")]
        ]
        self._norm = _ClampedNorm(xvector.out_nonlinear.batchnorm)
        self._weight, self._bias = self._statistics_to_vector(xvector.dense)

    def _statistics_to_vector(self, dense: Any) -> tuple[Tensor, Tensor]:
        """Give weight and bias of the last layer, for mean and deviation of clamped rows."""
        scale, shift = _scale_and_shift(dense.nonlinear.batchnorm)
        of_mean, of_deviation = dense.linear.weight[..., 0].chunk(2, dim=1)
        weight = torch.cat([of_mean * self._norm.scale, of_deviation * self._norm.scale.abs()], 1)
        bias = of_mean @ self._norm.shift
        return scale[:, None] * weight, scale * bias + shift

    def __call__(self, features: Tensor) -> Tensor:
        """(windows, frames, MEL_BINS) to (windows, vector).

        The images of all windows come first: oneDNN keeps fewer kernels than images and rows need
        together, and would make them anew for each part.
        """
        rows = torch.cat([self._rows_of(window) for window in features.split(1)])
        parts = -(-len(rows) // _WINDOWS_TOGETHER)
        together = -(-len(rows) // parts)
        # Parts of one size, for kernels are made for each; the last is filled up.
        filled = nn.functional.pad(rows, (0, 0, 0, 0, 0, parts * together - len(rows)))
        return torch.cat([self._vectors(part) for part in filled.split(together)])[: len(rows)]

    def _vectors(self, rows: Tensor) -> Tensor:
        """(windows, T, channels) to (windows, vector)."""
        for dense, transit in self._dense:
            rows = transit(dense(rows))
        clamped = self._norm.clamp(rows)
        mean = clamped.mean(dim=1)
        # torch's own deviation takes twenty times as long.
        squares = clamped.sub_(mean[:, None]).square_().sum(dim=1)
        deviation = squares.div_(clamped.shape[1] - 1).sqrt_()
        return _product(torch.cat([mean, deviation], dim=1), self._weight, self._bias)

    def _rows_of(self, window: Tensor) -> Tensor:
        """Turn (1, frames, MEL_BINS) into (1, T, channels). The images of several windows together
        would leave the processor's cache."""
        image = window.transpose(1, 2)[:, None].contiguous(memory_format=torch.channels_last)
        image = self._first(image)
        for block in self._residual:
            image = block(image)
        return _rows(self._tdnn(self._last(image)))


class _ResidualBlock:
    """Two convolutions of an image (windows, channels, bins, frames), added to what they read."""

    def __init__(self, block: Any) -> None:
        self._first = _Convolution(block.conv1, block.bn1)
        self._second = _Convolution(block.conv2, block.bn2)
        self._shortcut = _Convolution(*block.shortcut, relu=False) if len(block.shortcut) else None

    def __call__(self, image: Tensor) -> Tensor:
        added = image if self._shortcut is None else self._shortcut(image)
        return self._second(self._first(image), added)


class _DenseBlock:
    """Layers of which each reads all that those before it wrote, of rows (windows, T, channels)."""

    def __init__(self, block: Any) -> None:
        layers = list(block)
        self._growth = layers[0].cam_layer.linear_local.out_channels
        step = _LAYERS_OF_ONE_WIDTH * self._growth
        self._layers = []
        for layer in layers:
            read = layer.linear1.in_channels
            self._layers.append((read, _DenseLayer(layer, -(-read // step) * step)))
        self._inputs = self._layers[0][0]
        self._outputs = self._layers[-1][0] + self._growth
        self._row = max(self._outputs, self._layers[-1][1].width) + _ROW_PADDING
        self._kept = torch.zeros(0, 0, self._row)

    def __call__(self, rows: Tensor) -> Tensor:
        """Give the rows with the layers' channels behind their own, in memory that the next call
        writes into."""
        if len(self._kept) < len(rows) or self._kept.shape[1] != rows.shape[1]:
            self._kept = rows.new_zeros(*rows.shape[:2], self._row)
        kept = self._kept[: len(rows)]
        kept[..., : self._inputs] = rows
        for read, layer in self._layers:
            layer.write(kept[..., : layer.width], kept[..., read : read + self._growth])
        return kept[..., : self._outputs]


class _DenseLayer:
    """A CAMDenseTDNNLayer: its convolution over neighbouring rows, weighted by their context."""

    def __init__(self, layer: Any, width: int) -> None:
        """`width`: channels that it is given, of which the first ones are its own."""
        self.width = width
        cam = layer.cam_layer
        self._norm = _ClampedNorm(layer.nonlinear1.batchnorm, width)
        scale, shift = _scale_and_shift(layer.nonlinear2.batchnorm)
        weight, bias = self._norm.folded(layer.linear1)
        self._bottleneck = PackedMatrix(scale[:, None] * weight)
        self._bias = scale * bias + shift
        local = cam.linear_local
        self._local = _Convolution(local, weight=local.weight[:, :, None], relu=False)
        # The mean over all rows and that of the only segment are the same.
        self._context = 2.0 * cam.linear1.weight[..., 0], cam.linear1.bias
        self._weights = cam.linear2.weight[..., 0], cam.linear2.bias

    def write(self, rows: Tensor, out: Tensor) -> None:
        """Read `rows` (windows, T, width), write `out` (windows, T, growth)."""
        narrow = self._bottleneck.product(self._norm.clamp(rows), self._bias, "relu")
        context = _product(narrow.mean(dim=1), *self._context).relu_()
        weights = _product(context, *self._weights).sigmoid_()
        local = _rows(self._local(narrow.transpose(1, 2)[:, :, None]))
        torch.mul(local, weights[:, None], out=out)


class _TransitLayer:
    """A TransitLayer: half the channels of rows (windows, T, channels)."""

    def __init__(self, transit: Any) -> None:
        self._norm = _ClampedNorm(transit.nonlinear.batchnorm)
        weight, self._bias = self._norm.folded(transit.linear)
        self._matrix = PackedMatrix(weight)

    def __call__(self, rows: Tensor) -> Tensor:
        return self._matrix.product(self._norm.clamp(rows), self._bias)


class _ClampedNorm:
    """A batch norm and the ReLU behind it, over the channels of rows: a clamp, and what is linear.

    relu(scale * x + shift) is 0 up to the threshold x = -shift / scale, and linear above it; where
    the scale is below 0, the other way round.  So x is clamped there, and scale and shift are left
    to the layer that reads it.
    """

    def __init__(self, norm: Any, width: int = 0) -> None:
        """Channels up to `width`, beyond the norm's own, are clamped to 0."""
        scale, shift = _scale_and_shift(norm)
        threshold = -shift / scale
        # True for 0 / 0 too, which is no number.
        is_constant = ~(threshold.abs() < _FARTHEST_THRESHOLD)
        beyond = scale.new_zeros(max(0, width - len(scale)))
        self.scale = torch.cat([torch.where(is_constant, 0.0, scale), beyond])
        self.shift = torch.cat([torch.where(is_constant, shift.relu(), shift), beyond])
        threshold = torch.cat([torch.where(is_constant, 0.0, threshold), beyond])
        self._least = torch.where(self.scale < 0, -torch.inf, threshold)
        self._most = torch.where(self.scale > 0, torch.inf, threshold)

    def clamp(self, rows: Tensor) -> Tensor:
        """Clamp `rows` (..., channels) at their thresholds, in new rows."""
        return torch.clamp(rows, self._least, self._most).contiguous()

    def folded(self, convolution: Any) -> tuple[Tensor, Tensor]:
        """Give weight (outputs, channels) and bias by which a convolution over single rows reads
        clamped ones."""
        weight = convolution.weight[..., 0]
        own = weight.shape[1]
        bias = weight @ self.shift[:own]
        if convolution.bias is not None:
            bias = bias + convolution.bias
        return nn.functional.pad(weight, (0, len(self.scale) - own)) * self.scale, bias


class _Convolution:
    """A convolution of images whose channels lie side by side, with what follows it fused."""

    def __init__(
        self, convolution: Any, norm: Any = None, weight: Any = None, *, relu: bool = True
    ) -> None:
        """One over rows is given with its `weight` as images take it: (outputs, channels, height,
        width)."""
        weight, self._bias = convolution.weight if weight is None else weight, convolution.bias
        if norm is not None:
            scale, shift = _scale_and_shift(norm)
            weight = scale[:, None, None, None] * weight
            self._bias = shift if self._bias is None else scale * self._bias + shift
        self._geometry = _geometry(convolution)
        self._weight = torch.ops.mkldnn._reorder_convolution_weight(weight, *self._geometry)
        self._then = "relu" if relu else "none"

    def __call__(self, image: Tensor, added: Tensor | None = None) -> Tensor:
        """`added` is added before the ReLU."""
        done: Tensor
        if added is None:
            done = torch.ops.mkldnn._convolution_pointwise(
                image, self._weight, self._bias, *self._geometry, self._then, [], ""
            )
        else:
            done = torch.ops.mkldnn._convolution_pointwise.binary(
                *(image, added, self._weight, self._bias, *self._geometry),
                *("add", 1.0, self._then, [], ""),
            )
        return done


def _geometry(convolution: Any) -> list[Any]:
    """Give padding, stride, dilation and groups, of a convolution over rows as of one of images of
    height 1."""
    padding, stride, dilation = convolution.padding, convolution.stride, convolution.dilation
    if convolution.weight.dim() == 3:
        padding, stride, dilation = (0, *padding), (1, *stride), (1, *dilation)
    return [list(padding), list(stride), list(dilation), convolution.groups]


def _product(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """(windows, inputs) to (windows, outputs), each window by itself: a product of few rows gives
    the last ones other last bits."""
    return (x[:, None] * weight).sum(dim=-1).add_(bias)


def _rows(image: Tensor) -> Tensor:
    """Turn (windows, channels, 1, T) into (windows, T, channels)."""
    return image[:, :, 0].transpose(1, 2)


def _scale_and_shift(norm: Any) -> tuple[Tensor, Tensor]:
    """Give what a batch norm multiplies each channel by, and what it adds then."""
    scale = (norm.running_var + norm.eps).rsqrt()
    if norm.affine:
        scale = scale * norm.weight
    shift = -norm.running_mean * scale
    return scale, shift + norm.bias if norm.affine else shift
