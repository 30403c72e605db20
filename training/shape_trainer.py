"""Training the shape encoder and generator: redraw a segmentation from augmented slices of itself, or of a pair's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.classes import BACKGROUND, GARMENTS, NUM_BODY_PARTS, NUM_CLASSES, PALETTE, SKIN, TAKES_OFF, ids
from ..data.images import UInt8Array
from ..networks.body import BODY_CHANNELS, body_channels, body_samples
from ..networks.checkpoint import Networks
from ..networks.config import CODE_GRID
from ..networks.correspondence.coverage import coverage_lookup
from ..networks.discriminator import Discriminator
from ..networks.losses import perceptual_loss
from ..networks.shape import sampling_step
from ..networks.warping import AffineLimits, Warp, random_affine
from .augment import (
    chance,
    drop_coordinates,
    drop_parts,
    jitter_coordinates,
    mirror_body_map,
    mirror_labels,
    punch_holes,
    random_zoom,
    rough_garments,
)
from .dataset import Datasets, PairSample, Sample
from .options import TrainOptions
from .sheets import draw_body_map, draw_labels
from .task import Raw, Task

KEPT = AffineLimits(rotation=4, shift=0.02, scale=(0.95, 1.05), shear=0.03)
"""For slices that come from the person, or from another picture: they lie about right, or anywhere already."""

MOVED = AffineLimits(rotation=15, shift=0.15, scale=(0.6, 1.6), shear=0.15)
"""For a garment's slices cut from the person, so that their place tells nothing."""

CLOSER_SHARE, CLOSEST = 0.25, 1.6
"""How many photographs are framed closer than the wardrobe frames them, and how much closer at most."""

FLAT_SHARE = {"codes": 0.3, "surface": 0.15}
"""How many body maps lose their coordinates, by conditioning. Half of those people are mirrored: charts have sides."""

UNSEEN_SHARE = 0.1
"""How many garment photographs have no body map."""

SLEEVES = ((15, 16, 17, 18), (19, 20, 21, 22), (7, 8, 9, 10), (11, 12, 13, 14))
"""Parts on which garments end: upper arms, forearms, thighs, lower legs."""

CHANGED_WEIGHT = 2.5

BODY_SKIN = tuple(c for c in SKIN if c not in ids("face"))
"""Skin that a garment may cover."""

_SMALLEST_SLICE = 3.0
"""In working pixels; less is a stray."""

_SHOWN = 8


@dataclass(frozen=True)
class ShapeBatch:
    """One step's input and target, where outlines are drawn at h×w.

    Parameters
    ----------
    slices
        The class masks that are there, at the working size, in [0, 1].
    rows, classes
        Which sample and class each is, `[n]`.
    body
        Body channels `[N, 27, h, w]`, and behind them the coverage if the generator sees it.
    target
        The share of each class in each pixel, `[N, 20, h, w]`.
    weight
        How much each pixel counts, `[N, h, w]`.
    shown
        Integer labels of the input, the body map and the target, at full size, for contact sheets.
    """

    slices: Tensor
    rows: Tensor
    classes: Tensor
    body: Tensor
    target: Tensor
    weight: Tensor
    shown: tuple[Tensor, Tensor, Tensor]


