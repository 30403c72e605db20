"""Operations written the way that every engine computes them fast and exactly, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.classes import NUM_CLASSES


def reflect(x: Tensor, padding: int, axes: tuple[int, int]) -> Tensor:
    """Pad two axes of a tensor of any dtype by reflection."""
    for axis in axes if padding else ():
        last = x.shape[axis] - 1
        index = last - (last - torch.arange(-padding, last + 1 + padding, device=x.device).abs()).abs()
        x = x.index_select(axis, index)
    return x


def block_sums(x: Tensor, size: int) -> Tensor:
    """Add up blocks of `size`×`size` pixels: `[B, H, W, C]` to `[B, H / size, W / size, C]`.

    With channels last and slices for steps: engines that pool would first pad three channels to 16.
    """
    rows = sum((x[:, k::size] for k in range(1, size)), x[:, ::size])
    return sum((rows[:, :, k::size] for k in range(1, size)), rows[:, :, ::size])


def crop(x: Tensor, margin: int) -> Tensor:
    """Cut a margin off `[N, C, H, W]`."""
    return x[:, :, margin : x.shape[2] - margin, margin : x.shape[3] - margin] if margin else x


def one_hot(labels: Tensor, classes: int, dtype: torch.dtype) -> Tensor:
    """Turn integer labels `[N, H, W]` into `[N, classes, H, W]` of zeros and ones."""
    ids = torch.arange(classes, dtype=torch.int32, device=labels.device).view(1, classes, 1, 1)
    return (labels.to(torch.int32).unsqueeze(1) == ids).to(dtype)


def read_rows(table: Tensor, index: Tensor) -> Tensor:
    """Read a request's table `[N, R, C]` at integers from 0 to R - 1, `[N, H, W]`: each pixel's row, `[N, H, W, C]`."""
    first = torch.arange(table.shape[0], dtype=torch.int32, device=index.device).view(-1, 1, 1) * table.shape[1]
    return F.embedding((index.to(torch.int32) + first).to(torch.int64), table.flatten(0, 1))


def read_values(table: Tensor, index: Tensor) -> Tensor:
    """Read a table `[R]`, or each request's own `[N, R]`, at integers from 0 to R - 1, `[N, ...]`: values likewise.

    As rows of a flat table: engines read those several times as fast as they gather along an axis.
    """
    index = index.to(torch.int32)
    if table.ndim == 2:
        first = torch.arange(table.shape[0], dtype=torch.int32, device=index.device) * table.shape[1]
        index = index + first.reshape(-1, *(1,) * (index.ndim - 1))
    return table.flatten().index_select(0, index.to(torch.int64).flatten()).reshape(index.shape)


def largest_channel(x: Tensor, allowances: Mapping[int, Tensor]) -> Tensor:
    """Return which channel of `[N, C, H, W]` is largest at each pixel, the first of equals: int32 `[N, H, W]`.

    An argmax channel by channel: OpenVINO fuses the comparisons into one pass, and it and PyTorch are several times as
    fast as with their argmax over channels; ONNX Runtime takes as long either way.

    Parameters
    ----------
    x
        The channels.
    allowances
        What to add to some of them first, but not the first, `[N, H, W]`.
    """
    largest = x[:, 0]
    found = torch.zeros_like(largest)
    for channel in range(1, x.shape[1]):
        values = x[:, channel]  # not unbound: OpenVINO's split takes longer than all the rest
        if channel in allowances:
            values = values + allowances[channel]
        found = torch.where(values > largest, float(channel), found)
        largest = torch.maximum(largest, values)
    return found.to(torch.int32)


def materialised(x: Tensor) -> Tensor:
    """Return integers `[..., H, W]` as they are, but written to memory by every engine.

    TensorRT computes a chain of choices, sums and readings anew for each value that is read from it. Over the levels of
    a pyramid that multiplies, until a kernel's text takes many megabytes. What is scattered it keeps.
    """
    height, width = x.shape[-2:]
    flat = x.reshape(-1, height * width)
    rows, columns = (torch.arange(size, dtype=torch.int32, device=x.device) for size in (height, width))
    # Numbers of pixels, bit by bit: a graph would keep them as megabytes of constants.
    places = (x * 0 + rows.unsqueeze(1) * width + columns).reshape(flat.shape)
    return torch.zeros_like(flat).scatter(1, places.to(torch.int64), flat).reshape(x.shape)


def quotient(x: Tensor, divisor: Tensor | int) -> Tensor:
    """Divide integers of which none is negative, rounding down.

    For `//` engines take three times as long: they look after signs.
    """
    return torch.div(x, divisor, rounding_mode="trunc")


def to_uint8_image(image: Tensor) -> Tensor:
    """Turn `[N, 3, H, W]` in [-1, 1] into uint8 `[N, H, W, 3]`, rounding to nearest."""
    levels = torch.clamp((image.float() + 1.0) * 127.5 + 0.5, 0.0, 255.0)
    return levels.permute(0, 2, 3, 1).to(torch.uint8)


def class_mask(classes: Sequence[int], device: torch.device) -> Tensor:
    """Return which of the 20 classes are among some, bool `[1, 20]`."""
    return torch.tensor([[c in classes for c in range(NUM_CLASSES)]], device=device)
