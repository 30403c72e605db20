"""Bare skin, with eyes, brows and lips."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .layer import Paint, Surface
from .skin import Complexion

_EYE = (0.0296, 0.6975)
"""Centre of the left eye on the neutral body, x and z in metres."""

_MOUTH = 0.6285
"""Height of the mouth, metres."""


def skin_paint(complexion: Complexion, rng: np.random.Generator) -> Paint:
    """Return the paint of a person's skin.

    Parameters
    ----------
    complexion
        The person's colours.
    rng
        Draws freckled unevenness.
    """
    skin, lips, brows, iris = (
        np.asarray(c, np.float32) for c in (complexion.skin, complexion.lips, complexion.brows, complexion.iris)
    )
    waves = rng.normal(0, 30, (4, 3)).astype(np.float32)
    phase = rng.uniform(0, 6.28, 4).astype(np.float32)
    blush = float(rng.uniform(0.0, 0.06))

    def paint(surface: Surface) -> npt.NDArray[np.float32]:
        a = surface.anatomy
        uneven = np.sin(a.values[:, :3] @ waves.T + phase).sum(axis=1, keepdims=True)
        found = skin * (1 + 0.012 * uneven)
        x, z = np.abs(a.x), a.z
        face = (a.y < -0.07) & (z > 0.59)
        across, up = x - _EYE[0], z - _EYE[1]
        cheek = face * np.exp(-(((x - 0.042) / 0.02) ** 2 + ((z - 0.655) / 0.02) ** 2))
        found = found + cheek[:, None] * np.array([blush, -blush * 0.5, -blush * 0.4], np.float32)
        eye = face & ((across / 0.0145) ** 2 + (up / (0.0068 - 0.1 * np.abs(across) ** 1.2)) ** 2 < 1)
        lash = face & ((across / 0.017) ** 2 + ((up - 0.002) / 0.0085) ** 2 < 1) & ~eye & (up > 0)
        radius = np.hypot(across, up)
        found[lash] = found[lash] * 0.45
        found[eye] = 0.35 * skin + 0.65 * np.array([0.86, 0.85, 0.84], np.float32)
        found[eye & (radius < 0.0062)] = iris
        found[eye & (radius < 0.0028)] = 0.03
        arch = 0.0185 - 0.12 * np.clip(across - 0.006, 0, 0.02)
        brow = face & (np.abs(up - arch) < 0.0038 - 0.06 * np.clip(across, 0, 1)) & (np.abs(across) < 0.021)
        found[brow] = found[brow] * 0.25 + brows * 0.75
        half = 0.0255 * np.sqrt(np.clip(1 - np.abs(z - _MOUTH) / 0.0105, 0, 1))
        mouth = face & (x < half)
        found[mouth] = lips
        found[mouth & (np.abs(z - _MOUTH - 0.0005) < 0.0011)] = lips * 0.55
        nostril = face & (np.hypot(x - 0.0085, z - 0.652) < 0.003) & (a.y < -0.12)
        found[nostril] = found[nostril] * 0.55
        return np.clip(found, 0, 1).astype(np.float32)

    return paint
