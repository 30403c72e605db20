"""Tops, shirts, knitwear, coats and the upper half of dresses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...data.classes import CLASS_IDS
from ..body import Figure, body_model
from ..cloth import Trim, hem_line, painted, placket, pocket, ribbing
from ..cutting import (
    above,
    armholes,
    below,
    both,
    crew_neck,
    high_neck,
    not_hands,
    open_front,
    sleeves,
    straps,
    v_neck,
)
from ..fabric import Fabric
from ..layer import Cut, Layer, Paint, drape, folds, one_label, stack_cuts
from .garment import DrapedGarment

TUCKED_HEM = 0.13
SHORT_HEM = 0.085

SPLIT = 0.03
"""Below this height a long garment is cut from the skirt's sheet, since the other one follows each leg."""

HARD_TOPS = ("tunic", "crop top", "camisole", "blouse", "sweater")
"""Silhouettes that are rarer than a T-shirt's."""

COATS = {"coat": 0.25, "jacket": 0.35, "cardigan": 0.4}
DRESS_BODICES = {"tee": 0.25, "long sleeve": 0.2, "tank": 0.25, "camisole": 0.15, "shirt": 0.15}


@dataclass(frozen=True)
class TopCut:
    """How a top is cut.

    Parameters
    ----------
    hem
        Height of the hem on the neutral body, metres.
    arms, neck
        The cuts of sleeves and neckline.
    ease
        Distance from the body at the chest, metres.
    flare
        More of it towards the hem, metres.
    sleeve_ease
        More of it towards the wrist, metres.
    trims
        What is drawn on the fabric.
    gap
        Half width of an open front, metres; None when closed.
    """

    hem: float
    arms: Cut
    neck: Cut
    ease: float
    flare: float
    sleeve_ease: float
    trims: tuple[Trim, ...] = ()
    gap: float | None = None


def top(
    rng: np.random.Generator,
    figure: Figure,
    fabric: Fabric,
    kind: str,
    *,
    tucked: bool,
    over_skirt: bool,
    under_coat: bool,
) -> DrapedGarment:
    """Return a top of one of the `TOPS`."""
    cut = _CUTS[kind][1](_Draft(rng))
    if tucked:
        cut = _with_hem(cut, TUCKED_HEM)
    elif over_skirt and cut.hem < SHORT_HEM:
        cut = dataclasses.replace(cut, hem=SHORT_HEM, flare=min(cut.flare, 0.01))  # above where skirts flare
    if under_coat:  # a coat presses what is beneath against the body
        cut = dataclasses.replace(
            cut,
            hem=max(cut.hem, SPLIT),
            ease=min(cut.ease, 0.007),
            flare=min(cut.flare, 0.004),
            sleeve_ease=min(cut.sleeve_ease, 0.002),
        )
    return _drape_top(rng, figure, fabric, cut, CLASS_IDS["upper_clothes"], 0.003 if tucked else 0.012)


def bodice(rng: np.random.Generator, figure: Figure, fabric: Fabric, kind: str) -> DrapedGarment:
    """Return the upper half of a dress, down to the waist."""
    cut = _CUTS[kind][1](_Draft(rng))
    fitted = _with_hem(cut, 0.125)
    return _drape_top(rng, figure, fabric, fitted, CLASS_IDS["dress"], 0.012, ease=rng.uniform(0.003, 0.009))


def coat(rng: np.random.Generator, figure: Figure, fabric: Fabric, kind: str) -> DrapedGarment:
    """Return a coat, jacket or cardigan; usually open."""
    button = _contrast(rng)
    hem = {"coat": rng.uniform(-0.42, -0.12), "jacket": rng.uniform(-0.02, 0.08), "cardigan": rng.uniform(-0.15, 0.04)}
    is_open = rng.random() < 0.7
    trims: tuple[Trim, ...] = (hem_line(0.012),)
    if not is_open:
        trims += (placket(0.5, hem[kind], button, rng.uniform(0.08, 0.13)),)
    if kind != "cardigan" or rng.random() < 0.4:
        z = rng.uniform(0.06, 0.1)
        trims += (pocket(0.095, z, 0.1, 0.09), pocket(-0.095, z, 0.1, 0.09))
    cut = TopCut(
        hem=float(hem[kind]),
        arms=sleeves(rng.uniform(1.88, 2.0)),
        neck=v_neck(rng.uniform(0.055, 0.07), rng.uniform(0.1, 0.26)) if rng.random() < 0.7 else crew_neck(0.06, 0.05),
        ease=float(rng.uniform(0.016, 0.024)),
        flare=float(rng.uniform(0.0, 0.03)),
        sleeve_ease=float(rng.uniform(0.004, 0.012)),
        trims=trims,
        gap=float(rng.uniform(0.012, 0.06)) if is_open else None,
    )
    return _drape_top(rng, figure, fabric, cut, CLASS_IDS["coat"], 0.024)


