"""What an evaluation on photographs reports: a stable, documented JSON format (see docs/evaluation.md)."""

from __future__ import annotations

from typing import Literal

from ..runtime.report import BundleReport, EngineReport
from .report import Interval, Number, PictureScores, Skipped, StrictModel

PHOTOGRAPHS_SCHEMA = 1


class SwapScores(StrictModel):
    """How near a garment in a look is to its own photograph.

    Parameters
    ----------
    colour
        CIE76 difference of the mean colours.
    texture
        Difference of the mean directions of MobileNetV2's features.
    """

    colour: Number
    texture: Number


class SelfSwap(StrictModel):
    """A person in their own garments, taken from the mirrored photograph.

    Parameters
    ----------
    name
        Of the photograph.
    iou
        Of each garment's outline with the photograph's.
    methods
        Nearness to the photograph where the garments are.
    """

    kind: Literal["self_swap"] = "self_swap"
    name: str
    iou: dict[str, Number]
    methods: dict[str, PictureScores]


class Swap(StrictModel):
    """A person in somebody else's garment.

    Parameters
    ----------
    name, garment
        The two photographs.
    worn
        The class that was exchanged.
    pieces
        In how many pieces the garment is, in its photograph and in the look.
    roughness
        Perimeter² / area of its outline in the look, divided by that in its photograph.
    bared_limbs
        IoU of each limb that came to light with the body map's limb.
    kept_changed
        Share of head, hair, hands and background pixels, the same before and after, of another colour.
    reread
        IoU of the garment with what the parser takes for it in the look.
    methods
        The garment against its photograph.
    """

    kind: Literal["swap"] = "swap"
    name: str
    garment: str
    worn: str
    pieces: tuple[int, int]
    roughness: Number
    bared_limbs: dict[str, Number]
    kept_changed: float
    reread: Number
    methods: dict[str, SwapScores]


class PhotographReport(StrictModel):
    """A whole evaluation on photographs.

    Parameters
    ----------
    schema_version
        Format of this report.
    self_swap
        Means over all self-swaps, by method.
    perceptual_ci95
        95 % bootstrap interval of their perceptual distances.
    iou
        Mean IoU of garments' outlines in self-swaps.
    islands
        Share of swaps in which a garment that was in one piece is in several.
    roughness
        The median of the swaps'.
    bared_limbs
        The mean over all limbs that came to light; None where none did.
    limbs
        How many those are.
    kept_changed, reread
        Means over the swaps.
    swap
        Means over the swaps, by method.
    kid_mobilenetv2
        Kernel distance of the swaps' pictures to the people's own, by method, through MobileNetV2.
    oviton, bundle, conditioning, engine
        What was measured.
    skipped
        What could not be used.
    self_swaps, swaps
        Every case.
    """

    schema_version: int = PHOTOGRAPHS_SCHEMA
    self_swap: dict[str, PictureScores]
    perceptual_ci95: dict[str, Interval]
    iou: Number
    islands: Number
    roughness: Number
    bared_limbs: Number | None
    limbs: int
    kept_changed: float
    reread: Number
    swap: dict[str, SwapScores]
    kid_mobilenetv2: dict[str, Number]
    oviton: str
    bundle: BundleReport
    conditioning: str
    engine: EngineReport
    skipped: tuple[Skipped, ...]
    self_swaps: tuple[SelfSwap, ...]
    swaps: tuple[Swap, ...]
