"""Measuring a bundle on triplets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..data.classes import CLASS_NAMES
from ..data.errors import InputError
from ..data.images import UInt8Array
from ..data.version import __version__
from ..networks.mobilenet import MobileNetV2
from ..prepare.preparer import Preparer
from ..runtime.notes import untrained_notes
from ..runtime.photographs import differs
from ..runtime.refinement.options import RefinementOptions
from ..runtime.try_on import TryOn
from .distribution_metrics import DistributionScores, FeatureCollection, real_inception
from .label_metrics import changed_iou, identity_pixels, iou, kept_pixels, mean_iou, visible
from .methods import FEED_FORWARD, Pictures, run_methods
from .picture_metrics import Mask, extract_features, perceptual_distances, psnr, ssim_map
from .report import CaseReport, EvaluationReport, PictureScores, Skipped
from .summary import summarise_refinement, summarise_split
from .triplets import Triplet, TripletFolder

TRUTH = "truth"

OnCase = Callable[[Triplet, Pictures, CaseReport], None]
OnProgress = Callable[[str, int, int], None]


@dataclass
class Evaluator:
    """Measures try-ons one by one and sums them up.

    Parameters
    ----------
    tryon
        The loaded bundle.
    refine
        Options of the ``refined`` method; None leaves it out.
    preparer
        Sees photographs for the ``prepared`` method; None leaves it out.

    Raises
    ------
    InputError
        When the backbone's weights are not installed.
    """

    tryon: TryOn
    refine: RefinementOptions | None = None
    preparer: Preparer | None = None
    cases: list[CaseReport] = field(default_factory=list, init=False)
    skipped: list[Skipped] = field(default_factory=list, init=False)
    notes: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        # Torch's types do not know that a module can change its memory format.
        self._backbone = MobileNetV2.pretrained().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._inception, self._inception_origin = real_inception()
        self._seen: dict[str, FeatureCollection] = {}
        self._seen_by_inception: dict[str, FeatureCollection] = {}
        self._started = time.perf_counter()

    def run(
        self, folder: TripletFolder, *, on_case: OnCase | None = None, on_progress: OnProgress | None = None
    ) -> EvaluationReport:
        """Measure every triplet of a folder.

        Parameters
        ----------
        folder
            The triplets.
        on_case
            Called with each triplet, its pictures and its numbers.
        on_progress
            Called with what is being measured, how many are done, and of how many.

        Raises
        ------
        InputError
            When no triplet is usable.
        """
        paths = [path for split in folder.splits.values() for path in split]
        for index, path in enumerate(paths):
            if on_progress is not None:
                on_progress(f"{path.parent.name}/{path.name}", index, len(paths))
            try:
                triplet = Triplet.open(path)
                pictures = run_methods(self.tryon, triplet, refine=self.refine, preparer=self.preparer)
            except InputError as error:
                self.skipped.append(Skipped(name=f"{path.parent.name}/{path.name}", reason=str(error)))
                continue
            if pictures.not_prepared:
                self.notes.append(f"not dressed from photographs alone: {pictures.not_prepared}")
            case = self.measure(triplet, pictures)
            self.cases.append(case)
            if on_case is not None:
                on_case(triplet, pictures, case)
        if on_progress is not None:
            on_progress("done", len(paths), len(paths))
        if not self.cases:
            raise InputError(f"{folder.path}: none of {len(paths)} triplets is usable; first: {self.skipped[0].reason}")
        self.notes += folder.notes
        return self.report(folder.path.name)

    def measure(self, triplet: Triplet, pictures: Pictures) -> CaseReport:
        """Return the numbers of one triplet, and keep its pictures' features."""
        region, everywhere = triplet.region, np.ones(triplet.true_labels.shape, bool)
        self._report = pictures.report
        methods, whole = self._picture_scores(triplet.true_image, pictures.by_method, (region, everywhere))
        truth, old, drawn = triplet.true_labels, triplet.person.labels, pictures.labels
        identity = identity_pixels(old, triplet.person.densepose, pictures.outfit.source)
        manifest = self.tryon.engines.bundle.manifest
        kept = kept_pixels(triplet.person, drawn, pictures.outfit.source, (manifest.height, manifest.width))
        changed = differs(pictures.by_method[FEED_FORWARD], triplet.person.image)
        return CaseReport(
            split=triplet.split,
            name=triplet.name,
            fabric=triplet.fabric,
            textured=triplet.textured,
            region_share=float(region.mean()),
            miou=mean_iou(drawn, truth),
            miou_old_labels=mean_iou(old, truth),
            changed_iou=changed_iou(drawn, truth, old),
            iou={CLASS_NAMES[c]: (iou(drawn, truth, c), iou(old, truth, c)) for c in visible(truth, triplet.worn)},
            methods=methods,
            whole=whole,
            kept_changed=_share(changed, kept),
            kept_relabelled=_share(drawn != old, identity & (truth == old)),
            refinement=pictures.refinement,
            not_refined=pictures.not_refined,
        )

    def report(self, triplets: str) -> EvaluationReport:
        """Sum up what was measured so far; at least one triplet."""
        splits = dict.fromkeys(case.split for case in self.cases)
        engines, manifest = self.tryon.engines, self.tryon.engines.bundle.manifest
        scores, real = _scores(self._seen), _scores(self._seen_by_inception)
        not_measured = {}
        if not scores:
            not_measured["fid_mobilenetv2"] = not_measured["is_mobilenetv2"] = "fewer than two pictures"
        if not real:
            reason = "fewer than two pictures" if self._inception else self._inception_origin
            not_measured["fid"] = not_measured["inception_score"] = reason
        notes = [*self.notes, *engines.notes, *untrained_notes(manifest.trained)]
        return EvaluationReport(
            splits={split: summarise_split([case for case in self.cases if case.split == split]) for split in splits},
            fid_mobilenetv2=_frechet(scores),
            is_mobilenetv2=_inception(scores),
            fid=_frechet(real) or None,
            inception_score=_inception(real) or None,
            not_measured=not_measured,
            oviton=__version__,
            bundle=self._report.bundle,
            conditioning=manifest.conditioning,
            engine=self._report.engine,
            triplets=triplets,
            refine_steps=self.refine.steps if self.refine is not None else 0,
            refinement=summarise_refinement(self.cases),
            seconds=round(time.perf_counter() - self._started, 1),
            skipped=tuple(self.skipped),
            notes=tuple(notes),
            cases=tuple(self.cases),
        )

    def _picture_scores(
        self, truth: UInt8Array, by_method: dict[str, UInt8Array], masks: tuple[Mask, ...]
    ) -> list[dict[str, PictureScores]]:
        """Return, mask by mask, every method's scores; the pictures' features are kept as well."""
        features = extract_features(self._backbone, [truth, *by_method.values()])
        _collect(self._seen, by_method, features.pooled, features.logits)
        if self._inception is not None:
            _collect(self._seen_by_inception, by_method, *self._inception([truth, *by_method.values()]))
        distances = iter(
            perceptual_distances([tap[1:] for tap in features.taps], [tap[:1] for tap in features.taps], masks)
        )
        scores: list[dict[str, PictureScores]] = [{} for _ in masks]
        for method, picture in by_method.items():
            similarity = ssim_map(picture, truth)
            for mask, found in zip(masks, scores, strict=True):
                found[method] = PictureScores(
                    psnr=psnr(picture, truth, mask), ssim=float(similarity[mask].mean()), perceptual=next(distances)
                )
        return scores


def _collect(
    collections: dict[str, FeatureCollection], by_method: Iterable[str], pooled: Tensor, logits: Tensor
) -> None:
    for name, *vectors in zip((TRUTH, *by_method), pooled, logits, strict=True):
        collections.setdefault(name, FeatureCollection()).add(*vectors)


def _scores(collections: dict[str, FeatureCollection]) -> dict[str, DistributionScores]:
    return {name: found.scores(collections[TRUTH]) for name, found in collections.items() if found.count > 1}


def _frechet(scores: dict[str, DistributionScores]) -> dict[str, float]:
    return {name: score.frechet for name, score in scores.items() if name != TRUTH}


def _inception(scores: dict[str, DistributionScores]) -> dict[str, float]:
    return {name: score.inception_score for name, score in scores.items()}


def _share(part: npt.NDArray[np.bool_], of: npt.NDArray[np.bool_]) -> float:
    return float((part & of).sum() / max(1, of.sum()))
