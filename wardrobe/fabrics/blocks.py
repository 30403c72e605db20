"""Fabrics that differ from place to place on the garment: colour blocks, fades and tie-dye."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .noise import noise
from .palette import LIGHT, Floats, draw_scheme
from .pattern import BACK, TEXEL, Bands, Flat, Panelled, Panels, Pattern, lookup
from .stripes import ACROSS

_FAR = 9.0
"""Metres; bands that end here never repeat on a garment."""


def colour_block(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Cut a chest band, contrasting sleeves, side panels, a yoke, halves or thirds."""
    scheme = draw_scheme(rng, 3, 0.3)
    style = rng.choice(["band", "sleeves", "sides", "yoke", "halves", "thirds", "diagonal"])
    if style == "sleeves":
        body, limb = Flat(scheme[0]), Flat(scheme[1])
        return Panelled((body, body, limb, limb))
    if style == "sides":
        return _Sides(scheme, rng.uniform(0.12, 0.19), rng.choice([0.0, 0.006, 0.012]))
    if style == "halves":
        left = Bands(np.array([1, 0], np.float32), np.array([_FAR, 2 * _FAR], np.float32), scheme[:2], -_FAR)
        return Panelled((left, left, Flat(scheme[1]), Flat(scheme[0])))
    if style == "diagonal":
        angle = rng.uniform(0.4, 1.2)
        direction = np.array([np.sin(angle), np.cos(angle)], dtype=np.float32)
        bands = _once(direction, [rng.uniform(0.1, 0.25), rng.uniform(0.02, 0.12)], scheme)
        return Panelled((bands, Flat(scheme[0]), Flat(scheme[2]), Flat(scheme[0])))
    if style == "yoke":
        bands = _once(ACROSS, [rng.uniform(0.28, 0.4), rng.choice([0.0, 0.012, 0.03])], scheme)
        return Panelled((bands, bands, Flat(scheme[2]), Flat(scheme[2])))
    if style == "thirds":
        bands = _once(ACROSS, [rng.uniform(0.08, 0.16), rng.uniform(0.1, 0.17)], scheme)
    else:
        ends = [rng.uniform(0.2, 0.32), rng.uniform(0.03, 0.12)]
        bands = _once(ACROSS, ends, scheme[[0, 1, 0]])
    sleeve = bands if rng.random() < 0.5 else Flat(scheme[0])
    return Panelled((bands, bands, sleeve, sleeve))


def _once(direction: Floats, widths: list[float], scheme: Floats) -> Bands:
    """Return three bands: everything below, one of the second width from the first on, everything above."""
    ends = np.array([_FAR + widths[0], _FAR + sum(widths), 3 * _FAR], dtype=np.float32)
    return Bands(direction, ends, scheme, -_FAR)


@dataclass(frozen=True)
class _Sides:
    """Side panels and sleeves of another colour, with piping between: ground, side and piping `[3, 3]`."""

    scheme: Floats
    at: float
    piping: float

    def __call__(self, cloth: Floats, panel: Panels) -> Floats:
        # Wider towards the hem, as sportswear is cut.
        off = np.abs(cloth[:, 0]) - np.float32(self.at) - np.float32(0.08) * (cloth[:, 1] - np.float32(0.2))
        off = np.where(panel == BACK, np.float32(0.5) - np.abs(cloth[:, 0]) - np.float32(self.at), off)
        index = (off > 0).astype(np.intp)
        index[np.abs(off) < self.piping / 2] = 2
        index[panel > BACK] = 1
        return self.scheme.take(index, axis=0)


@dataclass(frozen=True)
class _Ramp:
    """Colours `[k, 3]` that fade into one another along a field, the field drawn by a tile of noise.

    Parameters
    ----------
    colours
        Evenly spaced over the field's range 0 to 1.
    wobble
        Noise `[height, width, 1]`, 3 mm a texel.
    strength
        How far noise moves the field.
    centre, rings, twist
        Where a tie-dye's knot lies, how many rings lie in a metre, and how many arms its spiral has; no rings make a
        fade from hem to shoulder.
    low, high
        Heights between which a fade runs.
    """

    colours: Floats
    wobble: Floats
    strength: float
    centre: tuple[float, float] = (0.0, 0.0)
    rings: float = 0.0
    twist: float = 0.0
    low: float = 0.0
    high: float = 0.5

    def __call__(self, cloth: Floats, panel: Panels) -> Floats:
        scale = np.float32(1 / (2 * TEXEL))
        noise_here = lookup(self.wobble, cloth[:, 0] * scale, -cloth[:, 1] * scale, wrap=True)[:, 0]
        if self.rings:
            x, y = cloth[:, 0] - np.float32(self.centre[0]), cloth[:, 1] - np.float32(self.centre[1])
            turns = np.hypot(x, y) * np.float32(self.rings) + np.arctan2(y, x) * np.float32(self.twist / (2 * np.pi))
            place = np.abs(np.mod(turns + np.float32(self.strength) * noise_here, 1) * 2 - 1)
        else:
            place = (cloth[:, 1] - np.float32(self.low)) / np.float32(self.high - self.low)
            place = place + np.float32(self.strength) * noise_here
        steps = len(self.colours) - 1
        place = np.clip(place, 0, 1) * np.float32(steps)
        below = np.minimum(place.astype(np.intp), steps - 1)
        share = (place - below.astype(np.float32))[:, None]
        share = share * share * (3 - 2 * share)
        first = self.colours.take(below, axis=0)
        first += share * (self.colours.take(below + 1, axis=0) - first)
        return np.asarray(first, dtype=np.float32)


def gradient(rng: np.random.Generator, held_out: bool) -> Pattern:
    """Dye cloth: a dip-dye that fades upwards, or a tie-dye: a spiral, rings, or clouds of bleach."""
    style = rng.choice(["fade", "spiral", "rings", "clouds"], p=[0.35, 0.25, 0.15, 0.25])
    wobble = noise(rng, 180, 0.12 / (2 * TEXEL), 1.0)[:, :, None]
    if style == "fade":
        low = rng.uniform(-0.1, 0.1)
        colours = draw_scheme(rng, int(rng.choice([2, 2, 3])), 0.35)
        return _Ramp(colours, wobble, rng.uniform(0, 0.06), low=low, high=low + rng.uniform(0.25, 0.5))
    colours = draw_scheme(rng, int(rng.integers(3, 6)), 0.3, [LIGHT])
    if style == "clouds":
        clouds = noise(rng, 180, 0.2 / (2 * TEXEL), 1.2)[:, :, None]
        return _Ramp(colours[:3], clouds, rng.uniform(0.15, 0.3), low=-_FAR, high=_FAR)
    centre = (rng.uniform(-0.06, 0.06), rng.uniform(0.15, 0.36))
    twist = rng.choice([-3.0, 2.0, 4.0]) if style == "spiral" else 0.0
    return _Ramp(colours, wobble, rng.uniform(0.03, 0.1), centre, rng.uniform(3, 6), twist)
