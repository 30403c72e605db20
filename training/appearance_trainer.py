"""Training the appearance encoder and generator: repaint a person from changed copies of a photograph.

Position cannot leak, since codes come from moved copies; colour changes are shared by source and target, so that the
networks meet far more colours than the data has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..data.classes import BACKGROUND, GARMENTS, NUM_BODY_PARTS, NUM_CLASSES, SKIN
from ..data.images import UInt8Array
from ..networks.appearance import codes_conditioning, encoder_view, pool_codes, surface_conditioning
from ..networks.checkpoint import Networks
from ..networks.correspondence.surface import LOOKUP_CHANNELS, surface_lookup
from ..networks.discriminator import Discriminator
from ..networks.inputs import body_planes
from ..networks.losses import directions, l1_loss, perceptual_distance, perceptual_loss
from ..networks.operators import one_hot, to_uint8_image
from ..networks.warping import AffineLimits, Warp, random_affine
from .augment import (
    ColourShift,
    chance,
    drop_coordinates,
    drop_parts,
    jitter_coordinates,
    mirror_labels,
    punch_holes,
    random_zoom,
    rough_garments,
    soften,
    wobble,
)
from .dataset import Datasets, PairSample, Sample
from .options import TrainOptions
from .task import Raw, Task

OWN_COPY = AffineLimits(rotation=4, shift=0.03, scale=(0.93, 1.07))
GARMENT_COPY = AffineLimits(rotation=10, shift=0.08, scale=(0.8, 1.25), shear=0.06)

CLOSER_SHARE, CLOSEST = 0.35, 1.8
"""How many photographs are framed closer than the wardrobe frames them, and how much closer at most."""

BACKGROUND_WEIGHT, OTHER_WEIGHT, WORN_WEIGHT = 0.1, 0.5, 1.0
"""How much pixels count; background and kept classes are pasted from the photograph in the end."""

LIGHT = 0.08
"""How much brighter or darker a garment's photograph may be."""

_SLEEVES = ((15, 16, 17, 18), (19, 20, 21, 22), (11, 12, 13, 14))
"""Parts that one garment covers and another does not: upper arms, forearms, lower legs."""

_FAULTS_AT = 256
"""The frame's height that the pixels of faults below are meant for; they grow with it."""

_LABELS_OFF, _BODY_OFF, _GARMENT_OFF = 2.5, 0.75, 3
"""Pixels by which borders of labels, of body maps and of garments' masks are off, at most."""

_DRIFT = 2.0
"""By how much coordinates of the lookup are off, 1/255. More would move texture further than any network could know,
and teach it to blur."""

_SHOWN = 8


@dataclass(frozen=True)
class AppearanceBatch:
    """One step's input and target.

    Parameters
    ----------
    sources, source_labels
        The photographs that codes come from, own first, `[N, 2, 3, H, W]` in [-1, 1] and integers `[N, 2, H, W]`.
    source
        Which of them each class comes from, int32 `[N, 20]`.
    known
        Classes whose code is not dropped, `[N, 20]` of zeros and ones.
    labels
        The labels to paint, integers `[N, H, W]`; they may be a little off.
    densepose
        The body map that the network sees, integers `[N, H, W, 3]`.
    lookup
        What the surface lookup found, `[N, 4, H, W]`; None with ``codes`` conditioning.
    target
        The photograph, `[N, 3, H, W]` in [-1, 1].
    target_labels
        Its labels, integers `[N, H, W]`.
    weight
        How much each pixel counts, `[N, 1, H, W]`.
    """

    sources: Tensor
    source_labels: Tensor
    source: Tensor
    known: Tensor
    labels: Tensor
    densepose: Tensor
    lookup: Tensor | None
    target: Tensor
    target_labels: Tensor
    weight: Tensor


