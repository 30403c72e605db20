"""What one request's refinement looks at: every picture that steps paint, with its target, computed once.

Pictures are, in this order: for each garment photograph its views (the photograph itself first), the person's own
photograph, and the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...data.classes import BACKGROUND, CLASS_NAMES, NUM_CLASSES, SKIN
from ...data.errors import InputError
from ...engines.engine_set import EngineSet
from ...networks.correspondence.places import to_units
from ...networks.losses import feature_matching_loss, l1_loss, lsgan_generator_loss, perceptual_distance
from ...networks.warping import Warp
from ..outfit import OWN
from .options import RefinementOptions
from .programs import Programs, Seen
from .views import random_views

PIXEL, PERCEPTUAL, MATCHING = 4.0, 5.0, 3.0
"""Weights inside a term that compares two pictures."""

SMALLEST_GARMENT = 64
"""Pixels of a garment photograph at the network's size; fewer say nothing about cloth."""

CONFIDENT = 0.6
"""From this confidence on, the surface lookup is taken for the truth."""

CELLS, COVERED = (8, 4), 0.3
"""A garment's photograph is painted with this share of so many rows and columns hidden, as on another some are."""

TERMS = ("reference", "kept", "lookup", "adversarial")


@dataclass(frozen=True)
class Batch:
    """Some of the pictures, as one step sees them.

    Parameters
    ----------
    rows
        Which pictures.
    conditioning
        `[n, C, H, W]`.
    """

    rows: Tensor
    conditioning: Tensor