class ShapeTask(Task[ShapeBatch]):
    """Draw a person's labels from their class slices and the body map.

    The losses are computed where outlines are drawn, before the logits are upsampled, against the share of each class
    in each of those pixels: the same aim at a fraction of the cost.

    Parameters
    ----------
    options
        The run's options.
    dataset
        The people to train on.
    """

    part = "shape"
    paired_share = 6 / 8
    betas = (0.9, 0.99)

    def __init__(self, options: TrainOptions, dataset: Datasets) -> None:
        super().__init__(options, dataset)
        self.scale = self.config.shape.scale
        self.step = sampling_step(self.scale)
        self.outline = self.scale // self.config.shape.finer
        self.palette = torch.from_numpy(PALETTE).to(self.device, torch.float32) / 127.5 - 1

    def critic(self, networks: Networks) -> Discriminator:
        """Return a discriminator of label maps on body maps."""
        del networks  # theirs judges pictures
        return Discriminator(self.config, inputs=NUM_CLASSES + BODY_CHANNELS)

    def held_out(self) -> Raw:
        """Read people, or pairs if there are any, that training never sees."""
        pairs = self.dataset.held_out_outfits(_SHOWN)
        return self.stack(pairs, [] if pairs else self.dataset.held_out_people(_SHOWN) or self.dataset.first(1))

    @staticmethod
    def stack(pairs: Sequence[PairSample], singles: Sequence[Sample]) -> Raw:
        """Stack samples, pairs first."""
        people = [*(pair.person for pair in pairs), *singles]
        worn = np.zeros((len(people), NUM_CLASSES), dtype=bool)
        for row, pair in enumerate(pairs):
            worn[row, list(pair.classes)] = True
        arrays = {
            "labels": np.stack([person.labels for person in people]),
            "densepose": np.stack([person.densepose for person in people]),
            "before": np.stack([*(pair.before for pair in pairs), *(single.labels for single in singles)]),
            "garment": np.stack([*(pair.garment.labels for pair in pairs), *(single.labels for single in singles)]),
            "garment_densepose": np.stack(
                [*(pair.garment.densepose for pair in pairs), *(single.densepose for single in singles)]
            ),
            "worn": worn,
            "paired": np.arange(len(people)) < len(pairs),
        }
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def prepare(self, raw: Raw, generator: torch.Generator) -> ShapeBatch:
        """Augment slices and body maps."""
        raw = {name: tensor.to(self.device) for name, tensor in raw.items()}
        count = len(raw["labels"])
        flat = chance(count, FLAT_SHARE[self.options.conditioning], generator, self.device)
        mirrored = flat & chance(count, 0.5, generator, self.device)
        labels, before, garment = (mirror_labels(raw[name], mirrored) for name in ("labels", "before", "garment"))
        densepose = mirror_body_map(raw["densepose"], mirrored)
        zoom = random_zoom(CLOSER_SHARE, CLOSEST, count, generator)
        closer = Warp(zoom.to(self.device), *labels.shape[1:])
        labels, before, densepose = (closer.labels(each) for each in (labels, before, densepose))
        densepose = self._rough_body(drop_coordinates(densepose, flat), generator)
        body = body_channels(body_samples(densepose, self.outline), torch.float32)
        if self.options.conditioning == "surface":
            body = torch.cat([body, self._coverage(densepose, garment, raw, generator)], dim=1)

        worn, dropped = raw["worn"].clone(), chance((count, NUM_CLASSES), 0.05, generator, self.device)
        single = ~raw["paired"]
        moved = chance((count, NUM_CLASSES), 0.5, generator, self.device) & self._movable() & single[:, None]
        # Of a single image, bare skin would tell where its own sleeves end.
        bare = chance((count, 1), 0.5, generator, self.device)
        dropped[:, BODY_SKIN] |= bare & (single[:, None] | chance((count, 1), 0.5, generator, self.device))
        # A garment takes the place of what it takes off, in the person's own labels.
        taken_off = (worn.float() @ _takes_off().to(self.device)) > 0
        taken = self._slices(before, ~(worn | taken_off | moved | dropped))
        lent = self._slices(garment, worn & ~dropped)
        cut = self._slices(labels, moved & ~dropped)
        masks, rows, classes = (torch.cat(parts) for parts in zip(taken, lent, cut, strict=True))
        mild = len(taken[1]) + len(lent[1])
        height, width = masks.shape[2:]
        theta = [
            random_affine(limits, some, height / width, generator)
            for limits, some in ((KEPT, mild), (MOVED, len(rows) - mild))
        ]
        warp = Warp(torch.cat(theta).to(self.device), height, width)
        masks = warp.mask(masks, outside=(classes == BACKGROUND).float())

        target = class_shares(labels, NUM_CLASSES, self.outline)
        changed = F.avg_pool2d((before != labels).float().unsqueeze(1), self.outline).squeeze(1)
        weight = 1 + (CHANGED_WEIGHT - 1) * changed
        return ShapeBatch(masks, rows, classes, body, target, weight, (before, densepose, labels))

    def forward(self, networks: Networks, batch: ShapeBatch) -> Tensor:
        """Return logits `[N, 20, h, w]`."""
        present = (batch.slices.amax(dim=(2, 3), keepdim=True) > 0).float()  # a slice may have left the frame
        codes = networks.shape_encoder.encode(batch.slices) * present
        count = len(batch.body)
        grid = torch.zeros(count, NUM_CLASSES, codes.shape[1], *CODE_GRID, dtype=codes.dtype, device=codes.device)
        grid = grid.index_put((batch.rows, batch.classes), codes)
        body = batch.body.contiguous(memory_format=torch.channels_last)
        logits: Tensor = networks.shape_generator(grid, body)
        return logits.float()

    def losses(self, output: Tensor, batch: ShapeBatch) -> dict[str, Tensor]:
        """Return cross-entropy, dice and, if it has a weight, the perceptual loss of drawn labels."""
        logs = output.log_softmax(dim=1)
        entropy = -(logs * batch.target).sum(dim=1)
        shares = logs.exp()
        terms = {"ce": (entropy * batch.weight).mean(), "dice": dice_loss(shares, batch.target)}
        if self.backbone is not None:
            drawn, real = ((x.permute(0, 2, 3, 1) @ self.palette).permute(0, 3, 1, 2) for x in (shares, batch.target))
            fake, true = ([tap.float() for tap in self.backbone(each)] for each in (drawn, real))
            terms["perceptual"] = perceptual_loss(fake, true)
        return terms

    def judged(self, output: Tensor, batch: ShapeBatch) -> tuple[Tensor, Tensor]:
        """Return label maps beside their body maps, `[N, 47, h, w]`."""
        return (
            torch.cat([output.softmax(dim=1), batch.body[:, :BODY_CHANNELS]], dim=1),
            torch.cat([batch.target, batch.body[:, :BODY_CHANNELS]], dim=1),
        )

    def mask(self, batch: ShapeBatch) -> None:
        """Return None: all pixels count alike."""

    def sheet(self, output: Tensor, batch: ShapeBatch) -> Sequence[Sequence[UInt8Array]]:
        """Return a row a sample: labels before, body map, drawn labels, target."""
        drawn = F.interpolate(output, scale_factor=float(self.outline), mode="bilinear").argmax(dim=1)
        before, densepose, labels = (tensor.cpu().numpy() for tensor in batch.shown)
        pictures = zip(before, densepose, drawn.cpu().numpy(), labels, strict=True)
        return [[draw_labels(a), draw_body_map(b), draw_labels(c), draw_labels(d)] for a, b, c, d in pictures]

    def _rough_body(self, densepose: Tensor, generator: torch.Generator) -> Tensor:
        """Make rendered body maps as faulty as real ones."""
        flat = (densepose[..., 1:].amax(dim=(1, 2, 3)) == 0).view(-1, 1, 1, 1)
        densepose = torch.where(flat, densepose, jitter_coordinates(densepose, generator))
        faulty = chance((len(densepose), 1), 0.3, generator, self.device)
        missing = chance((len(densepose), NUM_BODY_PARTS), 0.06, generator, self.device)
        return punch_holes(drop_parts(densepose, faulty & missing), 0.1, generator)

    def _coverage(self, densepose: Tensor, garment: Tensor, raw: Raw, generator: torch.Generator) -> Tensor:
        """Look up where the garment photographs of pairs cover the body; single images would tell the answer."""
        count = len(garment)
        worn = raw["worn"] & raw["paired"][:, None]
        body = jitter_coordinates(raw["garment_densepose"], generator)
        missing = chance((count, NUM_BODY_PARTS), 0.03, generator, self.device)
        missing |= chance((count, 1), UNSEEN_SHARE, generator, self.device)
        for parts in SLEEVES:
            missing[:, parts] |= chance((count, 1), 0.05, generator, self.device)
        body = punch_holes(drop_parts(body, missing), 0.2, generator)
        rough = rough_garments(garment, worn, generator, limit=1).unsqueeze(1)
        places = self.match(densepose, rough, body.unsqueeze(1))
        return coverage_lookup(places, rough.int(), worn.int(), self.scale // self.outline)

    def _movable(self) -> Tensor:
        return torch.tensor([c == BACKGROUND or c in GARMENTS for c in range(NUM_CLASSES)], device=self.device)

    def _slices(self, labels: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the wanted class masks `[n, 1, h, w]` that are not empty, and their rows and classes."""
        shares = class_shares(labels[:, :: self.step, :: self.step], NUM_CLASSES, self.scale // self.step)
        present = (shares.sum(dim=(2, 3)) > _SMALLEST_SLICE) & wanted
        rows, classes = present.nonzero(as_tuple=True)
        return shares[rows, classes].unsqueeze(1), rows, classes


def class_shares(ids: Tensor, classes: int, scale: int) -> Tensor:
    """Return the share of each id in every `scale`×`scale` block of integers `[N, H, W]`: `[N, classes, h, w]`.

    Equal to pooling the one-hot map, which would be many times larger than the result.
    """
    blocks = F.pixel_unshuffle(ids.unsqueeze(1), scale).long()
    shares = torch.zeros(len(ids), classes, *blocks.shape[2:], device=ids.device)
    return shares.scatter_add_(1, blocks, torch.full_like(blocks, scale**-2, dtype=torch.float32))


def dice_loss(shares: Tensor, target: Tensor) -> Tensor:
    """Return one minus the Dice overlap of class shares `[N, 20, h, w]`, the mean over classes in the target."""
    overlap = (shares * target).sum(dim=(0, 2, 3))
    sizes = (shares + target).sum(dim=(0, 2, 3))
    present = (target.sum(dim=(0, 2, 3)) > 0).float()
    return 1 - ((2 * overlap + 1) / (sizes + 1) * present).sum() / present.sum()


def _takes_off() -> Tensor:
    """Return `[20, 20]`: 1 where wearing class row takes off class column."""
    table = torch.zeros(NUM_CLASSES, NUM_CLASSES)
    for worn, others in TAKES_OFF.items():
        table[worn, list(others)] = 1
    return table
