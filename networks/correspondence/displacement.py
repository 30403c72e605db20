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
from ..operators import materialised, quotient

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


def texels_for(height: int, width: int) -> int:
    """Return how many texels a side of a body part's chart gets in an atlas for a frame.

    More would leave the person's pixels between those of the photograph, fewer would move them. 25 charts always hold
    more texels than a frame has pixels, as TensorRT's ScatterElements needs.
    """
    texels = 32
    while 2 * NUM_BODY_PARTS * texels * texels < 3 * height * width:
        texels += 32
    return texels


def photographs(wanted: Tensor, garments: int) -> Tensor:
    """Return which of all requests' photographs each pixel takes its cloth from, int32 `[N, H, W]`.

    `wanted` `[N, H, W]` counts a request's from 1. Where nothing is wanted it is the request's first.
    """
    first = torch.arange(wanted.shape[0], dtype=torch.int32, device=wanted.device).view(-1, 1, 1) * garments
    return (wanted - 1).clamp(min=0) + first


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
        int32 `[N, M, H, W]`: 1 where the photograph shows what is worn from it.

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
    photograph = photographs(wanted, worn.shape[1])
    row, column = _rows_and_columns(height, width, worn.device)
    here = photograph * (height // 2 * (width // 2)) + row // 2 * (width // 2) + column // 2
    confidence = _read(sure, here) * (wanted > 0).to(torch.float32)
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
            # Added bit by bit: a graph would keep the places of all pixels as half a megabyte of constants.
            weight_y * weight_x * _read(field, first + (axis * height + y) * width + x)
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
    garments = worn.shape[1]
    # Six dimensions: up to five OpenVINO lays out in blocks of 8 or 16 photographs.
    order = torch.arange(1, garments + 1, dtype=torch.int32, device=worn.device).view(1, -1, 1, 1, 1, 1)
    own = (wanted[:, None, None, None] == order).to(torch.int32)
    found = _displacements(wanted, densepose, garment_densepose, worn)[:, None, None, None] * own
    sums = _apart(_sums_of_four(found.flatten(0, 3)), _base(*worn.shape[2:]))
    pyramid = [_window_sums(sums)]
    for _ in range(HALVINGS - 1):
        sums = _sums_of_four(sums)
        pyramid.append(sums)

    mean, seen = _mean(pyramid.pop(), 1)
    anywhere = seen.sum(dim=(2, 3), keepdim=True).to(torch.int32).clamp(min=1)
    mean = torch.where(seen > 0, mean, quotient((mean * seen).sum(dim=(2, 3), keepdim=True).to(torch.int32), anywhere))
    sure = seen.to(torch.float32)
    for level in reversed(pyramid):
        own_mean, seen = _mean(level, ENOUGH if level is pyramid[0] else 1)
        mean = materialised(torch.where(seen > 0, own_mean, _twice(mean)))
        spread = F.interpolate(sure, scale_factor=2.0, mode="bilinear") * DECAY
        sure = torch.where(seen > 0, torch.ones_like(spread), spread)
    return mean, sure


def _displacements(wanted: Tensor, densepose: Tensor, garment_densepose: Tensor, worn: Tensor) -> Tensor:
    """Return how far the photograph's pixel at the same point of the body lies from each of the person's.

    Both ways counted from minus a frame's size, and as one number, which takes a third of the time of three: 1, y and x
    are its digits in the system of `_base`. int32 `[N, H, W]`; 0 where there is no such pixel.
    """
    count, garments, height, width = worn.shape
    texels, base = texels_for(height, width), _base(height, width)
    # Pixels that are not entered gather in the background's chart.
    texel = _texel(garment_densepose.flatten(0, 1), texels) * worn.flatten(0, 1)
    row, column = _rows_and_columns(height, width, worn.device)
    # Added to the texels bit by bit: a graph would keep the places of all pixels as half a megabyte of constants.
    place = texel * 0 + (row + height + base) * base + (column + width)
    empty = torch.zeros(count * garments, NUM_BODY_PARTS * texels**2, dtype=torch.int32, device=worn.device)
    atlas = empty.scatter(1, texel.flatten(1).to(torch.int64), place.flatten(1))
    atlas = _without_background(atlas.view(-1, NUM_BODY_PARTS, texels**2))
    there = _read(atlas, photographs(wanted, garments) * (NUM_BODY_PARTS * texels**2) + _texel(densepose, texels))
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


def _rows_and_columns(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the numbers of rows, int32 `[1, H, 1]`, and of columns, `[1, 1, W]`."""
    rows, columns = (torch.arange(size, dtype=torch.int32, device=device) for size in (height, width))
    return rows.view(1, -1, 1), columns.view(1, 1, -1)


def _texel(densepose: Tensor, texels: int) -> Tensor:
    """Return each pixel's texel in an atlas of 25 charts, int32 `[B, H, W]`."""
    byte = torch.arange(256, dtype=torch.int32, device=densepose.device)
    place = (byte * (texels - 1) + 127) // 255
    part = byte * (byte < NUM_BODY_PARTS).to(torch.int32) * texels**2  # what is no part is off the body
    planes = densepose.to(torch.int32).permute(3, 0, 1, 2)
    return _read(part, planes[0]) + _read(place * texels, planes[1]) + _read(place, planes[2])


def _sums_of_four(x: Tensor) -> Tensor:
    """Add each 2×2 pixels of `[..., H, W]`."""
    x = x[..., ::2, :] + x[..., 1::2, :]
    return x[..., ::2] + x[..., 1::2]


def _window_sums(x: Tensor) -> Tensor:
    """Add up the WINDOW×WINDOW pixels around each of `[B, C, H, W]`."""
    height, width = x.shape[2:]
    margin = WINDOW // 2
    rows = F.pad(x, (0, 0, margin, margin))
    x = sum((rows.narrow(2, k, height) for k in range(1, WINDOW)), rows.narrow(2, 0, height))
    columns = F.pad(x, (margin, margin))
    return sum((columns.narrow(3, k, width) for k in range(1, WINDOW)), columns.narrow(3, 0, width))


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


def _read(table: Tensor, index: Tensor) -> Tensor:
    """Read a tensor, flattened, at integers of any shape."""
    return table.flatten().index_select(0, index.to(torch.int64).flatten()).reshape(index.shape)
