"""What an evaluation reports: a stable, documented JSON format (see docs/evaluation.md)."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from ..runtime.report import BundleReport, EngineReport, RefinementReport

EVALUATION_SCHEMA = 1

Number = Annotated[float, AfterValidator(lambda value: round(value, 6))]
"""More digits would only swell the file. Shares that must be 0 are kept as they are."""

Interval = tuple[Number, Number]


class StrictModel(BaseModel):
    """What every part of a report is: frozen, no unknown field, no number that JSON lacks."""

    # Never Infinity or NaN in the file: JSON knows neither.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PictureScores(StrictModel):
    """A method's nearness to the truth.

    Parameters
    ----------
    psnr
        In dB; higher is better.
    ssim
        Structural similarity; higher is better.
    perceptual
        MobileNetV2 distance; lower is better.
    """

    psnr: Number
    ssim: Number
    perceptual: Number


class PictureIntervals(StrictModel):
    """95 % bootstrap intervals of `PictureScores`, over triplets."""

    psnr: Interval
    ssim: Interval
    perceptual: Interval


class GarmentIou(StrictModel):
    """Intersection over union of one swapped garment class.

    Parameters
    ----------
    n
        Triplets in which the truth shows it.
    generated
        Of the labels that the bundle drew.
    old_labels
        Of the person's own labels, as a baseline.
    ci95
        95 % bootstrap interval of `generated`.
    """

    n: int
    generated: Number
    old_labels: Number
    ci95: Interval


class Subset(StrictModel):
    """Scores in the swapped region over some triplets only."""

    n: int
    methods: dict[str, PictureScores]


class SplitCi95(StrictModel):
    """95 % bootstrap intervals over a split's triplets."""

    miou: Interval
    methods: dict[str, PictureIntervals]


class SplitReport(StrictModel):
    """A split: means over its triplets.

    Parameters
    ----------
    n
        Triplets measured.
    miou
        Mean IoU of the labels that the bundle drew.
    methods
        Scores in the swapped region.
    miou_old_labels
        Mean IoU of the person's own labels, as a baseline.
    iou
        IoU of each swapped garment class.
    changed_iou
        Mean IoU of what comes and goes: pixels that change to the right class, of all that change or should; None in
        reports that did not measure it.
    whole
        Scores over the whole picture.
    textured
        Scores in the swapped region over triplets whose garments are more than plain; None when there are none.
    ci95
        Intervals of `miou` and `methods`.
    kept_changed
        Share of head, hair, hands and background pixels, the same before and after, of another colour: must be 0.
    kept_relabelled
        Share of such pixels, the same before and in the truth, that the bundle took for something else.
    """

    n: int
    miou: Number
    methods: dict[str, PictureScores]
    miou_old_labels: Number
    iou: dict[str, GarmentIou]
    changed_iou: Number | None = None
    whole: dict[str, PictureScores]
    textured: Subset | None
    ci95: SplitCi95
    kept_changed: float
    kept_relabelled: float


class CaseReport(StrictModel):
    """One triplet; fields as in `SplitReport`.

    Parameters
    ----------
    iou
        By swapped class: what the bundle drew, and the person's own labels.
    region_share
        Share of the picture that is the swapped region.
    refinement
        What refinement did; None without one.
    not_refined
        Why this request could not be refined, so that the feed-forward result was measured; empty otherwise.
    """

    split: str
    name: str
    fabric: str
    textured: bool
    region_share: Number
    miou: Number
    miou_old_labels: Number
    iou: dict[str, tuple[Number, Number]]
    changed_iou: Number | None = None
    methods: dict[str, PictureScores]
    whole: dict[str, PictureScores]
    kept_changed: float
    kept_relabelled: float
    refinement: RefinementReport | None = None
    not_refined: str = ""

    @property
    def full_name(self) -> str:
        """Split and name."""
        return f"{self.split}/{self.name}"


class Skipped(StrictModel):
    """A triplet that could not be used."""

    name: str
    reason: str


WORSE = 1.02
"""A case counts as worse from so many times its feed-forward distance on."""


class WorseCase(StrictModel):
    """A triplet whose refined result is farther from the truth than the feed-forward one.

    Parameters
    ----------
    name
        Split and name.
    fabric
        What the garments' cloth is called.
    perceptual, psnr, ssim
        Of the feed-forward and of the refined result.
    """

    name: str
    fabric: str
    perceptual: tuple[float, float]
    psnr: tuple[float, float]
    ssim: tuple[float, float]


class RefinementSummary(StrictModel):
    """Refined against feed-forward results, by the MobileNetV2 distance to the truth in the swapped region.

    Parameters
    ----------
    n, textured
        Triplets in all, and those whose garments are more than plain.
    accepted
        Share of triplets whose refined result was used.
    by_feed_forward, by_flat
        Mean distance of the refined results, divided by that of the others; textured triplets only.
    feed_forward_by_flat
        Likewise, of the feed-forward results.
    not_worse
        Share of all triplets that are at most `WORSE` times as far as feed-forward.
    worse
        The others.
    rejected
        Why results were not used, by triplet.
    """

    n: int
    textured: int
    accepted: float
    by_feed_forward: float | None
    by_flat: float | None
    feed_forward_by_flat: float | None
    not_worse: float
    worse: tuple[WorseCase, ...]
    rejected: dict[str, str]


class EvaluationReport(StrictModel):
    """A whole evaluation.

    Parameters
    ----------
    schema_version
        Format of this report.
    splits
        Results by split.
    fid_mobilenetv2, is_mobilenetv2
        Fréchet distance to the true pictures and Inception Score by method, of all splits together, through
        MobileNetV2: comparable with runs of as many pictures in this project, never with published numbers. The score
        is also given for the true pictures, as ``truth``.
    fid, inception_score
        The real ones, through Inception; None where its weights are absent.
    not_measured
        Why a field is None or empty, by field.
    oviton, bundle, conditioning, engine
        What was measured.
    triplets
        Folder of the triplets.
    refine_steps
        Steps of the ``refined`` method; 0 when it was not run.
    refinement
        What refinement gained, over all splits; None when it was not run.
    seconds
        How long it took.
    skipped
        Triplets that could not be used.
    notes
        Anything a reader should know.
    cases
        Every triplet.
    """

    schema_version: int = EVALUATION_SCHEMA
    splits: dict[str, SplitReport]
    fid_mobilenetv2: dict[str, Number]
    is_mobilenetv2: dict[str, Number]
    fid: dict[str, Number] | None
    inception_score: dict[str, Number] | None
    not_measured: dict[str, str]
    oviton: str
    bundle: BundleReport
    conditioning: str
    engine: EngineReport
    triplets: str
    refinement: RefinementSummary | None = None
    refine_steps: int
    seconds: Number
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]
    cases: tuple[CaseReport, ...]
