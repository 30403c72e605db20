"""Training of the learned correspondence, resumable at any step."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ..data.classes import NUM_BODY_PARTS
from ..data.errors import InputError
from ..networks.body import body_channels, garment_channels
from ..networks.checkpoint import Networks, save_checkpoint
from ..networks.config import preset
from ..networks.correspondence.matcher import BodyMatcher
from ..networks.warping import AffineLimits, Warp, random_affine
from ..wardrobe.render import CORRESPONDENCE_NAME
from .augment import chance, drop_coordinates, drop_parts, jitter_coordinates, punch_holes
from .dataset import PAIRS_NAME, split
from .loop import LoopOptions, TrainingLoop
from .run_guard import locked

PART = "correspondence"

CONFIG = preset("small").with_conditioning("surface")
"""All presets have one matcher."""

SIZE = CONFIG.height // CONFIG.shape.scale, CONFIG.width // CONFIG.shape.scale
"""Height and width at which bodies are matched."""

MOVED = AffineLimits(rotation=8, shift=0.1, scale=(0.6, 1.7), shear=0.05)
"""How garments' photographs are moved, so that not all are framed alike, and some show half a body."""

SEEN, HIDDEN = 2, 1
"""What is known of a point that the garment's photograph shows, and of one that it does not."""

SEEN_WEIGHT, HIDDEN_WEIGHT = 1.0, 0.3
"""How much either counts."""

BLANK, FLAT = 0.04, 0.08
"""How many photographs have no body map, and how many have one without coordinates."""

LEVELS = (0.25, 0.5, 1.0)
"""How much each size counts, coarse to fine."""


@dataclass(frozen=True, kw_only=True)
class MatcherOptions(LoopOptions):
    """Options of one training run; `output` keeps its state.

    Parameters
    ----------
    pairs
        Folders of pairs with their correspondence.
    checkpoint
        The checkpoint folder to write.
    """

    pairs: tuple[Path, ...]
    checkpoint: Path

    @classmethod
    def of(cls, checkpoint: Path, pairs: Sequence[Path], **others: Any) -> Self:
        """Return options whose state is kept in the checkpoint's folder."""
        return cls(output=checkpoint / "training" / PART, checkpoint=checkpoint, pairs=tuple(pairs), **others)


@dataclass(frozen=True)
class MatchedPair:
    """A pair at the working size.

    Parameters
    ----------
    body, garment_body
        Body maps, uint8 `[h, w, 3]`.
    garment_labels
        uint8 `[h, w]`.
    places
        Where the person's points lie in the garment's photograph, as shares of its width and height, `[h, w, 2]`.
    known
        2 seen there, 1 hidden there, 0 none, uint8 `[h, w]`.
    """

    body: npt.NDArray[np.uint8]
    garment_body: npt.NDArray[np.uint8]
    garment_labels: npt.NDArray[np.uint8]
    places: npt.NDArray[np.float32]
    known: npt.NDArray[np.uint8]


def read_pair(person: Path, garment: Path) -> MatchedPair:
    """Read two person folders, and where the first one's points lie in the other."""
    body, garment_body, labels = (
        _samples(np.asarray(Image.open(path)))
        for path in (person / "densepose.png", garment / "densepose.png", garment / "labels.png")
    )
    with np.load(person / CORRESPONDENCE_NAME, allow_pickle=False) as file:
        places, known = file["places"], file["known"]
    # What is asked for lies in the middle of a block, between the pixels of which the last ones are seen.
    half = 0.5 if known.shape[0] > SIZE[0] else 0.0
    shares = (_samples(places).astype(np.float32) - half) / np.array([places.shape[1], places.shape[0]], np.float32)
    return MatchedPair(body, garment_body, labels, shares, _samples(known))


