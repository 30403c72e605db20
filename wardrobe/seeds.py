"""Seeds of which half are kept back for evaluation.

A seed's last bit says which side it is on, so no texture drawn for training can ever turn up in an evaluation.
"""

from __future__ import annotations

import numpy as np


def draw_seed(rng: np.random.Generator, *, held_out: bool) -> int:
    """Return a seed below 2³²: an odd one for evaluation, an even one for training."""
    return 2 * int(rng.integers(1 << 31)) + held_out


def is_held_out(seed: int) -> bool:
    """Return whether a seed belongs to evaluation."""
    return bool(seed & 1)
