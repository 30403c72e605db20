"""The cloth of a garment: one kind of pattern, and everything else from a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from .fabrics import blocks, checks, geometric, organic, prints, scattered, stripes, weaves
from .fabrics.noise import threads
from .fabrics.palette import Floats
from .fabrics.pattern import Grain, Panels, Pattern
from .seeds import Seeded, draw_kind, draw_seed

Builder = Callable[[np.random.Generator, bool], Pattern]

_BUILDERS: dict[str, tuple[float, Builder]] = {
    "plain": (0.21, weaves.plain),
    "melange": (0.05, weaves.melange),
    "denim": (0.04, weaves.denim),
    "knit": (0.04, weaves.knit),
    "stripes": (0.07, stripes.regular),
    "rugby": (0.05, stripes.irregular),
    "vertical_stripes": (0.04, stripes.vertical),
    "checks": (0.025, checks.checks),
    "gingham": (0.02, checks.gingham),
    "tartan": (0.04, checks.tartan),
    "dots": (0.05, scattered.dots),
    "camouflage": (0.03, organic.camouflage),
    "floral": (0.06, scattered.floral),
    "geometric": (0.045, geometric.geometric),
    "animal": (0.02, organic.animal),
    "colour_block": (0.045, blocks.colour_block),
    "gradient": (0.03, blocks.gradient),
    "logo": (0.085, prints.logo),
    "graphic": (0.075, prints.graphic),
    "all_over": (0.035, scattered.all_over),
}
"""How often people wear each kind, and what draws it."""

KINDS = tuple(_BUILDERS)
"""Every kind of fabric."""

HARD_KINDS = ("graphic", "all_over", "floral", "camouflage", "animal", "gradient")
"""Prints that are complex and do not repeat: where O-VITON's authors saw theirs fail."""

TEXTURED_KINDS = tuple(kind for kind in KINDS if kind not in ("plain", "melange", "denim"))
"""Kinds whose structure can be seen in a picture of the whole person."""

REPEATING_KINDS = tuple(kind for kind in KINDS if kind not in ("logo", "graphic", "colour_block", "gradient"))
"""Kinds that look the same all over the garment, so that they suit trousers, skirts and scarves as well."""

HARD_KINDS_BELOW = tuple(kind for kind in HARD_KINDS if kind in REPEATING_KINDS)
"""Those of `HARD_KINDS` that trousers and skirts show: prints on the chest and most fades leave them plain."""


class Fabric(Seeded):
    """A piece of cloth, one of `KINDS`."""

    @cached_property
    def _pattern(self) -> Pattern:
        rng = np.random.default_rng(self.seed)
        pattern = _BUILDERS[self.kind][1](rng, self.held_out)
        grain = threads(rng, rng.uniform(0.006, 0.02))
        return Grain(pattern, grain)

    def __call__(self, cloth: Floats, panel: Panels) -> Floats:
        """Return the cloth's own colour, without light.

        Parameters
        ----------
        cloth
            Places `[n, 2]` float32 in metres: around the body (0 at the centre front, positive to the wearer's left)
            and up the garment (0 at the waist of a top, about 0.35 at the chest).
        panel
            `[n]` uint8: 0 front, 1 back, 2 left limb, 3 right limb; on limbs places run around and along the limb.

        Returns
        -------
        Floats
            sRGB albedo `[n, 3]` float32 in 0 to 1.
        """
        return np.clip(self._pattern(cloth, panel), 0, 1)

    def __reduce__(self) -> tuple[type[Fabric], tuple[str, int]]:
        # Worker processes draw the pictures again rather than receive them.
        return type(self), (self.kind, self.seed)


def sample_fabric(rng: np.random.Generator, *, held_out: bool = False, kinds: Sequence[str] | None = None) -> Fabric:
    """Draw a fabric, each kind as often as people wear it.

    Parameters
    ----------
    rng
        Source of the draw.
    held_out
        Draw from the seeds, motifs and words kept for evaluation.
    kinds
        Draw from these kinds only.
    """
    names = KINDS if kinds is None else tuple(kinds)
    kind = draw_kind(rng, {name: _BUILDERS[name][0] for name in names})
    return Fabric(kind, draw_seed(rng, held_out=held_out))
