"""What stands behind the person: mostly studio paper, sometimes a wall, a room or a street."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .backdrops import places, studio, walls
from .backdrops.paper import SIDE, Painter
from .fabrics.palette import Floats
from .seeds import Seeded, draw_kind, draw_seed

_PAINTERS: dict[str, tuple[float, Painter]] = {
    "seamless": (0.26, studio.seamless),
    "gradient": (0.17, studio.gradient),
    "sweep": (0.13, studio.sweep),
    "canvas": (0.06, studio.canvas),
    "wall": (0.13, walls.any_wall),
    "room": (0.13, places.room),
    "street": (0.06, places.street),
    "park": (0.03, places.park),
    "bokeh": (0.03, places.bokeh),
}
"""How often each kind is drawn, and what paints it."""

BACKDROP_KINDS = tuple(_PAINTERS)
"""Every kind of backdrop."""


class Backdrop(Seeded):
    """A place to stand in front of, one of `BACKDROP_KINDS`."""

    def render(self, height: int, width: int) -> Floats:
        """Return the picture `[height, width, 3]`, float32 sRGB in 0 to 1.

        It is painted at one size, cut around its middle to the shape asked for, and scaled, so that pictures of one
        shape differ by their detail only.
        """
        rng = np.random.default_rng(self.seed)
        picture = _PAINTERS[self.kind][1](rng)
        if rng.random() < 0.3:
            picture = studio.vignette(rng, picture)
        image = Image.fromarray(np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8))
        scale = SIDE / max(height, width)
        left, top = (SIDE - width * scale) / 2, (SIDE - height * scale) / 2
        box = (left, top, SIDE - left, SIDE - top)
        scaled = image.resize((width, height), Image.Resampling.BILINEAR, box=box)
        return np.asarray(scaled, dtype=np.float32) / np.float32(255)


def sample_backdrop(rng: np.random.Generator, held_out: bool = False) -> Backdrop:
    """Draw a backdrop.

    Parameters
    ----------
    rng
        Source of the draw.
    held_out
        Draw from the seeds kept for evaluation.
    """
    kind = draw_kind(rng, {name: share for name, (share, _) in _PAINTERS.items()})
    return Backdrop(kind, draw_seed(rng, held_out=held_out))
