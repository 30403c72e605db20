"""Operations written the way that every engine computes them fast and exactly, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.classes import NUM_CLASSES

# Reading tables


def numbered(index: Tensor, tables: Tensor) -> Tensor:
    """Count rows of each request's own table among those of all requests, laid end to end.

    Engines read rows of one flat table faster than they gather along an axis.

    Parameters
    ----------
    index
        Rows of each request's table, integers `[N, ...]` from 0 to R - 1.
    tables
        The tables, `[N, R, ...]`, or one for all requests, `[1, R, ...]`. Only their numbers count.

    Returns
    -------
    Tensor
        int32 of the index's shape: the rows' places in `tables.flatten(0, 1)`.
    """
    table = torch.arange(tables.shape[0], dtype=torch.int32, device=index.device).reshape(-1, *(1,) * (index.ndim - 1))
    return index.to(torch.int32) + table * tables.shape[1]


def read_flat(table: Tensor, index: Tensor) -> Tensor:
    """Read a tensor of any shape, flattened, at integers of any shape: values of that shape."""
    return table.flatten().index_select(0, index.to(torch.int64).flatten()).reshape(index.shape)


def read_values(table: Tensor, index: Tensor) -> Tensor:
    """Read a table `[R]`, or each request's own `[N, R]`, at integers from 0 to R - 1, `[N, ...]`: values likewise."""
    return read_flat(table, numbered(index, table) if table.ndim == 2 else index)


def read_rows(table: Tensor, index: Tensor) -> Tensor:
    """Read each request's table `[N, R, C]`, or one for all `[1, R, C]`, at integers from 0 to R - 1, `[N, H, W]`.

    The result is each pixel's row, `[N, H, W, C]`.
    """
    return F.embedding(numbered(index, table).to(torch.int64), table.flatten(0, 1))


def pick(photographs: Tensor, number: Tensor) -> Tensor:
    """Pick photographs, or whatever else a request has several of, `[N, M, ...]`, by numbers from 0 to M - 1.

    The numbers are integers `[N, K]`; the result is `[N, K, ...]`.
    """
    first = torch.arange(number.shape[0], device=number.device).unsqueeze(1) * photographs.shape[1]
    rows = (first + number).flatten()
    return photographs.flatten(0, 1).index_select(0, rows).reshape(*number.shape, *photographs.shape[2:])


# Choosing


def one_hot(labels: Tensor, classes: int, dtype: torch.dtype) -> Tensor:
    """Turn integer labels `[N, H, W]` into `[N, classes, H, W]` of zeros and ones."""
    ids = torch.arange(classes, dtype=torch.int32, device=labels.device).view(1, classes, 1, 1)
    return (labels.to(torch.int32).unsqueeze(1) == ids).to(dtype)


def class_mask(classes: Iterable[int], device: torch.device) -> Tensor:
    """Return which of the 20 classes are among some, bool `[1, 20]`."""
    members = set(classes)
    return torch.tensor([[c in members for c in range(NUM_CLASSES)]], device=device)


def largest_channel(x: Tensor, allowances: Mapping[int, Tensor]) -> Tensor:
    """Return which channel of `[N, C, H, W]` is largest at each pixel, the first of equals: int32 `[N, H, W]`.

    An argmax channel by channel: engines fuse the comparisons into one pass over the picture, and do not fuse an argmax
    over channels.

    Parameters
    ----------
    x
        The channels, `[N, C, H, W]`.
    allowances
        What to add to some channels first, by channel, `[N, H, W]` each. The first channel can have none.
    """
    largest = x[:, 0]
    found = torch.zeros_like(largest)
    for channel in range(1, x.shape[1]):
        values = x[:, channel]  # not unbound: OpenVINO's split copies every channel
        if channel in allowances:
            values = values + allowances[channel]
        found = torch.where(values > largest, float(channel), found)
        largest = torch.maximum(largest, values)
    return found.to(torch.int32)


# Integers and places


def quotient(x: Tensor, divisor: Tensor | int) -> Tensor:
    """Divide integers of which none is negative, rounding down.

    Not by `//`, for which engines look after signs.
    """
    return torch.div(x, divisor, rounding_mode="trunc")


def computed_zeros(like: Tensor) -> Tensor:
    """Return zeros of a tensor's shape and dtype that engines compute from it.

    Made from shapes alone, a graph would keep them as a constant of megabytes.
    """
    return like * 0


# Pixels and their neighbours


def planes(x: Tensor) -> Tensor:
    """View `[..., C]`, such as body maps, as planes `[C, ...]`.

    Engines compute with part, U and V by themselves, and do that faster when each lies together.
    """
    return x.movedim(-1, 0)


def reflect(x: Tensor, padding: int, axes: tuple[int, int]) -> Tensor:
    """Pad any two axes of a tensor of any dtype by reflection.

    PyTorch's own pads the last axes only, so channels that come last would have to be moved.
    """
    for axis in axes if padding else ():
        last = x.shape[axis] - 1
        index = last - (last - torch.arange(-padding, last + 1 + padding, device=x.device).abs()).abs()
        x = x.index_select(axis, index)
    return x


def crop(x: Tensor, margin: int) -> Tensor:
    """Cut a margin off `[N, C, H, W]`."""
    return x[:, :, margin : x.shape[2] - margin, margin : x.shape[3] - margin] if margin else x


def block_sums(x: Tensor, size: int) -> Tensor:
    """Add up blocks of `size`×`size` pixels: `[B, H, W, C]` to `[B, H / size, W / size, C]`.

    With channels last and slices for steps: engines that pool would first pad three channels to 16.
    """
    rows = sum((x[:, k::size] for k in range(1, size)), x[:, ::size])
    return sum((rows[:, :, k::size] for k in range(1, size)), rows[:, :, ::size])


def neighbour_sums(x: Tensor, axis: int, count: int) -> Tensor:
    """Add up each `count` neighbours along an axis, which becomes `count` - 1 shorter.

    Shifted pictures are added faster than windows are pooled, and may hold integers.
    """
    size = x.shape[axis] - count + 1
    return sum((x.narrow(axis, k, size) for k in range(1, count)), x.narrow(axis, 0, size))


def upsampled_rows(x: Tensor, finer: int) -> list[Tensor]:
    """Upsample bilinearly, in as many parts as rows come from one, to be put in order by `sort_rows`.

    What is upsampled here is reduced at once: to the largest channel, or to a sum over channels. Rows that lie alike
    between the coarse ones are kept apart until then, so that the large picture of many channels is never made. With
    `sort_rows` it equals `torch.nn.functional.interpolate`, for which OpenVINO lays every picture out in blocks of 16
    channels.

    Parameters
    ----------
    x
        The coarse picture, `[N, C, h, w]`.
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


def to_uint8_image(image: Tensor) -> Tensor:
    """Turn `[N, 3, H, W]` in [-1, 1] into uint8 `[N, H, W, 3]`, rounding to nearest."""
    levels = torch.clamp((image.float() + 1.0) * 127.5 + 0.5, 0.0, 255.0)
    return levels.permute(0, 2, 3, 1).to(torch.uint8)


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
