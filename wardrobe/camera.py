"""Framing: how a person is placed in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .mesh import FloatArray

DISTANCE = 4.5
"""From the camera to the person, metres."""


@dataclass(frozen=True)
class Framing:
    """How much of a person is in the picture.

    Parameters
    ----------
    kind
        ``"full"``, ``"knees"`` or ``"waist"``: where the picture ends below.
    margin
        Free height above the head, share of the picture.
    zoom
        Size relative to what would just fit.
    shift
        Sideways shift, share of the width.
    window
        First and last row of the photograph as shares of the height; beyond, its border is repeated, as the
        letterbox of a wider photograph is.
    """

    kind: str
    margin: float
    zoom: float
    shift: float
    window: tuple[float, float] = (0.0, 1.0)


def sample_framing(
    rng: np.random.Generator, kinds: tuple[float, float, float] = (0.5, 0.2, 0.3), *, letterboxed: bool = True
) -> Framing:
    """Draw a framing.

    Parameters
    ----------
    rng
        Source of randomness.
    kinds
        Shares of full, knee and waist pictures.
    letterboxed
        Whether some pictures are those of a wider photograph, fitted into the frame with its border repeated.
    """
    kind = ("full", "knees", "waist")[rng.choice(3, p=kinds)]
    window = (0.0, 1.0)
    if kind == "waist" or rng.random() < 0.12:
        half = rng.uniform(0.32, 0.5) if rng.random() < 0.7 else 0.5  # mostly a wider photograph, letterboxed
        window = (0.5 - half, 0.5 + half) if letterboxed else window
    return Framing(
        kind,
        float(rng.uniform(0.015, 0.07)),
        float(rng.uniform(0.92, 1.0)),
        float(rng.normal(0, 0.025)),
        (float(window[0]), float(window[1])),
    )


@dataclass(frozen=True)
class Camera:
    """A pinhole camera in front of a person.

    Parameters
    ----------
    scale
        Pixels a metre at the person's distance, for a picture of height 1.
    centre
        The point of the world, x and z in metres, that is shown at `target`.
    target
        Where, as shares of width and height.
    """

    scale: float
    centre: tuple[float, float]
    target: tuple[float, float]

    @classmethod
    def frame(cls, framing: Framing, body: FloatArray, joints: dict[str, float], aspect: float) -> Camera:
        """Return the camera that frames a posed body.

        Parameters
        ----------
        framing
            What to show.
        body
            Posed vertices of the skin `[V, 3]`, metres.
        joints
            Heights of ``"knee"`` and ``"hip"`` on the posed person, metres.
        aspect
            Width over height of the picture.
        """
        top, bottom = body[:, 2].max() + 0.03, body[:, 2].min() - 0.02
        if framing.kind == "knees":
            bottom = joints["knee"]
        elif framing.kind == "waist":
            bottom = joints["hip"]
        shown = body[body[:, 2] > bottom]
        middle = (np.percentile(shown[:, 0], 2) + np.percentile(shown[:, 0], 98)) / 2
        reach = np.abs(shown[:, 0] - middle).max()
        first, last = framing.window
        room = (last - first) * (1 - framing.margin)
        scale = min(room / (top - bottom), 0.5 * aspect / (reach * 1.04)) * framing.zoom
        if framing.kind == "full":
            # The figure stands in the middle of the window, whatever its size.
            centre = (first + last) / 2
            return cls(scale, (middle, (top + bottom) / 2), (0.5 + framing.shift, centre))
        return cls(scale, (middle, top), (0.5 + framing.shift, first + framing.margin * (last - first)))

    def project(self, points: FloatArray, height: int, width: int) -> FloatArray:
        """Return pixel x, pixel y and depth of world points `[n, 3]`."""
        near = DISTANCE / (DISTANCE + points[:, 1])
        size = self.scale * height * near
        return np.stack(
            [
                (points[:, 0] - self.centre[0]) * size + self.target[0] * width,
                self.target[1] * height - (points[:, 2] - self.centre[1]) * size,
                points[:, 1],
            ],
            axis=1,
        )
