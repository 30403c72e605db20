"""Bilinear upsampling, row by row, without ever holding the large picture of many channels.

What is upsampled here is reduced at once: to the largest channel, or to a sum over channels. Rows that lie alike
between the coarse ones are therefore kept apart until then, and only the results are sorted in. It equals
`torch.nn.functional.interpolate`, for which OpenVINO takes up to seven times as long on CPUs with AVX-512: it lays
every picture out in blocks of 16 channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def upsampled_rows(x: Tensor, finer: int) -> list[Tensor]:
    """Upsample bilinearly, in as many parts as rows come from one.

    Parameters
    ----------
    x
        `[N, C, h, w]`.
    finer
        How many rows and columns are made of one, at least 2.

    Returns
    -------
    list
        `finer` tensors `[N, C, h, w·finer]`; the k-th holds rows k, k + finer, … of the upsampled picture.
    """
    wide = x @ torch.from_numpy(_column_weights(x.shape[3], finer)).to(x.device, x.dtype)
    above = torch.cat([wide[:, :, :1], wide[:, :, :-1]], dim=2)
    below = torch.cat([wide[:, :, 1:], wide[:, :, -1:]], dim=2)
    rows = []
    for offset in _offsets(finer):
        rows.append((1 - abs(offset)) * wide + abs(offset) * (below if offset > 0 else above))
    return rows


def sort_rows(rows: Sequence[Tensor], axis: int) -> Tensor:
    """Put rows that came apart back in order: tensors of h rows along `axis`, to one of h·len(rows)."""
    return torch.stack(tuple(rows), dim=axis + 1).flatten(axis, axis + 1)


def _offsets(finer: int) -> list[float]:
    """Return how far the middles of a pixel's parts lie from its own, in pixels."""
    return [(part + 0.5) / finer - 0.5 for part in range(finer)]


def _column_weights(width: int, finer: int) -> npt.NDArray[np.float32]:
    """Return what each column gives to the finer ones, `[w, w·finer]`. At the borders the last one is repeated."""
    weights = np.zeros((width, width * finer), dtype=np.float32)
    columns = np.arange(width)
    for part, offset in enumerate(_offsets(finer)):
        beside = np.clip(columns + (1 if offset > 0 else -1), 0, width - 1)
        weights[columns, columns * finer + part] += 1 - abs(offset)
        weights[beside, columns * finer + part] += abs(offset)
    return weights
