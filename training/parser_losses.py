"""The losses of the person parser."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.classes import CLASS_IDS, NUM_CLASSES
from ..networks.person_parser import Parsed
from .parser_samples import UNKNOWN

LOSS_WEIGHTS = {"labels": 1.0, "overlap": 0.5, "parts": 0.6, "coordinates": 5.0, "presence": 0.3, "box": 2.0}
"""How much each term counts."""

_RARE = {"hat": 2.0, "glove": 2.5, "sunglasses": 2.0, "socks": 2.0, "scarf": 2.5, "torso_skin": 1.5, "skirt": 1.5}
"""Classes whose pixels count more than others."""


def parser_losses(seen: Parsed, truth: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the terms of the loss, not weighted.

    Parameters
    ----------
    seen
        What the network sees.
    truth
        ``sets`` `[N, H/2, W/2]`, ``body`` `[N, H/4, W/4, 3]`, ``presence`` `[N, H/4, W/4]` and ``box``
        `[N, 4, H/4, W/4]`, as `parser_samples.Crop` has them.
    """
    possible = unpack_sets(truth["sets"])
    parts = truth["body"][..., 0].long()
    there = truth["presence"] == 1
    on_person = there.unsqueeze(1).expand_as(seen.box)
    return {
        "labels": partial_cross_entropy(seen.labels, possible, class_weights().to(seen.labels.device)),
        "overlap": overlap_loss(seen.labels, possible),
        "parts": F.cross_entropy(seen.parts, parts, ignore_index=UNKNOWN),
        "coordinates": coordinate_loss(seen.coordinates, parts, truth["body"][..., 1:].float() / 255),
        "presence": _mean(
            F.binary_cross_entropy_with_logits(seen.presence.squeeze(1), there.float(), reduction="none"),
            truth["presence"] != UNKNOWN,
        ),
        "box": _mean((seen.box - truth["box"]).abs(), on_person),
    }


def unpack_sets(sets: Tensor) -> Tensor:
    """Turn sets of classes as bits, `[N, H, W]`, into bool `[N, 20, H, W]`."""
    bits = torch.arange(NUM_CLASSES, device=sets.device, dtype=sets.dtype).view(1, -1, 1, 1)
    return ((sets.unsqueeze(1) >> bits) & 1).bool()


def class_weights() -> Tensor:
    """Return how much a pixel of each class counts, `[20]`."""
    weights = torch.ones(NUM_CLASSES)
    for name, weight in _RARE.items():
        weights[CLASS_IDS[name]] = weight
    return weights


def partial_cross_entropy(logits: Tensor, possible: Tensor, weights: Tensor) -> Tensor:
    """Return the mean of −log of the sum of the probabilities of the classes that a pixel may be.

    Parameters
    ----------
    logits
        `[N, C, H, W]`.
    possible
        bool `[N, C, H, W]`; a pixel that may be anything costs nothing.
    weights
        Of the classes, `[C]`; a pixel has the mean of those that it may be.
    """
    inside = logits.masked_fill(~possible, -torch.inf).logsumexp(dim=1)
    share = possible.float()
    weight = torch.einsum("nchw,c->nhw", share, weights) / share.sum(dim=1)
    weight = weight * ~possible.all(dim=1)
    return (weight * (logits.logsumexp(dim=1) - inside)).sum() / weight.sum().clamp(min=1.0)


def overlap_loss(logits: Tensor, possible: Tensor) -> Tensor:
    """Return one minus the soft intersection over union, a mean over the classes that are there; known pixels only."""
    known = possible.sum(dim=1, keepdim=True) == 1
    seen = logits.softmax(dim=1) * known
    truth = (possible & known).float()
    both, either = (seen * truth).sum(dim=(0, 2, 3)), (seen + truth - seen * truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return _mean(1 - both / either.clamp(min=1e-6), present)


def coordinate_loss(seen: Tensor, parts: Tensor, truth: Tensor) -> Tensor:
    """Return the mean absolute difference of U and V on the parts that are there.

    Parameters
    ----------
    seen
        `[N, 24, 2, H, W]`.
    parts
        `[N, H, W]`: 1 to 24 on the body.
    truth
        `[N, H, W, 2]` in [0, 1].
    """
    on_body = (parts > 0) & (parts != UNKNOWN)
    index = torch.where(on_body, parts - 1, 0)[:, None, None].expand(-1, 1, 2, -1, -1)
    chosen = seen.gather(1, index).squeeze(1).permute(0, 2, 3, 1)
    return _mean((chosen - truth).abs(), on_body.unsqueeze(3).expand_as(truth))


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return (values * where).sum() / where.sum().clamp(min=1)
