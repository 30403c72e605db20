"""The displacement field: how far from each of the person's pixels its cloth lies in the garment photograph.

Garment pixels are entered into an atlas of the body under their surface coordinates (part, U, V), and the person's
pixels look theirs up. Neighbours on a body are displaced alike, so the field is averaged over a small window, which
takes out the rounding of coordinates; and it is spread to what the photograph does not show and to cloth clear of the
body, where the pattern then simply goes on. All in integers, which no precision rounds: half a pixel would tear
stripes, and bf16 tells no more than 256 pixels apart.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ...data.classes import NUM_BODY_PARTS
from ..operators import (
    computed_zeros,
    materialised,
    neighbour_sums,
    numbered,
    planes,
    quotient,
    read_flat,
    rows_and_columns,
    split_by_number,
)
from ..push_pull import doubled, pull, push
from .atlas import enter

SUBPIXELS = 16
"""Units of a displacement in a pixel."""

HALVINGS = 5
"""The frame's sides are multiples of 2^HALVINGS; farther than that nothing is spread."""

DECAY = 0.9
"""What is left of the confidence with every doubling of the distance."""

WINDOW = 5
"""Cells of two pixels a side; their displacements are averaged."""

ENOUGH = 8
"""Pixels in a window that must have found their place for the average to count as seen."""


def frame_texels(height: int, width: int) -> int:
    """Return how many texels a side of a body part's chart gets in an atlas for a frame.

    More would leave the person's pixels between those of the photograph, fewer would move them. 25 charts always hold
    more texels than a frame has pixels, as TensorRT's ScatterElements needs.
    """
    texels = 32
    while 2 * NUM_BODY_PARTS * texels * texels < 3 * height * width:
        texels += 32
    return texels


def photographs(wanted: Tensor, worn: Tensor) -> Tensor:
    """Return which of all requests' photographs each pixel takes its cloth from, int32 `[N, H, W]`.

    `wanted` `[N, H, W]` counts a request's photographs, those of `worn` `[N, M, H, W]`, from 1. Where nothing is wanted
    it is the first.
    """
    return numbered((wanted - 1).clamp(min=0), worn)


