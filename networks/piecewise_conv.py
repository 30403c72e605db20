"""A convolution over a block-constant map, at the cost of one over the blocks.

The shape generator's first convolution sees 200 channels of codes, nearest-upsampled from an 8×4 grid, so constant on
large blocks. Along each axis a k-tap kernel then meets at most two blocks, and the way its taps fall on them takes
only a handful of patterns a block (k at stride 1). The convolution is therefore a 3×3 convolution on the grid with
taps summed by pattern, followed by a gather: the same weights, the same result to rounding, and the upsampled map is
never made.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PiecewiseConstantConv2d(nn.Module):
    """Convolve the nearest-upsampled codes, reflection-padded, without upsampling them.

    Equal to ``conv2d(reflection_pad(interpolate(codes, mode="nearest")), weight)`` with no bias.

    Parameters
    ----------
    inputs, outputs
        How many channels codes and result have.
    kernel
        The kernel's size, at most one more than the block.
    stride
        The stride of the full-resolution convolution.
    padding
        The reflection padding of the full-resolution convolution, smaller than the block, such that the size is kept
        (divided by `stride`).
    grid
        How many rows and columns the codes have.
    size
        The height and width of the upsampled map, multiples of `grid`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int,
        padding: int,
        grid: tuple[int, int],
        size: tuple[int, int],
    ) -> None:
        super().__init__()
        self.kernel, self.grid = kernel, grid
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        for axis, (cells, length) in enumerate(zip(grid, size, strict=True)):
            patterns, source = _tap_patterns(cells, length // cells, kernel, stride, padding)
            self.register_buffer(f"patterns{axis}", patterns, persistent=False)
            self.register_buffer(f"source{axis}", source, persistent=False)

    def forward(self, codes: Tensor) -> Tensor:
        """Map codes `[N, inputs, rows, columns]` to `[N, outputs, H / stride, W / stride]`."""
        rows, columns = self.grid
        row_patterns, column_patterns = self._buffer("patterns0"), self._buffer("patterns1")
        p, q = row_patterns.shape[0], column_patterns.shape[0]
        outputs, inputs = self.weight.shape[:2]

        # Sum the taps that fall on the previous, own and next block: [O, I, k, k] -> [O, I, p·3, q·3].
        summed = row_patterns.reshape(p * 3, -1).to(codes.dtype) @ self.weight
        summed = summed @ column_patterns.reshape(q * 3, -1).to(codes.dtype).T
        kernels = (
            summed.reshape(outputs, inputs, p, 3, q, 3).permute(0, 2, 4, 1, 3, 5).reshape(outputs * p * q, inputs, 3, 3)
        )
        # Reflection at the border lands in the border block itself: replication on the grid.
        cells = F.conv2d(F.pad(codes, (1, 1, 1, 1), mode="replicate"), kernels)
        cells = cells.reshape(-1, outputs, p, q, rows, columns).permute(0, 1, 4, 2, 5, 3)
        cells = cells.reshape(-1, outputs, rows * p, columns * q)
        return cells.index_select(2, self._buffer("source0")).index_select(3, self._buffer("source1"))

    def _buffer(self, name: str) -> Tensor:
        return self.get_buffer(name)


def _tap_patterns(cells: int, block: int, kernel: int, stride: int, padding: int) -> tuple[Tensor, Tensor]:
    """Return the tap patterns `[P, 3, kernel]` along one axis, and for each output its row `cell · P + pattern`."""
    keeps_size = (cells * block + 2 * padding - kernel) // stride + 1 == cells * block // stride
    if kernel > block + 1 or padding >= block or block % stride or not keeps_size:
        raise ValueError(f"kernel {kernel}, stride {stride} and padding {padding} do not suit blocks of {block} pixels")
    found: dict[tuple[int, ...], int] = {}
    source = []
    for output in range(cells * block // stride):
        first = output * stride - padding
        cell = output * stride // block
        offsets = tuple((first + tap) // block - cell for tap in range(kernel))
        source.append((cell, found.setdefault(offsets, len(found))))
    patterns = torch.zeros(len(found), 3, kernel)
    for offsets, index in found.items():
        for tap, offset in enumerate(offsets):
            patterns[index, offset + 1, tap] = 1.0
    return patterns, torch.tensor([cell * len(found) + index for cell, index in source])
