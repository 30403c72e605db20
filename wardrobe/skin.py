"""The colours of a person: skin, lips, hair, brows and eyes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .seeds import draw_seed

Colour = tuple[float, float, float]
"""Red, green and blue as sRGB values in 0 to 1."""

SKIN_TONES = np.array(
    [
        [0.94, 0.81, 0.74], [0.90, 0.73, 0.63], [0.85, 0.66, 0.54], [0.77, 0.57, 0.44],
        [0.66, 0.46, 0.34], [0.54, 0.36, 0.26], [0.42, 0.28, 0.21], [0.31, 0.21, 0.165],
    ],
    dtype=np.float32,
)  # fmt: skip
"""Albedo of skin `[8, 3]`, fair to deep; complexions lie between neighbours."""

HAIR_COLOURS: dict[str, Colour] = {
    "black": (0.07, 0.06, 0.06),
    "dark brown": (0.17, 0.11, 0.08),
    "brown": (0.29, 0.19, 0.12),
    "light brown": (0.45, 0.32, 0.20),
    "dark blonde": (0.58, 0.45, 0.29),
    "blonde": (0.75, 0.62, 0.41),
    "platinum": (0.86, 0.80, 0.68),
    "auburn": (0.37, 0.16, 0.09),
    "ginger": (0.62, 0.31, 0.14),
    "grey": (0.52, 0.51, 0.50),
    "white": (0.82, 0.81, 0.79),
    "pink": (0.84, 0.46, 0.60),
    "blue": (0.22, 0.35, 0.62),
}
_HAIR_OF_FAIR = (0.10, 0.18, 0.18, 0.14, 0.12, 0.09, 0.03, 0.04, 0.04, 0.04, 0.02, 0.01, 0.01)
_HAIR_OF_DEEP = (0.56, 0.26, 0.06, 0.01, 0.01, 0.01, 0.005, 0.02, 0.0, 0.04, 0.015, 0.005, 0.005)

IRISES: dict[str, Colour] = {
    "dark brown": (0.16, 0.10, 0.07),
    "brown": (0.30, 0.19, 0.11),
    "hazel": (0.40, 0.31, 0.17),
    "green": (0.36, 0.43, 0.28),
    "blue": (0.36, 0.50, 0.63),
    "grey": (0.45, 0.50, 0.53),
}
_IRIS_OF_FAIR = (0.12, 0.28, 0.15, 0.13, 0.24, 0.08)
_IRIS_OF_DEEP = (0.66, 0.30, 0.03, 0.01, 0.0, 0.0)


@dataclass(frozen=True)
class Complexion:
    """A person's own colours, each an sRGB albedo in 0 to 1.

    Parameters
    ----------
    skin, lips, hair, brows, iris
        The colour of that part.
    """

    skin: Colour
    lips: Colour
    hair: Colour
    brows: Colour
    iris: Colour


def sample_complexion(rng: np.random.Generator, held_out: bool = False) -> Complexion:
    """Draw one person's colours.

    Parameters
    ----------
    rng
        Source of the draw; it moves on by one number.
    held_out
        Draw from the seeds kept for evaluation.
    """
    rng = np.random.default_rng(draw_seed(rng, held_out=held_out))
    # Every depth of tone, a little more of the fair ones, as in catalogues.
    depth = float(rng.uniform(0, 1) ** 1.15)
    place = depth * (len(SKIN_TONES) - 1)
    below = min(int(place), len(SKIN_TONES) - 2)
    skin = SKIN_TONES[below] + (place - below) * (SKIN_TONES[below + 1] - SKIN_TONES[below])
    # Undertone: rosy skin has more red and blue, golden skin more green and less blue.
    skin = skin * (1 + rng.normal(0, 0.02) + rng.normal(0, 0.022) * np.array([0.4, -0.4, 1.0]))

    rosiness = rng.uniform(0.2, 0.65)
    lips = skin * (1 - rosiness * np.array([0.10, 0.42, 0.33]))
    if rng.random() < 0.2:  # lipstick
        paint = np.array([[0.70, 0.10, 0.16], [0.78, 0.32, 0.38], [0.45, 0.09, 0.18], [0.85, 0.42, 0.40]])
        lips = 0.3 * lips + 0.7 * paint[rng.integers(len(paint))]

    hair = _pick(rng, HAIR_COLOURS, _HAIR_OF_FAIR, _HAIR_OF_DEEP, depth)
    dyed = hair in (HAIR_COLOURS["pink"], HAIR_COLOURS["blue"])
    shade = np.asarray(hair) * rng.uniform(0.82, 1.18) * (1 + rng.normal(0, 0.03, 3))
    # Brows are darker than fair hair, and keep their own colour when hair is dyed.
    brows = np.array([0.2, 0.14, 0.1]) if dyed else np.minimum(shade * rng.uniform(0.6, 0.85), 0.5)
    iris = np.asarray(_pick(rng, IRISES, _IRIS_OF_FAIR, _IRIS_OF_DEEP, depth)) * rng.uniform(0.85, 1.15)
    return Complexion(*(_colour(c) for c in (skin, lips, shade, brows, iris)))


def _pick(
    rng: np.random.Generator,
    colours: dict[str, Colour],
    of_fair: tuple[float, ...],
    of_deep: tuple[float, ...],
    depth: float,
) -> Colour:
    """Draw a colour by frequencies that change from fair (depth 0) to deep (depth 1) skin."""
    blend = min(1.0, 1.6 * depth)
    weights = (1 - blend) * np.array(of_fair) + blend * np.array(of_deep)
    return list(colours.values())[int(rng.choice(len(colours), p=weights / weights.sum()))]


def _colour(value: npt.NDArray[np.floating[Any]]) -> Colour:
    red, green, blue = np.clip(value, 0.02, 0.98).tolist()
    return red, green, blue