class AppearanceTask(Task[AppearanceBatch]):
    """Paint a photograph from its labels and codes and, with ``surface`` conditioning, a faulty lookup.

    Parameters
    ----------
    options
        The run's options.
    dataset
        The people to train on.
    """

    part = "appearance"
    paired_share = 1 / 2
    betas = (0.8, 0.99)

    def __init__(self, options: TrainOptions, dataset: Datasets) -> None:
        super().__init__(options, dataset)
        self.surface = options.conditioning == "surface"
        self.pixel = self.config.height / _FAULTS_AT

    def critic(self, networks: Networks) -> Discriminator:
        """Return the networks' own discriminator, which refinement uses later."""
        return networks.discriminator

    def held_out(self) -> Raw:
        """Read people, and pairs if there are any, that training never sees."""
        pairs = self.dataset.held_out_outfits(_SHOWN // 2)
        people = self.dataset.held_out_people(_SHOWN - len(pairs))
        return self.stack(pairs, people or ([] if pairs else self.dataset.first(1)))

    @staticmethod
    def stack(pairs: Sequence[PairSample], singles: Sequence[Sample]) -> Raw:
        """Stack samples, pairs first; a single person is their own garment photograph."""
        people = [*(pair.person for pair in pairs), *singles]
        garments = [*(pair.garment for pair in pairs), *singles]
        worn = np.zeros((len(people), NUM_CLASSES), dtype=bool)
        worn[:, GARMENTS] = True
        for row, pair in enumerate(pairs):
            worn[row] = [c in pair.shared for c in range(NUM_CLASSES)]
        arrays = {
            "image": np.stack([person.image for person in people]),
            "labels": np.stack([person.labels for person in people]),
            "densepose": np.stack([person.densepose for person in people]),
            "garment_image": np.stack([garment.image for garment in garments]),
            "garment_labels": np.stack([garment.labels for garment in garments]),
            "garment_densepose": np.stack([garment.densepose for garment in garments]),
            "worn": worn,
        }
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def prepare(self, raw: Raw, generator: torch.Generator) -> AppearanceBatch:
        """Augment photographs, labels and body maps, and look the garments up."""
        raw = {name: tensor.to(self.device) for name, tensor in raw.items()}
        count, height, width = raw["labels"].shape
        colours = ColourShift.random(count, generator)
        target, garment = (colours(_picture(raw[name])) for name in ("image", "garment_image"))
        closer = Warp(random_zoom(CLOSER_SHARE, CLOSEST, count, generator).to(self.device), height, width)
        target, labels, densepose = closer.image(target), closer.labels(raw["labels"]), closer.labels(raw["densepose"])

        own = self._warp(OWN_COPY, count, height, width, generator)
        own_image, own_labels = soften(own.image(target), generator), own.labels(labels)
        garment, garment_labels, garment_map = self._garment(raw, garment, generator)

        source = self._source(raw["worn"], generator)
        wanted = source.gather(1, labels.flatten(1).long()).reshape(labels.shape) > 0
        off = chance(count, 0.35, generator, self.device)
        painted = wobble(labels, _LABELS_OFF * self.pixel, off, generator)
        lookup = self._lookup(painted, densepose, garment, garment_labels, garment_map, source, generator)

        weight = torch.where(labels == BACKGROUND, BACKGROUND_WEIGHT, OTHER_WEIGHT)
        weight = torch.where(wanted, WORN_WEIGHT, weight)
        # Where the labels to paint are off, the photograph is no truth.
        weight = torch.where(painted == labels, weight, 0.0).unsqueeze(1)
        return AppearanceBatch(
            sources=torch.stack([own_image, garment], dim=1) * 2 - 1,
            source_labels=torch.stack([own_labels, garment_labels], dim=1),
            source=source,
            known=(~chance((count, NUM_CLASSES), 0.05, generator, self.device)).float(),
            labels=painted,
            densepose=self._seen_body(densepose, generator) if self.surface else densepose,
            lookup=lookup,
            target=target * 2 - 1,
            target_labels=labels,
            weight=weight,
        )

    def forward(self, networks: Networks, batch: AppearanceBatch) -> Tensor:
        """Return pictures `[N, 3, H, W]` in [-1, 1]."""
        count, images = batch.source_labels.shape[:2]
        # Conditioning has many channels at full size; in BF16 it costs half the traffic.
        dtype = torch.bfloat16 if torch.is_autocast_enabled(batch.labels.device.type) else torch.float32
        scale = self.config.appearance.encoder_scale
        sources = batch.sources.flatten(0, 1).permute(0, 2, 3, 1)
        pictures, labels = encoder_view(sources, batch.source_labels.flatten(0, 1), scale)
        maps = _packed(one_hot(labels, NUM_CLASSES, dtype))
        features = networks.appearance_encoder(_packed(pictures.to(dtype)), maps).permute(0, 2, 3, 1)
        with torch.autocast(batch.labels.device.type, enabled=False):
            codes = pool_codes(
                features.reshape(count, images, *features.shape[1:]),
                maps.reshape(count, images, *maps.shape[1:]),
                batch.source,
                borrow_absent=self.config.appearance.borrow_absent,
            )
            codes = codes * batch.known.unsqueeze(2)
            if batch.lookup is None:
                conditioning, _ = codes_conditioning(batch.labels, codes, torch.float32)
            else:
                body = body_planes(batch.densepose)
                conditioning, _ = surface_conditioning(batch.labels, codes, body, batch.lookup, torch.float32)
        # Only here: gradients of codes are sums over many pixels.
        picture: Tensor = networks.appearance_generator(_packed(conditioning.to(dtype)))
        return picture.float()

    def losses(self, output: Tensor, batch: AppearanceBatch) -> dict[str, Tensor]:
        """Return the mean difference and, if one of them has a weight, the perceptual losses."""
        terms = {"l1": l1_loss(output, batch.target, batch.weight)}
        if self.backbone is not None:
            with torch.no_grad():
                real = [tap.float() for tap in self.backbone(_packed(batch.target))]
            fake = [tap.float() for tap in self.backbone(_packed(output))]
            terms["perceptual"] = perceptual_loss(fake, real, batch.weight)
            terms["perceptual_distance"] = perceptual_distance(directions(fake), directions(real), batch.weight)
        return terms

    def judged(self, output: Tensor, batch: AppearanceBatch) -> tuple[Tensor, Tensor]:
        """Return labelled pictures, `[N, 23, H, W]`."""
        fake, real = (
            torch.cat([picture, one_hot(labels, NUM_CLASSES, picture.dtype)], dim=1)
            for picture, labels in ((output, batch.labels), (batch.target, batch.target_labels))
        )
        return _packed(fake), _packed(real)

    def mask(self, batch: AppearanceBatch) -> Tensor:
        """Return the weight of each pixel."""
        return batch.weight

    def sheet(self, output: Tensor, batch: AppearanceBatch) -> Sequence[Sequence[UInt8Array]]:
        """Return a row a sample: own copy, garment photograph, lookup, output, target."""
        own, garment = batch.sources.unbind(dim=1)
        lookup = torch.full_like(own, -1) if batch.lookup is None else batch.lookup[:, : LOOKUP_CHANNELS - 1]
        columns = [to_uint8_image(each).cpu().numpy() for each in (own, garment, lookup, output, batch.target)]
        return [list(row) for row in zip(*columns, strict=True)]

    def _garment(self, raw: Raw, image: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return the garment photographs with their labels and body maps: moved, softened, lit otherwise."""
        labels, densepose = raw["garment_labels"], raw["garment_densepose"]
        count, height, width = labels.shape
        if not self.surface:  # charts do not mirror, but codes have none
            mirrored = chance(count, 0.5, generator, self.device)
            labels = mirror_labels(labels, mirrored)
            image = torch.where(mirrored.view(-1, 1, 1, 1), image.flip(3), image)
        warp = self._warp(GARMENT_COPY, count, height, width, generator)
        image = soften(warp.image(image), generator)
        if self.surface:
            light = 1 + LIGHT * (2 * torch.rand(count, 1, 1, 1, generator=generator) - 1)
            image = (image * light.to(self.device)).clamp(0, 1)
            densepose = warp.labels(densepose)
        return image, warp.labels(labels), densepose

    def _source(self, worn: Tensor, generator: torch.Generator) -> Tensor:
        """Choose at random what comes from the garment photograph, and bare skin whose look no photograph shows."""
        count = len(worn)
        all_of_it = chance((count, 1), 0.5, generator, self.device)
        some = chance((count, NUM_CLASSES), 0.6, generator, self.device)
        source = (worn & (all_of_it | some)).to(torch.int32)
        unseen = chance((count, NUM_CLASSES), 0.1, generator, self.device)
        skin = torch.tensor([c in SKIN for c in range(NUM_CLASSES)], device=self.device)
        return torch.where(unseen & skin & (source == 0), -1, source)

    def _lookup(
        self,
        labels: Tensor,
        densepose: Tensor,
        garment: Tensor,
        garment_labels: Tensor,
        garment_map: Tensor,
        source: Tensor,
        generator: torch.Generator,
    ) -> Tensor | None:
        """Look garments up through body maps as faulty as real ones."""
        if not self.surface:
            return None
        count = len(labels)
        densepose, garment_map = (
            jitter_coordinates(
                wobble(each, _BODY_OFF * self.pixel, strength.to(self.device), generator), generator, drift=_DRIFT
            )
            for each, strength in zip((densepose, garment_map), torch.rand(2, count, generator=generator), strict=True)
        )
        missing = chance((count, NUM_BODY_PARTS), 0.03, generator, self.device)
        for parts in _SLEEVES:
            missing[:, parts] |= chance((count, 1), 0.08, generator, self.device)
        garment_map = punch_holes(drop_parts(garment_map, missing), 0.3, generator)
        densepose = drop_parts(densepose, chance((count, NUM_BODY_PARTS), 0.03, generator, self.device))
        densepose = punch_holes(densepose, 0.15, generator, largest=0.2)
        rough = rough_garments(garment_labels, source > 0, generator, limit=max(1, round(_GARMENT_OFF * self.pixel)))
        places = self.match(densepose, rough.unsqueeze(1), garment_map.unsqueeze(1))
        return surface_lookup(
            labels, places, (garment * 255).permute(0, 2, 3, 1).unsqueeze(1), rough.unsqueeze(1), source
        )

    def _seen_body(self, densepose: Tensor, generator: torch.Generator) -> Tensor:
        """Change the body map that the network sees apart from the one that garments were looked up through."""
        count = len(densepose)
        densepose = drop_coordinates(
            jitter_coordinates(densepose, generator), chance(count, 0.3, generator, self.device)
        )
        return drop_parts(densepose, chance((count, NUM_BODY_PARTS), 0.05, generator, self.device))

    def _warp(self, limits: AffineLimits, count: int, height: int, width: int, generator: torch.Generator) -> Warp:
        return Warp(random_affine(limits, count, height / width, generator).to(self.device), height, width)


def _picture(image: Tensor) -> Tensor:
    """Turn uint8 `[N, H, W, 3]` into `[N, 3, H, W]` in [0, 1]."""
    return image.permute(0, 3, 1, 2).float() / 255


def _packed(image: Tensor) -> Tensor:
    return image.contiguous(memory_format=torch.channels_last)