def displaced_pixels(
    wanted: Tensor, densepose: Tensor, garment_densepose: Tensor, worn: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Find where in its garment photograph each of the person's pixels lies.

    Parameters
    ----------
    wanted
        Which photograph each of the person's pixels takes its cloth from, int32 `[N, H, W]`: 1 to M, else none.
    densepose
        The person's body map, integers `[N, H, W, 3]`. Without coordinates (U = V = 0) a pixel is off the body.
    garment_densepose
        The photographs' body maps, integers `[N, M, H, W, 3]`.
    worn
        1 where a photograph shows what is worn from it, else 0, int32 `[N, M, H, W]`.

    Returns
    -------
    x, y
        Column and row in the photograph, int32 `[N, H·W]` in units of 1/SUBPIXELS of a pixel, within the frame. Of no
        account where nothing is wanted.
    confidence
        float32 `[N, H·W]` in [0, 1]: 1 where the window found its place, less the farther it was spread, 0 where the
        photograph tells nothing or nothing is wanted.
    """
    height, width = worn.shape[2:]
    field, sure = _field(wanted, densepose, garment_densepose, worn)
    photograph = photographs(wanted, worn)
    row, column = rows_and_columns(height, width, worn.device)
    here = photograph * (height // 2 * (width // 2)) + row // 2 * (width // 2) + column // 2
    confidence = read_flat(sure, here) * (wanted > 0).to(torch.float32)
    x, y = _interpolated(field, photograph, row, column)
    x = (x + (column - width) * SUBPIXELS).clamp(min=0, max=(width - 1) * SUBPIXELS)
    y = (y + (row - height) * SUBPIXELS).clamp(min=0, max=(height - 1) * SUBPIXELS)
    return x.flatten(1), y.flatten(1), confidence.flatten(1)


def _interpolated(field: Tensor, photograph: Tensor, row: Tensor, column: Tensor) -> tuple[Tensor, Tensor]:
    """Read a field `[B, 2, H/2, W/2]` bilinearly, rounded, at pixels `[N, H, W]`, which lie between its cells' middles.

    Only where a pixel takes its cloth from: to make every photograph's field of full size would take longer.
    """
    height, width = field.shape[2:]
    rows, columns = _neighbours(row, height), _neighbours(column, width)
    first = photograph * (2 * height * width)
    found = []
    for axis in range(2):
        parts = [
            # Added bit by bit, for the reason of `computed_zeros`.
            weight_y * weight_x * read_flat(field, first + (axis * height + y) * width + x)
            for y, weight_y in zip(rows, (3, 1), strict=True)
            for x, weight_x in zip(columns, (3, 1), strict=True)
        ]
        found.append(quotient(sum(parts[1:], parts[0]) + 8, 16))
    return found[0], found[1]


def _field(wanted: Tensor, densepose: Tensor, garment_densepose: Tensor, worn: Tensor) -> tuple[Tensor, Tensor]:
    """Return for cells of 2×2 pixels how far the photograph's pixels lie from the person's, and how sure that is.

    Parameters
    ----------
    wanted, densepose, garment_densepose, worn
        See `displaced_pixels`.

    Returns
    -------
    displacement
        x and y in subpixels, int32 `[N·M, 2, H/2, W/2]`, counted from minus a frame's size: no number is negative, so
        all division rounds one way.
    confidence
        float32 `[N·M, 1, H/2, W/2]`.
    """
    found = split_by_number(_displacements(wanted, densepose, garment_densepose, worn), wanted, worn.shape[1])
    pyramid = push(_apart(_sums_of_four(found), _base(*worn.shape[2:])), HALVINGS - 1, _sums_of_four)
    pyramid[0] = _window_sums(pyramid[0])
    means = [_mean(level, ENOUGH if level is pyramid[0] else 1) for level in pyramid]
    mean, seen = means.pop()
    anywhere = seen.sum(dim=(2, 3), keepdim=True).to(torch.int32).clamp(min=1)
    mean = torch.where(seen > 0, mean, quotient((mean * seen).sum(dim=(2, 3), keepdim=True).to(torch.int32), anywhere))
    known = [(own, some > 0) for own, some in means]
    mean = pull(known, mean, _twice, kept=materialised)
    sure = pull([(1.0, some) for _, some in known], seen.to(torch.float32), lambda coarse: doubled(coarse) * DECAY)
    return mean, sure


def _displacements(wanted: Tensor, densepose: Tensor, garment_densepose: Tensor, worn: Tensor) -> Tensor:
    """Return how far the photograph's pixel at the same point of the body lies from each of the person's.

    Both ways counted from minus a frame's size, and as one number, so that one is scattered and read instead of three:
    1, y and x are its digits in the system of `_base`. int32 `[N, H, W]`; 0 where there is no such pixel.
    """
    height, width = worn.shape[2:]
    texels, base = frame_texels(height, width), _base(height, width)
    # Pixels that are not entered gather in the background's chart.
    texel = _texel(garment_densepose.flatten(0, 1), texels) * worn.flatten(0, 1)
    row, column = rows_and_columns(height, width, worn.device)
    place = computed_zeros(texel) + (row + height + base) * base + (column + width)
    size = NUM_BODY_PARTS * texels**2
    atlas = enter(place.flatten(1), texel.flatten(1), size)
    atlas = _without_background(atlas.view(-1, NUM_BODY_PARTS, texels**2))
    there = read_flat(atlas, photographs(wanted, worn) * size + _texel(densepose, texels))
    # Nothing less a place is below 0.
    return materialised((there - row * base - column).clamp(min=0) * (wanted > 0).to(torch.int32))


def _base(height: int, width: int) -> int:
    """Return the base of numbers whose digits are displacements or sums of four of them, of which none overflows."""
    base = 8 * max(height, width)
    if 5 * base**2 >= 2**31:
        raise ValueError(f"a frame of {height}x{width} is too large for int32 displacements; allowed: sides up to 2560")
    return base


def _apart(sums: Tensor, base: int) -> Tensor:
    """Return x, y and how many, int32 `[B, 3, h, w]`, from sums of `_displacements`, `[B, h, w]`."""
    upper = quotient(sums, base)
    number = quotient(sums, base**2)
    return torch.stack([sums - upper * base, upper - number * base, number], dim=1)


def _without_background(atlas: Tensor) -> Tensor:
    """Empty the first chart of `[B, 25, texels²]`, the background's, and of others the first texel.

    Pixels without coordinates are there.
    """
    part, texel = ((torch.arange(size, device=atlas.device) > 0).to(torch.int32) for size in atlas.shape[1:])
    return atlas * part.unsqueeze(1) * texel


def _texel(densepose: Tensor, texels: int) -> Tensor:
    """Return each pixel's texel in an atlas of 25 charts, int32 `[B, H, W]`.

    Unlike `atlas.texel_index`, coordinates are rounded to nearest, 0 and 255 being the first and the last texel's
    middle: half a texel would move the pattern. Bytes have tables, which take less time than the arithmetic.
    """
    byte = torch.arange(256, dtype=torch.int32, device=densepose.device)
    place = (byte * (texels - 1) + 127) // 255
    part = byte * (byte < NUM_BODY_PARTS).to(torch.int32) * texels**2  # what is no part is off the body
    body = planes(densepose.to(torch.int32))
    return read_flat(part, body[0]) + read_flat(place * texels, body[1]) + read_flat(place, body[2])


def _sums_of_four(x: Tensor) -> Tensor:
    """Add each 2×2 pixels of `[..., H, W]`."""
    x = x[..., ::2, :] + x[..., 1::2, :]
    return x[..., ::2] + x[..., 1::2]


def _window_sums(x: Tensor) -> Tensor:
    """Add up the WINDOW×WINDOW pixels around each of `[B, C, H, W]`."""
    margin = WINDOW // 2
    rows = neighbour_sums(F.pad(x, (0, 0, margin, margin)), 2, WINDOW)
    return neighbour_sums(F.pad(rows, (margin, margin)), 3, WINDOW)


def _mean(sums: Tensor, enough: int) -> tuple[Tensor, Tensor]:
    """Turn sums of displacements, and how many, `[B, 3, h, w]`, into means in subpixels `[B, 2, h, w]`.

    Also return 1 where there were enough, int32 `[B, 1, h, w]`.
    """
    number = sums[:, 2:]
    return quotient(sums[:, :2] * SUBPIXELS, number.clamp(min=1)), (number >= enough).to(torch.int32)


def _twice(x: Tensor) -> Tensor:
    """Interpolate `[B, C, h, w]` bilinearly to twice the size, rounded."""
    for axis in (3, 2):
        near, beside = _neighbours(torch.arange(2 * x.shape[axis], device=x.device), x.shape[axis])
        x = 3 * x.index_select(axis, near) + x.index_select(axis, beside)
    return quotient(x + 8, 16)


def _neighbours(at: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return which of so many cells in a row a place of half their size lies in, and which is next to it.

    Bilinear weights are 3 and 1.
    """
    return at // 2, (at // 2 + at % 2 * 2 - 1).clamp(min=0, max=size - 1)
