"""The integers that graphs are given, and what becomes of those that mean nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from ..data.classes import NUM_BODY_PARTS, NUM_CLASSES
from .operators import planes


def widen(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Return integers of any shape as int32: engines compute with nothing smaller."""
    return tuple(tensor.to(torch.int32) for tensor in tensors)


def label_ids(*labels: Tensor) -> tuple[Tensor, ...]:
    """Return class ids of integers of any shape, int32; an id that is none becomes background, as if unlabelled."""
    return tuple(ids * (ids < NUM_CLASSES).to(torch.int32) for ids in widen(*labels))


def body_map(densepose: Tensor) -> Tensor:
    """Return part, U and V of integers `[..., 3]`, int32; where the part is none, there is no body, and all are 0."""
    return body_planes(densepose).movedim(0, -1)


def body_planes(densepose: Tensor) -> Tensor:
    """Return the same of `[..., 3]` as planes, int32 `[3, ...]`; see `oviton.networks.operators.planes`."""
    body = planes(*widen(densepose))
    return body * (body[:1] < NUM_BODY_PARTS).to(torch.int32)


def known_sources(source: Tensor, garment_labels: Tensor) -> Tensor:
    """Return sources, int32 `[N, 20]`; a class from a photograph that is not there comes from nowhere, -1.

    `garment_labels` `[N, M, H, W]` tells how many photographs there are.
    """
    count = torch.full_like(source, garment_labels.shape[1])
    known = ((source >= -1) & (source <= count)).to(torch.int32)
    return (source + 1) * known - 1
