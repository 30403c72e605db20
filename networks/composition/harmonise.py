"""Bared pixels in the colours of what is kept around them.

What an outfit bares, the background and the skin behind the old garment, is painted by the network and lies beside
the same background and skin of the photograph. The network draws those kept pixels too, so there the error of its
colour is known. That error is smooth: it is averaged over blocks, spread into the bared area from fine blocks where
there are kept pixels and from ever coarser ones where there are none (`oviton.networks.push_pull`), and taken off. No
outline of the old garment is left, and bared skin has the tone of its owner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ...data.classes import BACKGROUND, SKIN
from ..operators import class_mask, read_values, sort_rows, upsampled_rows
from ..push_pull import doubled, push

_GROUPS = ((BACKGROUND,), SKIN)
"""Classes whose colours err alike; all others are one more group."""

_BLOCK = 4
"""Pixels in a row of the finest block; finer ones would carry the photograph's texture along."""

_PULL = 0.25
"""What the next coarser block weighs beside one that is full of kept pixels."""


def harmonise(generated: Tensor, person_image: Tensor, labels: Tensor, kept: Tensor, wanted: Tensor) -> Tensor:
    """Return the generated picture without the smooth part of its error at the kept pixels.

    Parameters
    ----------
    generated, person_image
        The network's picture and the photograph, float32 `[N, 3, H, W]`, 0 to 255.
    labels
        The new segmentation, integers `[N, H, W]`. A pixel learns from kept ones of its own group: background, skin, or
        anything else.
    kept
        float32 `[N, 1, H, W]`: 1 where the person's pixel is clean and stays, else 0.
    wanted
        float32 `[N, 1, H, W]`: 1 where the picture may change, else 0.

    Returns
    -------
    Tensor
        float32 `[N, 3, H, W]`, not clamped; unchanged in a group without a kept pixel.
    """
    background, skin = (
        read_values(class_mask(group, labels.device)[0].float(), labels).unsqueeze(1) for group in _GROUPS
    )
    members = (background, skin, 1 - background - skin)
    known = [member * kept for member in members]
    error = generated - person_image
    spread = _spread(_block_means(error, known))
    found = []
    for k, rows in enumerate(upsampled_rows(spread, _BLOCK)):
        own = [rows[:, 3 * g : 3 * g + 3] * member[:, :, k::_BLOCK] for g, member in enumerate(members)]
        found.append(sum(own[1:], own[0]))
    return generated - sort_rows(found, axis=2) * wanted


def _block_means(error: Tensor, known: Sequence[Tensor]) -> Tensor:
    """Average three values, times each group's weights, and then the weights, over blocks of pixels.

    Rows of a block are added before anything is kept: of all those channels, nothing is made at full size.

    Parameters
    ----------
    error
        What is averaged, `[N, 3, H, W]`.
    known
        The weights of each group, `[N, 1, H, W]`.

    Returns
    -------
    Tensor
        Three means for each of G groups, then the groups' weights: `[N, 4 G, H / _BLOCK, W / _BLOCK]`.
    """
    rows = []
    for k in range(_BLOCK):
        weights = [each[:, :, k::_BLOCK] for each in known]
        rows.append(torch.cat([*(error[:, :, k::_BLOCK] * weight for weight in weights), *weights], dim=1))
    return torch.unflatten(sum(rows[1:], rows[0]), 3, (-1, _BLOCK)).sum(dim=4) / _BLOCK**2


def _spread(blocks: Tensor) -> Tensor:
    """Spread three values a group, times weights, and the groups' weights, `[N, 4 G, h, w]`: `[N, 3 G, h, w]`."""
    groups, common = blocks.shape[1] // 4, math.gcd(*blocks.shape[2:])
    pyramid = push(blocks, (common & -common).bit_length() - 1)  # as often as both sides can be halved
    whole = pyramid[-1].mean(dim=(2, 3), keepdim=True)
    found = whole[:, : 3 * groups] / whole[:, 3 * groups :].repeat_interleave(3, dim=1).clamp(min=1e-6)
    for level in reversed(pyramid):
        weights = level[:, 3 * groups :].repeat_interleave(3, dim=1)
        found = (level[:, : 3 * groups] + _PULL * found) / (weights + _PULL)
        if level is not pyramid[0]:
            found = doubled(found)
    return found