def find_pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Return a folder's pairs whose correspondence is known.

    Raises
    ------
    InputError
        When there are none.
    """
    try:
        with (folder / PAIRS_NAME).open(newline="", encoding="utf-8") as file:
            rows = [(folder / row["person"], folder / row["garment"]) for row in csv.DictReader(file)]
    except (OSError, KeyError) as error:
        raise InputError(f"{folder / PAIRS_NAME}: cannot be read ({error}); it lists the pairs") from None
    found = [pair for pair in rows if (pair[0] / CORRESPONDENCE_NAME).is_file()]
    if not found:
        raise InputError(f"{folder}: no pair has a {CORRESPONDENCE_NAME}; render the people anew")
    return found


def _samples(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    step, rest = divmod(array.shape[0], SIZE[0])
    if rest or array.shape[1] != step * SIZE[1]:
        raise InputError(f"{array.shape[0]}x{array.shape[1]}: allowed: {SIZE[0]}x{SIZE[1]} and multiples of it")
    return array[step // 2 :: step, step // 2 :: step]


class MatcherTrainer(TrainingLoop[BodyMatcher]):
    """One run.

    Parameters
    ----------
    options
        What to do.
    """

    options: MatcherOptions
    weights = MappingProxyType({"places": 1.0, "seen": 0.5})

    def __init__(self, options: MatcherOptions) -> None:
        self.folders = []
        for folder in options.pairs:
            found = find_pairs(folder)
            kept = set(split([person.name for person, _ in found])[0])
            self.folders.append([pair for pair in found if pair[0].name in kept])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            network = Networks(CONFIG).correspondence
        super().__init__(options, network)

    def draw(self, step: int) -> dict[str, Any]:
        """Draw a step's pairs, of all folders alike."""
        rng = np.random.default_rng([self.options.seed, step])
        pairs = []
        for _ in range(self.options.batch):
            folder = self.folders[int(rng.integers(len(self.folders)))]
            pairs.append(read_pair(*folder[int(rng.integers(len(folder)))]))
        return {**stack(pairs), "seed": int(rng.integers(2**31))}

    def terms(self, raw: dict[str, Any]) -> dict[str, Tensor]:
        """Return how far off places are, in pixels of the working size, and what is taken for seen."""
        generator = torch.Generator().manual_seed(raw["seed"])
        batch = moved(raw, generator)
        body, garment_body = (roughened(batch[name], generator) for name in ("body", "garment_body"))
        # Where a photograph has no body map, nothing is seen.
        blank = chance(len(body), BLANK, generator, body.device)
        garment_body = garment_body * ~blank[:, None, None, None]
        known = torch.where(blank[:, None, None] & (batch["known"] == SEEN), HIDDEN, batch["known"])
        person = body_channels(body, torch.float32)
        garment = garment_channels(garment_body, batch["garment_labels"], torch.float32)
        with self.options.autocast():
            found = self.network(_packed(person), _packed(garment).unsqueeze(1))
        return matching_losses(found, batch["places"], known)

    def data(self) -> str:
        """Say how many pairs there are."""
        return f"pairs, of {' and '.join(str(len(folder)) for folder in self.folders)}"

    def write(self, network: BodyMatcher, folder: Path, trained: str) -> None:
        """Write the checkpoint's part."""
        del folder  # it keeps the state alone
        networks = Networks(CONFIG)
        networks.correspondence = network
        save_checkpoint(self.options.checkpoint, networks, PART, trained)


def stack(pairs: Sequence[MatchedPair]) -> dict[str, Tensor]:
    """Stack pairs; places become `[N, 2, h, w]`."""
    names = ("body", "garment_body", "garment_labels", "places", "known")
    arrays = {name: torch.from_numpy(np.stack([getattr(pair, name) for pair in pairs])) for name in names}
    return {**arrays, "places": arrays["places"].permute(0, 3, 1, 2)}


def moved(raw: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Move the garments' photographs at random, and where the person's points lie in them."""
    count, height, width = raw["known"].shape
    theta = random_affine(MOVED, count, height / width, generator)
    warp = Warp(theta, height, width)
    # What is read at x comes from theta(x), so what lay at p lies at the inverse of theta there.
    inverse = torch.linalg.inv(theta[:, :, :2])
    centred = 2 * raw["places"].flatten(2) - 1
    places = (inverse @ (centred - theta[:, :, 2:]) + 1) / 2
    inside = ((places > 0) & (places < 1)).all(dim=1).reshape(raw["known"].shape)
    known = torch.where((raw["known"] == SEEN) & ~inside, HIDDEN, raw["known"])
    garment = {name: warp.labels(raw[name]) for name in ("garment_body", "garment_labels")}
    return {**raw, **garment, "places": places.reshape(raw["places"].shape), "known": known}


def roughened(body: Tensor, generator: torch.Generator) -> Tensor:
    """Return body maps with faults: coordinates drift or are missing, as are parts and pieces."""
    missing = chance((len(body), NUM_BODY_PARTS), 0.03, generator, body.device)
    body = drop_coordinates(jitter_coordinates(body, generator), chance(len(body), FLAT, generator, body.device))
    return punch_holes(drop_parts(body, missing), 0.1, generator)


def matching_losses(found: Sequence[tuple[Tensor, Tensor]], places: Tensor, known: Tensor) -> dict[str, Tensor]:
    """Return the terms of the loss.

    Parameters
    ----------
    found
        What the network returns, coarse to fine.
    places
        The truth, `[N, 2, h, w]`, shares of width and height.
    known
        2 seen, 1 hidden, 0 no counterpart, `[N, h, w]`.
    """
    pixels = torch.tensor([SIZE[1], SIZE[0]]).view(1, 2, 1, 1)
    off, unseen = [], []
    for level, ((here, seen), share) in enumerate(zip(found, LEVELS, strict=True)):
        step = 2 ** (len(LEVELS) - 1 - level)
        truth, state = (
            places[:, :, step // 2 :: step, step // 2 :: step],
            known[:, step // 2 :: step, step // 2 :: step],
        )
        weight = SEEN_WEIGHT * (state == SEEN).float() + HIDDEN_WEIGHT * (state == HIDDEN).float()
        distance = ((here - truth) * pixels).square().sum(dim=1).add(0.01).sqrt()
        off.append(share * (distance * weight).sum() / weight.sum().clamp(min=1))
        wrong = F.binary_cross_entropy_with_logits(seen.squeeze(1), (state == SEEN).float(), reduction="none")
        unseen.append(share * (wrong * (state > 0)).sum() / (state > 0).sum().clamp(min=1))
    return {"places": torch.stack(off).sum(), "seen": torch.stack(unseen).sum()}


def _packed(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def train_matcher(options: MatcherOptions) -> Path:
    """Train the matcher of a checkpoint, or go on where an earlier run stopped.

    Returns
    -------
    Path
        The checkpoint's file.

    Raises
    ------
    InputError
        When pairs cannot be read, or do not tell their correspondence.
    """
    with locked(options.output):
        MatcherTrainer(options).run()
    return options.checkpoint / f"{PART}.safetensors"
