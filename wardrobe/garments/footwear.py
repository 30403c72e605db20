"""Shoes and socks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...data.classes import CLASS_IDS
from ..anatomy import Anatomy
from ..body import Figure, body_model
from ..cloth import painted
from ..fabric import Fabric
from ..layer import Cut, Distance, Layer, Surface, drape, one_label, sided_labels, stack_cuts
from .garment import DrapedGarment

SHOES = {"sneakers": 0.35, "flats": 0.15, "pumps": 0.12, "ankle boots": 0.2, "boots": 0.08, "sandals": 0.1}
SOCKS = {"ankle": 0.45, "crew": 0.35, "knee": 0.2}

ANKLE_HEIGHT = -0.735
SOLE_HEIGHT = -0.802
_TOE = -0.2
"""Where the toes are, metres along y."""

_SHOE_COLOURS = np.array(
    [
        [0.08, 0.08, 0.09], [0.93, 0.93, 0.92], [0.32, 0.2, 0.12], [0.55, 0.38, 0.24], [0.75, 0.72, 0.68],
        [0.15, 0.2, 0.35], [0.6, 0.12, 0.14], [0.45, 0.45, 0.47], [0.85, 0.65, 0.6], [0.2, 0.35, 0.3],
    ],
    dtype=np.float32,
)  # fmt: skip


def shoes(rng: np.random.Generator, figure: Figure, kind: str) -> DrapedGarment:
    """Return a pair of one of the `SHOES`."""
    colour = _SHOE_COLOURS[rng.choice(len(_SHOE_COLOURS), p=_weights(len(_SHOE_COLOURS)))] * rng.uniform(0.9, 1.08)
    sole = np.array([0.92, 0.91, 0.88] if kind == "sneakers" or rng.random() < 0.2 else [0.1, 0.09, 0.08], np.float32)
    accent = _SHOE_COLOURS[rng.integers(len(_SHOE_COLOURS))]
    sheet = body_model().tights
    a = sheet.anatomy
    top = {"ankle boots": 1.86, "boots": rng.uniform(1.25, 1.5)}.get(kind)
    cuts: list[Cut] = []
    if top is not None:
        cuts.append(lambda p: ((p.leg_along - top) * 0.39).astype(np.float32))
    elif kind == "sneakers":
        cuts.append(lambda p: (ANKLE_HEIGHT + 0.012 + 0.12 * np.clip(p.y - 0.02, -0.05, 0.1) - p.z).astype(np.float32))
    else:
        cuts.append(_low_cut(float(rng.uniform(-0.03, 0.03))))
    if kind == "sandals":
        cuts.append(_strapped)
    cuts.append(lambda p: ((p.leg_along - 1.2) * 0.39).astype(np.float32))
    chunky = {"sneakers": 0.009, "ankle boots": 0.008, "boots": 0.008}.get(kind, 0.004)
    thickness = np.full(len(a), chunky) + 0.004 * np.clip((SOLE_HEIGHT + 0.02 - a.z) / 0.02, 0, 1)
    shift = np.zeros((len(a), 3))
    bottom = np.clip((SOLE_HEIGHT + 0.012 - a.z) / 0.012, 0, 1)
    heel = {"pumps": 0.03, "ankle boots": 0.015}.get(kind, 0.0)
    shift[:, 2] = -bottom * (0.010 + heel * np.clip((a.y - 0.0) / 0.06, 0, 1))

    def paint(surface: Surface) -> npt.NDArray[np.float32]:
        p = surface.anatomy
        found = np.tile(colour, (len(p), 1)).astype(np.float32)
        if kind == "sneakers":
            laces = (p.y < -0.06) & (p.y > -0.15) & (np.abs(np.mod(p.y, 0.02) - 0.01) < 0.003) & (p.z > -0.79)
            toe = (p.y < _TOE + 0.02) & (p.z > -0.8)
            found[laces] = 0.95
            found[toe] = found[toe] * 0.6 + 0.4 * accent
        found[p.z < SOLE_HEIGHT + 0.006] = sole
        return found

    points = drape(figure, sheet, thickness, smoothing=1, shift=shift)
    labels = sided_labels(CLASS_IDS["left_shoe"], CLASS_IDS["right_shoe"])
    layer = Layer(points, sheet.faces, a, stack_cuts(a, cuts), 0.008, labels, paint, gloss=0.25)
    return DrapedGarment((layer,), cuts[0] if kind != "sandals" else None)


def socks(rng: np.random.Generator, figure: Figure, fabric: Fabric, kind: str) -> DrapedGarment:
    """Return a pair of one of the `SOCKS`."""
    top = {"ankle": rng.uniform(1.86, 1.92), "crew": rng.uniform(1.6, 1.78), "knee": rng.uniform(1.12, 1.3)}[kind]
    sheet = body_model().tights
    a = sheet.anatomy
    cuts: list[Cut] = [lambda p: ((p.leg_along - top) * 0.39).astype(np.float32)]
    points = drape(figure, sheet, np.full(len(a), 0.0025))
    layer = Layer(
        points,
        sheet.faces,
        a,
        stack_cuts(a, cuts),
        0.003,
        one_label(CLASS_IDS["socks"]),
        painted(fabric, trousers=True),
    )
    return DrapedGarment((layer,), cuts[0])


def _low_cut(extra: float) -> Cut:
    """Keep the sole, the heel and the toes: the opening of a pump."""

    def cut(a: Anatomy) -> Distance:
        edge = SOLE_HEIGHT + 0.022 + np.where(a.y > 0.0, 0.25 * np.clip(a.y, 0, 0.1) + 0.01, 0.0)
        vamp = np.clip((-0.1 + extra - a.y) / 0.06, 0, 1) * 0.06
        return (edge + vamp - a.z).astype(np.float32)

    return cut


def _strapped(a: Anatomy) -> Distance:
    sole = SOLE_HEIGHT + 0.008 - a.z
    bands = 0.011 - np.abs(np.mod(a.y + 0.2, 0.055) - 0.0275)
    return np.maximum(sole, bands).astype(np.float32)


def _weights(count: int) -> npt.NDArray[np.float64]:
    weights = np.ones(count)
    weights[:2] = 3
    return weights / weights.sum()