@dataclass(frozen=True)
class _Draft:
    """What cuts of tops are drawn from."""

    rng: np.random.Generator

    def within(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def hem(self) -> float:
        return self.within(-0.01, 0.06)

    def slim(self) -> float:
        return self.within(0.004, 0.009)

    def loose(self) -> float:
        return self.within(0.008, 0.018)

    def short(self) -> float:
        return self.within(0.4, 0.85)

    def long(self) -> float:
        return self.within(1.85, 1.98)

    def neck(self) -> Cut:
        kind = self.rng.choice(4, p=(0.45, 0.25, 0.2, 0.1))
        if kind == 0:
            return self.crew()
        if kind == 1:
            return self.scoop()
        if kind == 2:
            return v_neck(self.within(0.06, 0.085), self.within(0.1, 0.17))
        return crew_neck(self.within(0.1, 0.125), self.within(0.035, 0.05), 0.035)

    def crew(self) -> Cut:
        return crew_neck(self.within(0.06, 0.075), self.within(0.045, 0.07))

    def scoop(self) -> Cut:
        return crew_neck(self.within(0.075, 0.1), self.within(0.07, 0.13), 0.035)

    def collar(self) -> Cut:
        return crew_neck(0.052, self.within(0.035, 0.09), 0.012)

    def border(self) -> tuple[Trim, ...]:
        seam: tuple[Trim, ...] = (hem_line(0.014),)
        return (*seam, ribbing(self.within(0.006, 0.012), _contrast(self.rng))) if self.chance(0.3) else seam


def _tee(d: _Draft) -> TopCut:
    return TopCut(
        d.hem(), sleeves(d.short()), d.neck(), d.loose(), d.within(0, 0.015), d.within(0.004, 0.014), d.border()
    )


def _long_sleeve(d: _Draft) -> TopCut:
    reach = d.long() if d.chance(0.7) else d.within(1.2, 1.6)
    return TopCut(d.hem(), sleeves(reach), d.neck(), d.slim(), d.within(0, 0.01), d.within(0.001, 0.006), d.border())


def _shirt(d: _Draft) -> TopCut:
    hem = d.hem()
    reach = d.long() if d.chance(0.75) else d.short()
    trims: tuple[Trim, ...] = (hem_line(0.016), placket(0.53, hem + 0.01, _contrast(d.rng)))
    if d.chance(0.5):
        trims += (pocket(0.075, 0.36, 0.075, 0.085),)
    return TopCut(hem, sleeves(reach), d.collar(), d.loose(), d.within(0, 0.02), d.within(0.004, 0.012), trims)


def _blouse(d: _Draft) -> TopCut:
    reach = d.within(0.3, 1.0) if d.chance(0.5) else d.within(1.3, 1.95)
    return TopCut(
        d.hem(), sleeves(reach), d.neck(), d.loose(), d.within(0.01, 0.035), d.within(0.012, 0.028), d.border()
    )


def _polo(d: _Draft) -> TopCut:
    trims = (ribbing(0.014, _contrast(d.rng)), placket(0.53, 0.4, _contrast(d.rng), 0.04))
    return TopCut(d.hem(), sleeves(d.short()), d.collar(), d.loose(), d.within(0, 0.01), d.within(0.002, 0.008), trims)


def _tank(d: _Draft) -> TopCut:
    neck = d.scoop() if d.chance(0.6) else d.neck()
    return TopCut(d.hem(), armholes(d.within(0.105, 0.14)), neck, d.slim(), d.within(0, 0.02), 0.0, d.border())


def _camisole(d: _Draft) -> TopCut:
    line = straps(d.within(0.07, 0.09), d.within(0.014, 0.03), d.within(0.415, 0.45))
    return TopCut(d.hem(), line, high_neck(0.6), d.slim(), d.within(0, 0.03), 0.0, (hem_line(0.012),))


def _turtleneck(d: _Draft) -> TopCut:
    neck = high_neck(d.within(0.572, 0.598))
    return TopCut(d.hem(), sleeves(d.long()), neck, d.slim(), d.within(0, 0.01), 0.004, d.border())


def _sweater(d: _Draft) -> TopCut:
    neck = d.crew() if d.chance(0.7) else high_neck(d.within(0.565, 0.59))
    ease, flare, sleeve_ease = d.within(0.014, 0.024), d.within(-0.004, 0.01), d.within(0.008, 0.02)
    return TopCut(d.hem(), sleeves(d.long()), neck, ease, flare, sleeve_ease, (hem_line(0.035), hem_line(0.004)))


def _crop_top(d: _Draft) -> TopCut:
    arms = sleeves(d.short()) if d.chance(0.6) else armholes(0.12)
    return TopCut(d.within(0.2, 0.27), arms, d.neck(), d.slim(), d.within(0, 0.012), 0.006, d.border())


def _tunic(d: _Draft) -> TopCut:
    arms = sleeves(d.within(0.4, 1.9))
    return TopCut(d.within(-0.26, -0.12), arms, d.neck(), d.loose(), d.within(0.03, 0.07), 0.01, d.border())


_CUTS: dict[str, tuple[float, Callable[[_Draft], TopCut]]] = {
    "tee": (0.2, _tee),
    "long sleeve": (0.14, _long_sleeve),
    "shirt": (0.15, _shirt),
    "blouse": (0.08, _blouse),
    "polo": (0.06, _polo),
    "tank": (0.09, _tank),
    "camisole": (0.05, _camisole),
    "turtleneck": (0.06, _turtleneck),
    "sweater": (0.1, _sweater),
    "crop top": (0.04, _crop_top),
    "tunic": (0.03, _tunic),
}

TOPS = {kind: share for kind, (share, _) in _CUTS.items()}
"""Kinds of tops and how often they are drawn."""


def _drape_top(
    rng: np.random.Generator,
    figure: Figure,
    fabric: Fabric,
    cut: TopCut,
    label: int,
    bias: float,
    ease: float | None = None,
) -> DrapedGarment:
    sheet = body_model().tights
    a = sheet.anatomy
    cuts: list[Cut] = [above(cut.hem), cut.arms, cut.neck]
    cuts.append(both(not_hands, open_front(cut.gap, 0.06)) if cut.gap is not None else not_hands)
    sleeve = np.clip((a.arm - 0.2) / 0.4, 0, 1)
    thickness = (cut.ease if ease is None else ease) + cut.flare * np.clip((0.3 - a.z) / 0.35, 0, 1) * (1 - sleeve)
    if cut.hem < TUCKED_HEM:  # over what is worn below
        thickness = thickness + 0.009 * np.clip((0.23 - a.z) / 0.08, 0, 1) * (1 - sleeve)
    thickness = thickness + sleeve * cut.sleeve_ease * (0.35 + 0.65 * np.clip(a.arm_along / 2, 0, 1))
    wrinkle = rng.uniform(0.0012, 0.0035) * np.clip(thickness / 0.01, 0.4, 1.6)
    thickness = thickness + folds(rng, a, 1.0) * wrinkle
    points = drape(figure, sheet, np.maximum(thickness, 0.002), smoothing=int(rng.integers(3, 9)))
    covers = both(*cuts)
    paint = painted(fabric, trims=cut.trims)
    if cut.hem >= SPLIT:
        layer = Layer(points, sheet.faces, a, stack_cuts(a, cuts), bias, one_label(label), paint)
        return DrapedGarment((layer,), covers)
    cuts[0] = above(SPLIT)
    upper = Layer(points, sheet.faces, a, stack_cuts(a, cuts), bias, one_label(label), paint)
    return DrapedGarment((upper, _tails(rng, figure, cut, label, bias, paint)), both(*cuts))


def _tails(rng: np.random.Generator, figure: Figure, cut: TopCut, label: int, bias: float, paint: Paint) -> Layer:
    """Return what hangs below the hips of a coat or a tunic."""
    sheet = body_model().skirt
    a = sheet.anatomy
    cuts = [above(cut.hem), below(SPLIT + 0.03)]
    if cut.gap is not None:
        cuts.append(open_front(cut.gap, 0.06))
    drop = np.clip(0.1 - a.z, 0, 1)
    spread = (0.1 + 3 * cut.flare) * drop
    shift = np.stack([a.x * spread, (a.y + 0.02) * spread, np.zeros(len(a))], axis=1)
    thickness = cut.ease + 0.7 * cut.flare + folds(rng, a, 0.002, across=10, along=3)
    points = drape(figure, sheet, np.maximum(thickness, 0.004), shift=shift)
    return Layer(points, sheet.faces, a, stack_cuts(a, cuts), bias, one_label(label), paint)


def _with_hem(cut: TopCut, hem: float) -> TopCut:
    return dataclasses.replace(cut, hem=hem, ease=min(cut.ease, 0.009), flare=0.0)


def _contrast(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    colours = np.array(
        [[0.95, 0.95, 0.93], [0.08, 0.08, 0.09], [0.75, 0.72, 0.65], [0.55, 0.1, 0.12], [0.1, 0.15, 0.35]]
    )
    return colours[rng.integers(len(colours))].astype(np.float32)
