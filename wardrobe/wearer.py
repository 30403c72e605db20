"""Who is photographed, and how: build, pose, colours, hair, framing, light and background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..data.classes import CLASS_IDS
from ..data.images import UInt8Array
from .anatomy import HIP, KNEE
from .backdrop import Backdrop, sample_backdrop
from .body import HELD_OUT_BODIES, Figure, body_model
from .camera import Camera, Framing, sample_framing
from .charts import skin_labels
from .face import skin_paint
from .garments.garment import DrapedGarment
from .hair import STYLES, hair
from .layer import Layer, drape, stack_cuts
from .makehuman import MakeHumanAssets
from .mesh import FloatArray
from .outfit import Wear
from .pose import sample_pose
from .raster import CUTS
from .scene import Correspondence, Light, Photograph, correspond, photograph, sample_light, segment
from .seeds import draw_seed
from .skin import Complexion, sample_complexion

HIDE_MARGIN = 0.012
"""Skin is left out where a garment covers it by this much, metres, so that none peeks out at a silhouette."""

HAND_BIAS = 0.03
"""Hands that rest on clothes stay before them, metres."""


@dataclass(frozen=True)
class Wearer:
    """A person in front of a camera, before they are dressed.

    Parameters
    ----------
    body
        Number of a baked person.
    pose
        Rotation matrices by bone.
    complexion
        Skin, hair and eyes.
    hair
        One of `hair.STYLES`.
    framing, light, backdrop
        The studio.
    seed
        Of everything small: strands, freckles, noise.
    """

    body: int
    pose: Mapping[str, FloatArray]
    complexion: Complexion
    hair: str
    framing: Framing
    light: Light
    backdrop: Backdrop
    seed: int

    def photograph(self, wear: Wear, size: tuple[int, int], assets: MakeHumanAssets | None = None) -> Photograph:
        """Photograph the person in an outfit; height and width in pixels.

        The same person in two outfits differs in nothing but the outfits.
        """
        skin, worn, strands, camera = self._compose(wear, size, assets)
        layers = [skin, *worn, *strands]
        return photograph(layers, 0, camera, self.light, self.backdrop, self.seed, size, window=self.framing.window)

    def segment(self, wear: Wear, size: tuple[int, int], assets: MakeHumanAssets | None = None) -> UInt8Array:
        """Return only the labels of `photograph`, `[H, W]`."""
        skin, worn, strands, camera = self._compose(wear, size, assets)
        return segment([skin, *worn, *strands], camera, size, window=self.framing.window)

    def correspond(
        self, wear: Wear, other: Wearer, size: tuple[int, int], assets: MakeHumanAssets | None = None
    ) -> Correspondence:
        """Return where the points of this person's photograph lie in another's, who wears the same."""
        skin, worn, strands, camera = self._compose(wear, size, assets)
        their_skin, theirs, their_strands, their_camera = other._compose(wear, size, assets)
        return correspond(
            [skin, *worn, *strands],
            camera,
            [their_skin, *theirs, *their_strands],
            their_camera,
            1 + len(worn),
            size,
            (self.framing.window, other.framing.window),
        )

    def hidden_share(
        self, wear: Wear, name: str, size: tuple[int, int], assets: MakeHumanAssets | None = None
    ) -> float:
        """Return which share of a class's pixels limbs and hair hide in the photograph; 0 where nothing is worn."""
        skin, worn, strands, camera = self._compose(wear, size, assets)
        alone, seen = (
            segment(layers, camera, size, window=self.framing.window) == CLASS_IDS[name]
            for layers in (worn, [skin, *worn, *strands])
        )
        return float((alone & ~seen).sum() / max(1, alone.sum()))

    def _compose(
        self, wear: Wear, size: tuple[int, int], assets: MakeHumanAssets | None
    ) -> tuple[Layer, list[Layer], list[Layer], Camera]:
        """Return the skin, the clothes and the hair as layers, and the camera."""
        figure = body_model().figure(self.body, self.pose)
        garments = wear.drape(figure, assets)
        skin = self._skin(figure, garments)
        strands = hair(
            np.random.default_rng([self.seed, 1]), figure, self.complexion.hair, self.hair, hat=wear.hat is not None
        )
        worn = [layer for garment in garments for layer in garment.layers]
        camera = Camera.frame(self.framing, skin.points, _joints(figure), size[1] / size[0])
        return skin, worn, list(strands), camera

    def _skin(self, figure: Figure, garments: Sequence[DrapedGarment]) -> Layer:
        sheet = body_model().skin
        points = drape(figure, sheet, np.zeros(len(sheet.anatomy)))
        cuts = stack_cuts(sheet.anatomy, ())
        covers = [garment.covers for garment in garments if garment.covers is not None]
        if covers:
            deepest = np.max([cover(sheet.anatomy) for cover in covers], axis=0)
            cuts[:, CUTS - 1] = HIDE_MARGIN - deepest
        for garment in garments:
            if garment.hides is not None:  # the skin's sheet has each base vertex as it is
                cuts[np.isin(sheet.combine.indices, garment.hides), CUTS - 1] = -HIDE_MARGIN
        hands = sheet.anatomy.hand[sheet.faces].min(axis=1) > 0.5
        bias = np.where(hands, HAND_BIAS, 0.0).astype(np.float32)
        paint = skin_paint(self.complexion, np.random.default_rng([self.seed, 0]))
        return Layer(points, sheet.faces, sheet.anatomy, cuts, bias, skin_labels, paint, gloss=0.06)


def sample_wearer(
    rng: np.random.Generator,
    *,
    held_out: bool = False,
    rare: bool = False,
    framings: tuple[float, float, float] = (0.5, 0.2, 0.3),
    letterboxed: bool = True,
    from_behind: float = 0.05,
) -> Wearer:
    """Draw a person.

    Parameters
    ----------
    rng
        Source of randomness.
    held_out
        Use the bodies and backdrops kept for evaluation.
    rare
        Strike a rare pose.
    framings
        Shares of full, knee and waist pictures.
    letterboxed
        Whether some pictures are those of a wider photograph, as the trainer would fit it.
    from_behind
        Share of people seen from behind.
    """
    people = body_model().people
    first, last = (people - HELD_OUT_BODIES, people) if held_out else (0, people - HELD_OUT_BODIES)
    body = int(rng.integers(first, last))
    woman = body % 2 == 1
    weights = np.array([_hair_weight(style, share, woman=woman) for style, share in STYLES.items()])
    return Wearer(
        body=body,
        pose=sample_pose(rng, rare=rare, from_behind=from_behind),
        complexion=sample_complexion(rng, held_out),
        hair=list(STYLES)[int(rng.choice(len(STYLES), p=weights / weights.sum()))],
        framing=sample_framing(rng, framings, letterboxed=letterboxed),
        light=sample_light(rng),
        backdrop=sample_backdrop(rng, held_out),
        seed=draw_seed(rng, held_out=held_out),
    )


def _hair_weight(style: str, share: float, *, woman: bool) -> float:
    usual = {"buzz": 0.1, "bald": 0.0, "short": 0.5, "tousled": 0.7} if woman else {"bob": 0.1, "long": 0.2, "bun": 0.3}
    return share * usual.get(style, 1.0)


def _joints(figure: Figure) -> dict[str, float]:
    """Return the heights of knees and hips in the pose, metres."""
    model = body_model()
    found = {}
    for name, joint in (("knee", KNEE), ("hip", HIP)):
        near = np.argsort(np.abs(model.neutral - joint).sum(axis=1))[:12]
        found[name] = float(figure.pose(figure.rest[near], model.weights[near])[:, 2].mean())
    return found
