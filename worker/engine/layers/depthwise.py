"""Convolutions of each channel by itself, along the frames of spans."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import conv1d, conv2d


def convolve_channels(rows: Tensor, weight: Tensor, padding: int) -> Tensor:
    """(batch, T, width) frames by `weight` (width, 1, kernel), with `padding` zeros on both sides.

    torch takes channels for rows.  On a CPU it lays all frames out anew before such a convolution
    and leaves the result across, which whatever comes next reads slowly: most of what the memory of
    a SANM layer took.  As an image of height 1 channels may lie side by side, and the same kernel
    reads and writes them where they are, with the same sums to the last bit.
    """
    columns, width = rows.transpose(1, 2), rows.shape[2]
    if rows.device.type != "cpu":
        return conv1d(columns, weight, padding=padding, groups=width).transpose(1, 2)
    image = conv2d(columns[:, :, None], weight[:, :, None], padding=(0, padding), groups=width)
    return image[:, :, 0].transpose(1, 2)
