"""Hats, scarves, sunglasses and gloves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...data.classes import CLASS_IDS
from ..anatomy import Anatomy
from ..body import Figure, body_model
from ..cloth import painted
from ..fabric import Fabric
from ..headgear import CENTRE, Turned, dome, on_head, turn
from ..layer import Distance, Layer, Surface, drape, folds, one_label, stack_cuts
from ..raster import CUTS
from .garment import DrapedGarment

HATS = {"beanie": 0.4, "cap": 0.35, "brimmed": 0.25}


def hat(rng: np.random.Generator, figure: Figure, fabric: Fabric, kind: str) -> DrapedGarment:
    """Return one of the `HATS`."""

    def paint(surface: Surface) -> npt.NDArray[np.float32]:
        a = surface.anatomy
        angle = np.arctan2(a.x, -(a.y - CENTRE[1]))
        cloth = np.stack([angle * 0.1, a.z - 0.4], axis=1).astype(np.float32)
        return fabric(cloth, np.zeros(len(a), np.uint8))

    edge = float(rng.uniform(0.735, 0.752))
    crown = dome(0.016, lift=rng.uniform(0.0, 0.03) if kind == "beanie" else 0.012)
    if kind == "brimmed":
        crown[:, 1] = np.minimum(crown[:, 1], rng.uniform(0.82, 0.84))
    rings = crown[crown[:, 1] > edge]
    rings = np.concatenate([rings, [[rings[-1, 0] + 0.02, edge]]])
    if kind == "beanie":
        rings = np.concatenate([rings, [[rings[-1, 0] + 0.03, edge + 0.002], [rings[-1, 0] - 0.02, edge - 0.012]]])
    turned = turn(rings)
    label = one_label(CLASS_IDS["hat"])

    def layer(surface: Turned) -> Layer:
        cuts = np.ones((len(surface.points), CUTS), np.float32)
        tilted = surface.points.copy()
        tilted[:, 2] -= 0.18 * (tilted[:, 1] - CENTRE[1])  # hats sit lower behind
        return Layer(on_head(figure, tilted), surface.faces, surface.anatomy, cuts, 0.012, label, paint)

    layers = [layer(turned)]
    base = rings[-1, 0]
    if kind == "brimmed":
        width = float(rng.uniform(0.35, 0.75))
        out = np.linspace(0, 1, 5)
        brim = turn(np.stack([base + width * out, edge - 0.012 * out + 0.02 * out**2], axis=1))
        layers.append(layer(brim))
    if kind == "cap":
        out = np.linspace(0, 1, 6)
        visor = turn(np.stack([base - 0.02 + 0.62 * out, edge + 0.004 - 0.03 * out**1.5], axis=1))
        built = layer(visor)
        reach = 0.95 - 0.25 * visor.step**2
        built.cuts[:, 0] = (reach - np.abs(visor.angle)) * 0.1
        layers.append(built)
    return DrapedGarment(tuple(layers))


def scarf(rng: np.random.Generator, figure: Figure, fabric: Fabric) -> DrapedGarment:
    """Return a scarf: a ring around the neck and, mostly, hanging ends."""
    sheet = body_model().tights
    a = sheet.anatomy
    loop_low = float(rng.uniform(0.5, 0.525))

    def loop(p: Anatomy) -> Distance:
        droop = np.where(p.y < 0, 0.05 * np.clip(1 - (np.abs(p.x) / 0.09) ** 2, 0, 1), 0.0)
        return (p.z - loop_low + droop - 0.1 * np.clip(0.12 - np.abs(p.x), 0, 0.1)).astype(np.float32)

    def narrow(p: Anatomy) -> Distance:
        return (0.115 - np.abs(p.x)).astype(np.float32)

    puff = 0.016 + folds(rng, a, 0.004, across=25, along=30)
    points = drape(figure, sheet, np.maximum(puff, 0.008), smoothing=6)
    label = one_label(CLASS_IDS["scarf"])
    layers = [
        Layer(points, sheet.faces, a, stack_cuts(a, (loop, narrow)), 0.028, label, painted(fabric)),
    ]
    if rng.random() < 0.7:
        centre, width = float(rng.uniform(-0.05, 0.05)), float(rng.uniform(0.035, 0.05))
        end = float(rng.uniform(0.12, 0.36))

        def strip(p: Anatomy) -> Distance:
            return np.where(p.y < 0, width - np.abs(p.x - centre), -1.0).astype(np.float32)

        def length(p: Anatomy) -> Distance:
            return np.minimum(p.z - end, 0.55 - p.z).astype(np.float32)

        hanging = drape(figure, sheet, 0.02 + folds(rng, a, 0.003, across=20, along=4), smoothing=8)
        layers.append(Layer(hanging, sheet.faces, a, stack_cuts(a, (strip, length)), 0.027, label, painted(fabric)))
    return DrapedGarment(tuple(layers))


def sunglasses(rng: np.random.Generator, figure: Figure) -> DrapedGarment:
    """Return a pair of sunglasses."""
    sheet = body_model().scalp
    a = sheet.anatomy
    wide, high = float(rng.uniform(0.022, 0.027)), float(rng.uniform(0.014, 0.02))
    colour = np.array([[0.05, 0.05, 0.05], [0.2, 0.12, 0.07], [0.1, 0.1, 0.2]], np.float32)[rng.integers(3)]

    def glasses(p: Anatomy) -> Distance:
        lens = 1 - ((np.abs(p.x) - 0.03) / wide) ** 2 - ((p.z - 0.694) / high) ** 2
        bridge = 1 - ((p.z - 0.702) / 0.003) ** 2
        return np.where(p.y < -0.03, np.maximum(lens * 0.012, bridge * 0.003), -1.0).astype(np.float32)

    points = drape(figure, sheet, np.full(len(a), 0.007), smoothing=4)
    layer = Layer(
        points,
        sheet.faces,
        a,
        stack_cuts(a, (glasses,)),
        0.014,
        one_label(CLASS_IDS["sunglasses"]),
        lambda surface: np.tile(colour, (len(surface.anatomy), 1)),
        gloss=0.6,
    )
    return DrapedGarment((layer,))


def gloves(rng: np.random.Generator, figure: Figure, fabric: Fabric) -> DrapedGarment:
    """Return a pair of gloves."""
    sheet = body_model().skin
    a = sheet.anatomy
    top = float(rng.uniform(1.75, 1.95))

    def cuff(p: Anatomy) -> Distance:
        return np.where(p.arm > 0.5, (p.arm_along - top) * 0.26, -1.0).astype(np.float32)

    points = drape(figure, sheet, np.full(len(a), 0.003))
    layer = Layer(points, sheet.faces, a, stack_cuts(a, (cuff,)), 0.006, one_label(CLASS_IDS["glove"]), painted(fabric))
    return DrapedGarment((layer,))