class Problem:
    """The fixed side of a refinement.

    Parameters
    ----------
    engines
        Feed-forward engines, which make the codes.
    programs
        The bundle's differentiable programs.
    values
        Every tensor of the feed-forward pass, N = 1.
    options
        The refinement's options.
    names
        What messages call the garment photographs, in order.

    Raises
    ------
    InputError
        When a garment is too small in its photograph.
    """

    def __init__(
        self,
        engines: EngineSet,
        programs: Programs,
        values: Mapping[str, Any],
        options: RefinementOptions,
        names: Sequence[str] = (),
    ) -> None:
        self.programs = programs
        self.options = options = options.suited_to(engines.bundle.manifest.conditioning)
        self.weights = {name: float(value) for name, value in vars(options.weights).items()}
        self.source = np.asarray(values["source"][0])
        tensors = {
            name: programs.tensor(values[name])[0]
            for name in (
                "person_image", "person_labels", "densepose", "labels", "appearance_codes", "generated",
                "garment_images", "garment_labels", "garment_densepose", "places",
            )
            if name in values  # networks that see codes alone match nobody
        }  # fmt: skip
        self.garments = sorted({int(k) for k in self.source if k > OWN})
        self._check_garments(tensors["garment_labels"], names)
        generator = torch.Generator().manual_seed(options.seed)
        pictures = [self._garment_pictures(engines, tensors, k, generator) for k in self.garments]
        pictures += [self._own_picture(engines, tensors), self._result_picture(tensors)]
        joined = _Pictures.join(pictures)
        self.views = options.views + 1
        self.count = len(joined.target)
        self.conditioning = joined.conditioning.contiguous(memory_format=torch.channels_last)
        self.target, self.mask, self.labels = joined.target, joined.mask, joined.labels
        self.touched = joined.touched
        self.has_lookup = bool(self.mask[-1].sum() > 0)
        worn = torch.tensor(self.source > OWN, device=self.labels.device)[self.labels[-1].long()]
        self.known_share = float(self.mask[-1, 0][worn].mean()) if worn.any() else 0.0
        with torch.no_grad():
            parts = zip(torch.split(self.target, 4), torch.split(self.labels, 4), strict=True)
            self.seen = Seen.join([programs.examine(*part, precise=True) for part in parts])

    def batch(self, view: int) -> Batch:
        """Return view number `view` of every garment photograph, the person's own photograph and the result."""
        rows = [g * self.views + view for g in range(len(self.garments))]
        picked = torch.tensor([*rows, self.count - 2, self.count - 1], device=self.conditioning.device)
        return Batch(picked, self.conditioning[picked])

    def terms(self, picture: Tensor, seen: Seen, batch: Batch) -> dict[str, Tensor]:
        """Return the terms of the loss of painted pictures, weighted; their sum is the loss.

        Parameters
        ----------
        picture
            The batch's pictures `[n, 3, H, W]` in [-1, 1].
        seen
            What the frozen networks see of them.
        batch
            The batch that they belong to.
        """
        rows, weights = batch.rows, self.weights
        mask, wanted = self.mask[rows], self.seen.of(rows)
        same = PIXEL * l1_loss(picture, self.target[rows], mask, "none")
        same = same + PERCEPTUAL * perceptual_distance(seen.features, wanted.features, mask, "none")
        # What the discriminator sees of a result cannot be compared with what it sees of a patchwork.
        photos = slice(0, len(rows) - 1)
        matched = feature_matching_loss(seen.of(photos).verdict, wanted.of(photos).verdict, mask[photos], "none")
        shown = MATCHING * matched + same[photos]
        judged = lsgan_generator_loss(seen.of(slice(-1, None)).verdict, self.touched[rows[-1:]])
        return {
            "reference": weights["reference"] * (shown[:-1].mean() if len(rows) > 2 else shown.new_zeros(())),
            "kept": weights["kept"] * shown[-1],
            "lookup": weights["lookup"] * same[-1],
            "adversarial": weights["adversarial"] * judged,
        }

    def texture_distance(self, picture: Tensor) -> float:
        """Return how far the result `[1, 3, H, W]` is from what the lookup knows, by the backbone; 0 if nothing."""
        if not self.has_lookup:
            return 0.0
        with torch.no_grad():
            features = self.programs.features(picture)
        return float(perceptual_distance(features, self.seen.of(slice(-1, None)).features, self.mask[-1:]))

    def _check_garments(self, labels: Tensor, names: Sequence[str]) -> None:
        for k in self.garments:
            worn = self._worn(k, labels.device)
            size = int(torch.isin(labels[k - 1].int(), worn).sum())
            if size < SMALLEST_GARMENT:
                name = names[k - 1] if names else f"garment photograph {k}"
                classes = ", ".join(CLASS_NAMES[c] for c in worn.tolist())
                height, width = labels.shape[1:]
                raise InputError(
                    f"{name}: {classes} covers {size} pixels at {width}x{height}, the network's size; refinement "
                    f"needs at least {SMALLEST_GARMENT}; take a photograph that shows it larger, or do not refine"
                )

    def _worn(self, garment: int, device: torch.device) -> Tensor:
        return torch.tensor([c for c in range(NUM_CLASSES) if self.source[c] == garment], device=device).int()

    def _garment_pictures(
        self, engines: EngineSet, tensors: dict[str, Tensor], k: int, generator: torch.Generator
    ) -> _Pictures:
        """Return the views of a garment photograph, each to be painted from its own labels and codes."""
        image, labels = tensors["garment_images"][k - 1], tensors["garment_labels"][k - 1]
        codes = self._own_codes(engines, image, labels)
        views = random_views(self.options.views, (labels.shape[0], labels.shape[1]), generator, image.device)
        images, shown = views.image(_picture(image)[None]), views.labels(labels[None])
        bodies = views.labels(tensors["garment_densepose"][k - 1][None]) if "places" in tensors else None
        places = self._own_places(views, tensors, generator) if "places" in tensors else None
        worn = self._worn(k, image.device)
        source = np.zeros(NUM_CLASSES, np.int32)
        source[worn.cpu().numpy()] = 1
        conditioning = [
            self.programs.condition(
                labels=shown[v : v + 1],
                appearance_codes=codes,
                densepose=bodies if bodies is None else bodies[v : v + 1].contiguous(),
                places=places if places is None else places[v : v + 1, None],
                garment_images=image[None, None],
                garment_labels=labels[None, None],
                source=self.programs.tensor(source[None]),
            )
            for v in range(len(shown))
        ]
        mask = torch.isin(shown.int(), worn).float().unsqueeze(1)
        return _Pictures(torch.cat(conditioning), images, mask, shown, mask)

    def _own_places(self, views: Warp, tensors: dict[str, Tensor], generator: torch.Generator) -> Tensor:
        """Return where each view's pixels lie in the photograph itself, with covered parts that are to be made up."""
        shares = views.shares(*tensors["places"].shape[2:])
        cells = torch.rand(len(shares), 1, *CELLS, generator=generator).to(shares.device) > COVERED
        return to_units(shares, F.interpolate(cells.float(), size=shares.shape[2:]))

    def _own_picture(self, engines: EngineSet, tensors: dict[str, Tensor]) -> _Pictures:
        """Return the person's own photograph, of which the classes that stay count."""
        image, labels = tensors["person_image"], tensors["person_labels"]
        conditioning = self._condition_person(tensors, labels, self._own_codes(engines, image, labels), wear=False)
        stays = np.array([self.source[c] == OWN and c != BACKGROUND for c in range(NUM_CLASSES)], np.float32)
        stays[list(SKIN)] *= 2  # skin may be bared, and is then painted
        mask = self.programs.tensor(stays)[labels.long()][None, None] / 2
        return _Pictures(conditioning, _picture(image)[None], mask, labels[None], mask)

    def _result_picture(self, tensors: dict[str, Tensor]) -> _Pictures:
        """Return the result, whose target is what the surface lookup knows of it."""
        labels = tensors["labels"]
        conditioning = self._condition_person(tensors, labels, tensors["appearance_codes"][None], wear=True)
        found = self._look_up(tensors) if "places" in tensors else torch.zeros_like(conditioning[:, :4])
        confidence = found[:, 3:]
        colour = found[:, :3] / confidence.clamp(min=1e-3)
        known = (confidence > CONFIDENT).float()
        # Around it the feed-forward result: features near the border also see what lies beyond.
        target = torch.where(known > 0, colour, _picture(tensors["generated"])[None])
        new = torch.tensor(self.source != OWN, device=labels.device)
        touched = (new[labels.long()] | (labels != tensors["person_labels"])).float()[None, None]
        return _Pictures(conditioning, target, known, labels[None], touched)

    def _look_up(self, tensors: dict[str, Tensor]) -> Tensor:
        return self.programs.look_up(
            labels=tensors["labels"][None],
            places=tensors["places"][None],
            garment_images=tensors["garment_images"][None],
            garment_labels=tensors["garment_labels"][None],
            source=self.programs.tensor(self.source[None]),
        )

    def _condition_person(self, tensors: dict[str, Tensor], labels: Tensor, codes: Tensor, *, wear: bool) -> Tensor:
        return self.programs.condition(
            labels=labels[None],
            appearance_codes=codes,
            densepose=tensors["densepose"][None],
            places=tensors["places"][None] if "places" in tensors else None,
            garment_images=tensors["garment_images"][None],
            garment_labels=tensors["garment_labels"][None],
            source=self.programs.tensor(self.source[None] if wear else np.zeros((1, NUM_CLASSES), np.int32)),
        )

    def _own_codes(self, engines: EngineSet, image: Tensor, labels: Tensor) -> Tensor:
        """Return the codes `[1, 20, Dt]` of a photograph's own classes."""
        picture, ids = image[None].cpu().numpy(), labels[None].cpu().numpy()
        found = engines["appearance_encoder"](
            person_image=picture,
            person_labels=ids,
            garment_images=picture[:, None],
            garment_labels=ids[:, None],
            source=np.zeros((1, NUM_CLASSES), np.int32),
        )
        return self.programs.tensor(found["appearance_codes"])


@dataclass(frozen=True)
class _Pictures:
    """Some pictures: conditioning, target `[n, 3, H, W]`, mask `[n, 1, H, W]`, labels and touched region."""

    conditioning: Tensor
    target: Tensor
    mask: Tensor
    labels: Tensor
    touched: Tensor

    @classmethod
    def join(cls, parts: Sequence[_Pictures]) -> _Pictures:
        return cls(
            *(
                torch.cat([getattr(part, name) for part in parts])
                for name in ("conditioning", "target", "mask", "labels", "touched")
            )
        )


def _picture(image: Tensor) -> Tensor:
    """Turn uint8 `[H, W, 3]` into `[3, H, W]` in [-1, 1]."""
    return image.permute(2, 0, 1).float() / 127.5 - 1
