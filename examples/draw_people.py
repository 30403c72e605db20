"""Draw the example people: shaded 2-D mannequins with exact labels and body maps.

Run ``python examples/draw_people.py`` to write `examples/people/`. The same seed always draws the same files.
Every body part and garment is a *limb*: an axis with a radius profile. Position along and across a limb gives both the
shading and the body map's U and V, so textures follow the body.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

HEIGHT, WIDTH, SUPERSAMPLING = 512, 256, 3

CLASSES = {
    "hat": 1, "hair": 2, "upper_clothes": 5, "dress": 6, "coat": 7, "socks": 8, "pants": 9, "torso_skin": 10,
    "scarf": 11, "skirt": 12, "face": 13, "left_arm": 14, "right_arm": 15, "left_leg": 16, "right_leg": 17,
    "left_shoe": 18, "right_shoe": 19,
}  # fmt: skip
PARTS = {
    "torso": 2, "right_hand": 3, "left_hand": 4, "left_foot": 5, "right_foot": 6, "right_thigh": 7, "left_thigh": 8,
    "right_calf": 11, "left_calf": 12, "left_upper_arm": 15, "right_upper_arm": 16, "left_forearm": 19,
    "right_forearm": 20, "head": 23,
}  # fmt: skip

Array = npt.NDArray[Any]
Texture = Callable[[Array, Array], Array]
"""Maps along (0 to 1 a body height) and across (-1 to 1) to RGB in [0, 1]."""


def plain(colour: tuple[float, float, float]) -> Texture:
    return lambda along, across: np.broadcast_to(np.array(colour), (*along.shape, 3))


def stripes(a: tuple[float, float, float], b: tuple[float, float, float], period: float) -> Texture:
    return lambda along, across: np.where(((along / period) % 1 < 0.5)[..., None], np.array(a), np.array(b))


def dots(a: tuple[float, float, float], b: tuple[float, float, float], period: float) -> Texture:
    def texture(along: Array, across: Array) -> Array:
        row = np.floor(along / period)
        u = across * 0.1 / period + 0.5 * (row % 2)
        near = ((along / period) % 1 - 0.5) ** 2 + (u % 1 - 0.5) ** 2 < 0.08
        out: Array = np.where(near[..., None], np.array(b), np.array(a))
        return out

    return texture


def checks(a: tuple[float, float, float], b: tuple[float, float, float], period: float) -> Texture:
    def texture(along: Array, across: Array) -> Array:
        share = ((along / period) % 1 < 0.5).astype(float) + ((across * 0.1 / period) % 1 < 0.5)
        out: Array = np.array(a) + (np.array(b) - np.array(a)) * (share / 2)[..., None]
        return out

    return texture


@dataclass
class Outfit:
    """What a person wears, and how they stand."""

    name: str
    skin: tuple[float, float, float]
    hair: tuple[float, float, float]
    background: tuple[float, float, float]
    top: Texture | None = None
    top_class: str = "upper_clothes"
    sleeve: float = 0.5
    bottom: Texture | None = None
    bottom_class: str = "pants"
    leg: float = 2.0
    coat: Texture | None = None
    shoes: tuple[float, float, float] = (0.15, 0.13, 0.12)
    long_hair: bool = False
    hat: tuple[float, float, float] | None = None
    arms: tuple[float, float] = (14.0, 14.0)
    legs: tuple[float, float] = (4.0, 4.0)
    build: float = 1.0


PEOPLE = (
    Outfit("ana", (0.87, 0.68, 0.56), (0.22, 0.13, 0.08), (0.93, 0.92, 0.90),
           top=stripes((0.93, 0.93, 0.95), (0.13, 0.22, 0.45), 0.035), sleeve=0.9,
           bottom=plain((0.20, 0.24, 0.33)), long_hair=True, arms=(20, 12), legs=(5, 3), build=0.94),
    Outfit("ben", (0.55, 0.37, 0.26), (0.08, 0.06, 0.05), (0.85, 0.88, 0.90),
           top=plain((0.78, 0.20, 0.17)), sleeve=1.95, bottom=plain((0.45, 0.42, 0.36)),
           arms=(10, 24), legs=(3, 7), build=1.08),
    Outfit("chloe", (0.93, 0.77, 0.66), (0.62, 0.42, 0.20), (0.96, 0.94, 0.93),
           top=dots((0.16, 0.38, 0.34), (0.95, 0.92, 0.80), 0.045), top_class="dress", sleeve=0.35,
           bottom=dots((0.16, 0.38, 0.34), (0.95, 0.92, 0.80), 0.045), bottom_class="dress", leg=0.95,
           long_hair=True, arms=(16, 18), build=0.9),
    Outfit("dev", (0.68, 0.48, 0.35), (0.10, 0.08, 0.08), (0.90, 0.91, 0.88),
           top=plain((0.90, 0.88, 0.82)), sleeve=1.0, coat=checks((0.30, 0.25, 0.22), (0.62, 0.52, 0.40), 0.05),
           bottom=plain((0.14, 0.15, 0.18)), arms=(13, 11), legs=(6, 5), build=1.04),
    Outfit("eva", (0.80, 0.60, 0.47), (0.30, 0.10, 0.07), (0.88, 0.90, 0.94),
           top=plain((0.95, 0.80, 0.30)), sleeve=0.0,
           bottom=checks((0.25, 0.12, 0.35), (0.75, 0.60, 0.82), 0.04), bottom_class="skirt", leg=0.8,
           hat=(0.35, 0.25, 0.20), arms=(26, 15), legs=(4, 6), build=0.93),
    Outfit("finn", (0.95, 0.80, 0.70), (0.75, 0.58, 0.30), (0.94, 0.93, 0.95),
           top=stripes((0.20, 0.45, 0.38), (0.88, 0.84, 0.66), 0.08), sleeve=0.6,
           bottom=plain((0.55, 0.50, 0.38)), leg=1.1, shoes=(0.85, 0.85, 0.85), arms=(12, 20), legs=(4, 4)),
)  # fmt: skip


class Canvas:
    """Colour, labels and body map, painted back to front at a higher resolution."""

    def __init__(self, background: tuple[float, float, float]) -> None:
        height, width = HEIGHT * SUPERSAMPLING, WIDTH * SUPERSAMPLING
        y, x = np.mgrid[0:height, 0:width]
        self.y, self.x = (y + 0.5) / height, (x + 0.5) / height  # unit: the picture's height
        light = 1.03 - 0.12 * ((self.x - 0.25) ** 2 * 4 + (self.y - 0.4) ** 2)
        self.colour = np.clip(np.array(background) * light[..., None], 0, 1)
        self.labels = np.zeros((height, width), np.uint8)
        self.body = np.zeros((height, width, 3), np.uint8)

    def limb(
        self,
        start: Array,
        end: Array,
        radii: tuple[float, ...],
        label: int,
        texture: Texture,
        *,
        part: int = 0,
        span: tuple[float, float] = (0.0, 1.0),
        round_ends: bool = True,
        flat_hem: bool = False,
        clothing: bool = False,
        open_front: float = 0.0,
        offset: float = 0.0,
    ) -> None:
        """Paint an axis with a radius profile; as a body part it also writes the body map."""
        axis = end - start
        length = float(np.hypot(*axis))
        dx, dy = self.x - start[0], self.y - start[1]
        along = (dx * axis[0] + dy * axis[1]) / length**2
        side = (dx * axis[1] - dy * axis[0]) / length
        low, high = span
        clipped = np.clip(along, low, high)
        radius = np.interp(clipped, np.linspace(0, 1, len(radii)), radii)
        beyond = (along - clipped) * length
        inside = side**2 + (beyond**2 if round_ends else 0) < radius**2
        if not round_ends:
            inside &= along >= low
        if flat_hem or not round_ends:
            inside &= along <= high
        across = np.clip(-side / np.maximum(radius, 1e-6), -1, 1)
        if open_front:
            inside &= np.abs(across) > open_front * (0.35 + 0.65 * np.clip((along - low) / (high - low), 0, 1))
        across, along, beyond = across[inside], along[inside], beyond[inside]
        depth = np.sqrt(np.clip(1 - across**2 - (beyond / radius[inside]) ** 2 * round_ends, 0, 1))
        folds = 0.05 * np.sin(along * length * 90 + across * 4) * (1 - depth) if clothing else 0.0
        shade = np.clip(0.58 + 0.42 * depth - 0.10 * across + folds, 0, 1.08)
        self.colour[inside] = np.clip(texture(along * length + offset, across) * shade[..., None], 0, 1)
        self.labels[inside] = label
        if part:
            u = np.arcsin(across) / np.pi + 0.5
            self.body[inside] = np.stack(
                [np.full(u.shape, part), np.round(u * 255), np.round(np.clip(along, 0, 1) * 255)], axis=1
            ).astype(np.uint8)

    def save(self, folder: Path) -> None:
        """Write the person folder: colours averaged, labels and body map sampled, never averaged."""
        folder.mkdir(parents=True, exist_ok=True)
        s = SUPERSAMPLING
        fine = self.colour.reshape(HEIGHT, s, WIDTH, s, 3).mean((1, 3))
        middle = slice(s // 2, None, s)
        Image.fromarray(np.round(fine * 255).astype(np.uint8)).save(folder / "image.png", optimize=True)
        Image.fromarray(self.labels[middle, middle]).save(folder / "labels.png", optimize=True)
        Image.fromarray(self.body[middle, middle]).save(folder / "densepose.png", optimize=True)


def draw(outfit: Outfit) -> Canvas:
    """Draw one person, their clothes over them, limb by limb."""
    canvas, b = Canvas(outfit.background), outfit.build
    skin = plain(outfit.skin)
    centre = 0.25
    neck, hip = np.array([centre, 0.185]), np.array([centre, 0.50])
    torso = (0.030, 0.078 * b, 0.074 * b, 0.062 * b, 0.060 * b, 0.074 * b, 0.072 * b)
    joints: dict[str, Array] = {}
    for side, sign, arm, leg in (("right", -1, *_pose(outfit, 0)), ("left", 1, *_pose(outfit, 1))):
        shoulder = np.array([centre + sign * 0.070 * b, 0.225])
        elbow = shoulder + 0.148 * np.array([sign * np.sin(arm), np.cos(arm)])
        wrist = elbow + 0.130 * np.array([sign * np.sin(arm * 0.6), np.cos(arm * 0.6)])
        thigh = np.array([centre + sign * 0.037 * b, 0.495])
        knee = thigh + 0.205 * np.array([sign * np.sin(leg), np.cos(leg)])
        ankle = knee + 0.200 * np.array([sign * np.sin(leg * 0.7), np.cos(leg * 0.7)])
        joints |= {
            f"{side}_{n}": p
            for n, p in zip(
                ("shoulder", "elbow", "wrist", "thigh", "knee", "ankle"),
                (shoulder, elbow, wrist, thigh, knee, ankle),
                strict=True,
            )
        }
    head = np.array([centre, 0.105])
    if outfit.long_hair:
        canvas.limb(head + [0, -0.005], head + [0, 0.125], (0.052, 0.058, 0.050), CLASSES["hair"], plain(outfit.hair))
    _legs(canvas, joints, outfit, skin)
    canvas.limb(neck, hip, torso, CLASSES["torso_skin"], skin, part=PARTS["torso"], round_ends=False)
    canvas.limb(head + [0, 0.03], neck + [0, 0.02], (0.027, 0.030), CLASSES["torso_skin"], skin, part=PARTS["head"])
    _bottom(canvas, joints, outfit, b)
    _arms(canvas, joints, outfit, skin, torso, neck, hip)
    _head(canvas, head, outfit, skin)
    return canvas


def _pose(outfit: Outfit, side: int) -> tuple[float, float]:
    return float(np.radians(outfit.arms[side])), float(np.radians(outfit.legs[side]))


def _legs(canvas: Canvas, joints: dict[str, Array], outfit: Outfit, skin: Texture) -> None:
    b = outfit.build
    for side, sign in (("right", -1), ("left", 1)):
        label = CLASSES[f"{side}_leg"]
        thigh, knee, ankle = (joints[f"{side}_{n}"] for n in ("thigh", "knee", "ankle"))
        canvas.limb(thigh, knee, (0.040 * b, 0.038 * b, 0.028 * b), label, skin, part=PARTS[f"{side}_thigh"])
        canvas.limb(knee, ankle, (0.027 * b, 0.029 * b, 0.017 * b), label, skin, part=PARTS[f"{side}_calf"])
        toe = ankle + [sign * 0.014, 0.030]
        canvas.limb(
            ankle + [0, 0.012],
            toe,
            (0.019, 0.021),
            CLASSES[f"{side}_shoe"],
            plain(outfit.shoes),
            part=PARTS[f"{side}_foot"],
        )


def _bottom(canvas: Canvas, joints: dict[str, Array], outfit: Outfit, b: float) -> None:
    if outfit.bottom is None:
        return
    label = CLASSES[outfit.bottom_class]
    waist, hips = np.array([0.25, 0.405]), np.array([0.25, 0.515])
    if outfit.bottom_class in ("skirt", "dress"):
        hem = waist + [0, 0.09 + 0.205 * outfit.leg]
        canvas.limb(
            waist,
            hem,
            (0.066 * b, 0.084 * b, 0.096 * b, 0.108 * b),
            label,
            outfit.bottom,
            round_ends=False,
            clothing=True,
            offset=0.22,
        )
        return
    canvas.limb(waist, hips, (0.066 * b, 0.079 * b, 0.082 * b), label, outfit.bottom, round_ends=False, clothing=True)
    for side in ("right", "left"):
        thigh, knee, ankle = (joints[f"{side}_{n}"] for n in ("thigh", "knee", "ankle"))
        canvas.limb(
            thigh,
            knee,
            (0.045 * b, 0.043 * b, 0.034 * b),
            label,
            outfit.bottom,
            clothing=True,
            span=(0, min(1.0, outfit.leg)),
            flat_hem=outfit.leg <= 1,
        )
        if outfit.leg > 1:
            canvas.limb(
                knee,
                ankle,
                (0.034 * b, 0.034 * b, 0.027 * b),
                label,
                outfit.bottom,
                clothing=True,
                span=(0, outfit.leg - 1),
                round_ends=False,
            )


def _arms(
    canvas: Canvas,
    joints: dict[str, Array],
    outfit: Outfit,
    skin: Texture,
    torso: tuple[float, ...],
    neck: Array,
    hip: Array,
) -> None:
    b = outfit.build
    for side in ("right", "left"):
        label = CLASSES[f"{side}_arm"]
        shoulder, elbow, wrist = (joints[f"{side}_{n}"] for n in ("shoulder", "elbow", "wrist"))
        hand = wrist + 0.035 * (wrist - elbow) / np.hypot(*(wrist - elbow))
        canvas.limb(wrist, hand, (0.016, 0.013), label, skin, part=PARTS[f"{side}_hand"])
        canvas.limb(elbow, wrist, (0.021 * b, 0.020 * b, 0.014 * b), label, skin, part=PARTS[f"{side}_forearm"])
        canvas.limb(shoulder, elbow, (0.027 * b, 0.025 * b, 0.021 * b), label, skin, part=PARTS[f"{side}_upper_arm"])
    if outfit.top is not None:
        _top(canvas, joints, outfit, outfit.top, CLASSES[outfit.top_class], outfit.sleeve, torso, neck, hip, 0.006)
    if outfit.coat is not None:
        _top(canvas, joints, outfit, outfit.coat, CLASSES["coat"], 1.95, torso, neck, hip + [0, 0.07], 0.014, 0.34)


def _top(
    canvas: Canvas,
    joints: dict[str, Array],
    outfit: Outfit,
    texture: Texture,
    label: int,
    sleeve: float,
    torso: tuple[float, ...],
    neck: Array,
    hip: Array,
    ease: float,
    open_front: float = 0.0,
) -> None:
    b = outfit.build
    radii = tuple(r + ease for r in torso)
    canvas.limb(
        neck, hip, radii, label, texture, span=(0.07, 0.86), round_ends=False, clothing=True, open_front=open_front
    )
    for side in ("right", "left"):
        shoulder, elbow, wrist = (joints[f"{side}_{n}"] for n in ("shoulder", "elbow", "wrist"))
        if sleeve > 0:
            canvas.limb(
                shoulder,
                elbow,
                tuple(r * b + ease for r in (0.028, 0.027, 0.023)),
                label,
                texture,
                span=(0, min(1.0, sleeve)),
                flat_hem=sleeve <= 1,
                clothing=True,
            )
        if sleeve > 1:
            canvas.limb(
                elbow,
                wrist,
                tuple(r * b + ease for r in (0.023, 0.021, 0.016)),
                label,
                texture,
                span=(0, sleeve - 1),
                round_ends=False,
                clothing=True,
            )


def _head(canvas: Canvas, head: Array, outfit: Outfit, skin: Texture) -> None:
    hair = plain(outfit.hair)
    canvas.limb(head + [0, -0.028], head + [0, 0.012], (0.046, 0.048), CLASSES["hair"], hair, part=PARTS["head"])
    canvas.limb(head + [0, -0.012], head + [0, 0.032], (0.039, 0.032), CLASSES["face"], skin, part=PARTS["head"])
    canvas.limb(head + [-0.020, -0.046], head + [0.020, -0.046], (0.017, 0.021, 0.017), CLASSES["hair"], hair)
    features = plain(tuple(c * 0.35 for c in outfit.skin))  # type: ignore[arg-type]
    for dx in (-0.015, 0.015):
        canvas.limb(head + [dx, 0.0], head + [dx + 1e-3, 0.0], (0.004, 0.004), CLASSES["face"], features)
    canvas.limb(head + [-0.010, 0.036], head + [0.010, 0.036], (0.002, 0.003, 0.002), CLASSES["face"], features)
    if outfit.hat is not None:
        hat = plain(outfit.hat)
        canvas.limb(head + [-0.026, -0.058], head + [0.026, -0.058], (0.030, 0.034, 0.030), CLASSES["hat"], hat)
        canvas.limb(head + [-0.058, -0.036], head + [0.058, -0.036], (0.005, 0.011, 0.005), CLASSES["hat"], hat)


if __name__ == "__main__":
    for person in PEOPLE:
        draw(person).save(Path(__file__).parent / "people" / person.name)
