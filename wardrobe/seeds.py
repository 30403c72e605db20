"""What is drawn by a kind and a seed, of which half are kept back for evaluation.

A seed's last bit says which side it is on, so no texture drawn for training can ever turn up in an evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Seeded:
    """A thing that is whole in its two fields: equal ones look equal.

    Parameters
    ----------
    kind
        One of the kinds of such things.
    seed
        Settles everything else; odd seeds belong to evaluation.
    """

    kind: str
    seed: int

    @property
    def held_out(self) -> bool:
        """Whether it may only be seen in evaluation."""
        return bool(self.seed & 1)


def draw_seed(rng: np.random.Generator, *, held_out: bool) -> int:
    """Return a seed below 2³²: an odd one for evaluation, an even one for training."""
    return 2 * int(rng.integers(1 << 31)) + held_out


def draw_kind(rng: np.random.Generator, kinds: Mapping[str, float]) -> str:
    """Return one of several kinds, each as often as its weight says."""
    weights = np.array(list(kinds.values()))
    return list(kinds)[int(rng.choice(len(kinds), p=weights / weights.sum()))]
