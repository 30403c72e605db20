"""Bare arms: what hides the forearm of somebody in a short-sleeved top is no sleeve.

A blouse billows before the arms of whoever wears it, and a body map tells where the arm is nevertheless, so that the
coverage lookup takes for a sleeve what only hangs in front. Another's arm hangs elsewhere, and got patches of cloth and
an outline that wavers. But sleeves begin at the shoulder: where much of an upper arm is bare, so is the forearm.
"""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional as F

from ...data.classes import SKIN, TOPS
from ..operators import class_mask, planes, read_values
from .coverage import Coverage

_ARMS = (((15, 17), (4, 19, 21)), ((16, 18), (3, 20, 22)))
"""Upper arms, and forearms with hands, as DensePose parts: left and right."""

_BARE = 3
"""An upper arm counts as bare with less than so many covered pixels for a bare one. Of tops on rendered people, who
show every length of sleeve, hardly one that leaves as much bare covers anything below the elbow."""

_ACROSS = 7
"""An upper arm's answers are averaged over so many pixels of the working size, about an arm's width."""


def with_bare_arms(coverage: Coverage, garment_labels: Tensor, garment_densepose: Tensor, source: Tensor) -> Coverage:
    """Take back what coverage says of sleeves on arms that the garment's photograph shows bare.

    On and beside forearms nothing is covered by a top, and on upper arms, where a short sleeve ends, the answers of
    neighbours are averaged: cloth that hangs before an arm is met in specks.

    Parameters
    ----------
    coverage
        What `coverage_lookup` says of the person, `[N, 20, h, w]`.
    garment_labels, garment_densepose
        The garment photographs' labels and body maps, int32 `[N, M, f·h, f·w]` and `[N, M, f·h, f·w, 3]`.
    source
        The photograph that each class comes from, int32 `[N, 20]`, no number above M.

    Returns
    -------
    Coverage
        The same, with other `told` and `outline`.
    """
    told, outline = coverage.told, coverage.outline
    finer = garment_labels.shape[2] // told.shape[2]
    labels, part = (each[:, :, ::finer, ::finer] for each in (garment_labels, planes(garment_densepose)[0]))
    bare = _bare_upper_arms(labels, part)
    # Every class is lent by one photograph; what lends nothing is 0 in coverage.
    photo = (source - 1).clamp(min=0)
    tops = class_mask(TOPS, told.device)[:, :, None, None]
    below, within = torch.zeros_like(tops), torch.zeros_like(tops)
    for side, (upper, lower) in enumerate(_ARMS):
        lent = read_values(bare[:, :, side], photo)[:, :, None, None] * tops
        below = below | ((lent * _among(lower, coverage.part).unsqueeze(1)) > 0)
        within = within | ((lent * (_among(upper, coverage.part) * coverage.on_body).unsqueeze(1)) > 0)
    told, outline = (torch.where(below, -each.abs(), each) for each in (told, outline))
    arms = _among((*_ARMS[0][0], *_ARMS[1][0]), coverage.part) * coverage.on_body
    first, last = min(TOPS), max(TOPS) + 1  # nothing else needs averages
    mean = _mean_within(told[:, first:last], arms.unsqueeze(1))
    mean = torch.where(within[:, first:last], mean, told[:, first:last])
    return coverage._replace(told=torch.cat([told[:, :first], mean, told[:, last:]], dim=1), outline=outline)


def _bare_upper_arms(labels: Tensor, part: Tensor) -> Tensor:
    """Return 1 for each upper arm that photographs `[N, M, h, w]` show bare, else 0: float32 `[N, M, 2]`."""
    skin, top = _among(SKIN, labels), _among(TOPS, labels)
    found = []
    for upper, _ in _ARMS:
        arm = _among(upper, part)
        found.append(((skin * arm).sum(dim=(2, 3)) * _BARE > (top * arm).sum(dim=(2, 3))).to(torch.float32))
    return torch.stack(found, dim=2)


def _mean_within(x: Tensor, mask: Tensor) -> Tensor:
    """Average `[N, C, h, w]` over the pixels around each one that a mask `[N, 1, h, w]` holds."""
    return _mean_around(x * mask) / _mean_around(mask).clamp(min=1 / _ACROSS**2)


def _mean_around(x: Tensor) -> Tensor:
    """Average the square of `_ACROSS` pixels a side around each one, one way and then the other."""
    beyond = _ACROSS // 2
    rows = F.avg_pool2d(x, (_ACROSS, 1), stride=1, padding=(beyond, 0))
    return F.avg_pool2d(rows, (1, _ACROSS), stride=1, padding=(0, beyond))


def _among(members: tuple[int, ...], ids: Tensor) -> Tensor:
    """Return 1 where an id is one of some, else 0: float32. Comparing takes engines less time than a table."""
    return reduce(torch.add, ((ids == member).to(torch.float32) for member in members))
