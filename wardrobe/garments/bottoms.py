"""Trousers, shorts and skirts, and the lower half of dresses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...data.classes import CLASS_IDS
from ..body import Figure, body_model
from ..cloth import Trim, hem_line, painted
from ..cutting import above, below, both, legs, not_hands
from ..fabric import Fabric
from ..layer import Layer, Surface, drape, folds, one_label, stack_cuts
from .garment import DrapedGarment

WAIST = 0.165

TROUSERS = {
    "jeans": 0.28,
    "leggings": 0.12,
    "trousers": 0.26,
    "wide trousers": 0.12,
    "cropped trousers": 0.08,
    "shorts": 0.14,
}
LONG_TROUSERS = ("jeans", "trousers", "wide trousers", "cropped trousers")
SKIRTS = {"mini": 0.25, "pencil": 0.2, "flared": 0.35, "pleated": 0.12, "maxi": 0.08}
HARD_BOTTOMS = ("wide trousers", "cropped trousers", "pleated", "maxi")
"""Silhouettes that are rarer than jeans."""


def trousers(rng: np.random.Generator, figure: Figure, fabric: Fabric, kind: str, *, over: bool) -> DrapedGarment:
    """Return one of the `TROUSERS`; `over` draws it over a tucked top."""

    def within(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    length = within(1.88, 2.0)
    ease, wide = within(0.004, 0.007), within(0.004, 0.02)
    match kind:
        case "leggings":
            ease, wide = 0.0035, 0.0
        case "jeans":
            wide = within(0.0, 0.012)
        case "wide trousers":
            ease, wide = within(0.006, 0.012), within(0.03, 0.06)
        case "cropped trousers":
            length, wide = within(1.35, 1.75), within(0.004, 0.04)
        case "shorts":
            length, wide = within(0.3, 1.05), within(0.01, 0.03)
    sheet = body_model().tights
    a = sheet.anatomy
    waist = WAIST + within(-0.02, 0.035)
    cuts = [below(waist), legs(length), not_hands, lambda p: (0.4 - p.arm).astype(np.float32)]
    down = np.clip((0.06 - a.z) / 0.16, 0, 1)
    thickness = ease + wide * down * (0.4 + 0.6 * np.clip(a.leg_along / 2, 0, 1))
    wrinkle = within(0.001, 0.003) * np.clip(thickness / 0.01, 0.3, 1.5)
    thickness = thickness + folds(rng, a, 1.0, across=11, along=9) * wrinkle
    points = drape(figure, sheet, np.maximum(thickness, 0.002), smoothing=1 if kind == "leggings" else 3)
    trims: tuple[Trim, ...] = (hem_line(0.02), hem_line(0.036))
    if kind in ("jeans", "shorts", "trousers"):
        trims += (_fly,)
    layer = Layer(
        points,
        sheet.faces,
        a,
        stack_cuts(a, cuts),
        0.009 if over else 0.005,
        one_label(CLASS_IDS["pants"]),
        painted(fabric, trousers=True, trims=trims),
    )
    return DrapedGarment((layer,), both(*cuts))


def skirt(
    rng: np.random.Generator, figure: Figure, fabric: Fabric, kind: str, *, over: bool, dress: bool = False
) -> DrapedGarment:
    """Return one of the `SKIRTS`; as the lower half of a dress it carries the dress's label."""

    def within(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    hem, flare, pleats = within(-0.3, -0.12), within(0.05, 0.25), 0.0
    match kind:
        case "pencil":
            hem, flare = within(-0.42, -0.22), within(-0.05, 0.03)
        case "flared":
            hem, flare = within(-0.45, -0.18), within(0.3, 0.75)
        case "pleated":
            hem, flare, pleats = within(-0.5, -0.2), within(0.2, 0.5), 0.03
        case "maxi":
            hem, flare = within(-0.68, -0.52), within(0.1, 0.35)
    sheet = body_model().skirt
    a = sheet.anatomy
    cuts = [above(hem), below(WAIST - 0.008 if dress else WAIST - within(0.0, 0.02))]
    drop = np.clip(0.1 - a.z, 0, 1)
    angle = np.arctan2(a.x, a.y)
    count = int(rng.integers(14, 22)) if pleats else int(rng.integers(5, 10))
    depth = pleats if pleats else within(0.0, 0.05) * (0.3 + max(flare, 0))
    wave = np.sin(count * angle + within(0, 6.28) + 0.8 * np.sin(3 * angle + within(0, 6.28)))
    shift = np.zeros((len(a), 3))
    spread = flare * drop + depth * np.clip(4 * drop, 0, 1) * wave
    shift[:, 0] = a.x * spread
    shift[:, 1] = (a.y + 0.02) * spread
    thickness = 0.006 + folds(rng, a, 0.0015, across=10, along=3)
    points = drape(figure, sheet, thickness, shift=shift)
    layer = Layer(
        points,
        sheet.faces,
        a,
        stack_cuts(a, cuts),
        0.010 if over or dress else 0.006,
        one_label(CLASS_IDS["dress" if dress else "skirt"]),
        painted(fabric, skirt=True, trims=(hem_line(0.02),)),
    )
    return DrapedGarment((layer,))


def _fly(surface: Surface, cloth: npt.NDArray[np.float32], colour: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Draw the fly, the seam between the legs and the pockets' edges."""
    a = surface.anatomy
    front = (a.y < 0) & (a.z > -0.06)
    seam = front & (np.abs(a.x) < 0.002)
    edge = front & (np.abs(a.z - 0.14 + 0.9 * np.clip(np.abs(a.x) - 0.07, 0, 1)) < 0.003) & (np.abs(a.x) > 0.07)
    return np.where((seam | edge)[:, None], colour * 0.7, colour)
