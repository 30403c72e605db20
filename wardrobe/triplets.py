"""Evaluation triplets: a person, garments on other people, and the exact picture of the person in them.

Bodies, garments, fabrics and backdrops are those kept back from training.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.classes import CLASS_IDS
from ..data.errors import InputError
from ..data.files import atomic_folder, atomic_path
from .fabric import TEXTURED_KINDS
from .outfit import Wear, sample_wear
from .render import OnProgress, WardrobeSettings, claim, run_jobs, write_photograph
from .wearer import Wearer, sample_wearer

SHARES = {"upper": 0.28, "lower": 0.18, "dress": 0.15, "two": 0.18, "hard": 0.21}
"""How the triplets are spread over the splits."""

MOST_DRAWS = 100
SMALLEST_GARMENT = 0.015
"""Share of the frame that an exchanged garment must cover, in its photograph and in the truth."""

SEEN_FROM_BEHIND = 0.15
"""Share of the garment photographs of the hard split that show a back."""

WHOLE_FIGURE = (0.75, 0.25, 0.0)
"""Framings in which trousers and dresses are seen."""


@dataclass(frozen=True)
class Triplet:
    """One case with its exact answer.

    Parameters
    ----------
    person, wears
        The person, and the outfit that they wear to begin with.
    garments
        For each garment photograph its model, the model's outfit and the classes taken from it.
    truth
        The outfit that the person wears once dressed in the garments.
    """

    person: Wearer
    wears: Wear
    garments: tuple[tuple[Wearer, Wear, tuple[str, ...]], ...]
    truth: Wear

    @property
    def fabrics(self) -> tuple[str, ...]:
        """Kinds of fabric of the pieces that were exchanged."""
        new = [self.truth.top] if self.truth.top != self.wears.top else []
        if self.truth.bottom != self.wears.bottom and not self.truth.dress:
            new.append(self.truth.bottom)
        return tuple(piece.fabric().kind for piece in new)


def render_triplets(
    folder: Path, settings: WardrobeSettings, count: int, workers: int, on_progress: OnProgress | None = None
) -> dict[str, int]:
    """Render triplets into ``SPLIT/NUMBER/{person,garment_1,…,truth}``.

    Parameters
    ----------
    folder
        Where to write; made if needed. What is already there is kept.
    settings
        The wardrobe's settings.
    count
        Number of triplets, over all splits.
    workers
        Number of processes.
    on_progress
        Called with what is being done, how much is done, and how much there is in all.

    Returns
    -------
    dict
        How many triplets each split has.
    """
    claim(folder, settings, "triplets")
    splits = spread(count)
    jobs = [
        (folder, settings, split, number)
        for split, share in splits.items()
        for number in range(share)
        if not (folder / split / f"{number:04d}").is_dir()
    ]
    for split in splits:
        (folder / split).mkdir(exist_ok=True)
    run_jobs(_render_triplet, jobs, workers, "rendering triplets", on_progress)
    with atomic_path(folder / "triplets.json") as temporary:
        temporary.write_text(json.dumps({"schema": 1, "splits": splits}, indent=1) + "\n", encoding="utf-8")
    return splits


def spread(count: int) -> dict[str, int]:
    """Return how many of `count` triplets each split gets; at least one each."""
    splits = {split: max(1, int(count * share)) for split, share in SHARES.items()}
    splits["upper"] += max(0, count - sum(splits.values()))
    return splits


def sample_triplet(settings: WardrobeSettings, split: str, rng: np.random.Generator) -> Triplet:
    """Draw a triplet of one of the splits."""
    hard = split == "hard"
    common = settings.taste(held_out=True, dress=False, coats=0)
    hard_kind = ("upper", "lower", "dress")[rng.integers(3)] if hard else split

    def model(*, rare: bool = False) -> Wearer:
        framings = (0.4, 0.2, 0.4) if hard_kind == "upper" else WHOLE_FIGURE
        return sample_wearer(
            rng,
            held_out=True,
            rare=rare,
            framings=framings,
            letterboxed=False,
            from_behind=SEEN_FROM_BEHIND if hard else 0.0,
        )

    person = model(rare=hard)
    wears = sample_wear(rng, common)
    if hard_kind == "dress":
        other = sample_wear(rng, settings.taste(held_out=True, hard=hard, dress=True, coats=0))
        return Triplet(person, wears, ((model(), other, ("dress",)),), wears.with_dress_of(other))
    other = sample_wear(rng, settings.taste(held_out=True, hard=hard, dress=False, coats=0))
    upper, lower = other.classes()
    if hard_kind == "upper":
        return Triplet(person, wears, ((model(), other, (upper,)),), wears.with_top_of(other))
    if hard_kind == "lower":
        return Triplet(person, wears, ((model(), other, (lower,)),), wears.with_bottom_of(other))
    second = sample_wear(rng, common)
    below = second.classes()[1]
    truth = wears.with_top_of(other).with_bottom_of(second)
    return Triplet(person, wears, ((model(), other, (upper,)), (model(), second, (below,))), truth)


def _is_visible(triplet: Triplet, settings: WardrobeSettings) -> bool:
    """Tell whether every garment shows, in its photograph and on the person; a tunic may hide shorts."""
    size, assets = settings.size, settings.assets
    truth = triplet.person.segment(triplet.truth, size, assets)
    for model, wear, classes in triplet.garments:
        seen = model.segment(wear, size, assets)
        for name in classes:
            if min((labels == CLASS_IDS[name]).mean() for labels in (seen, truth)) < SMALLEST_GARMENT:
                return False
    return True


def _render_triplet(job: tuple[Path, WardrobeSettings, str, int]) -> None:
    folder, settings, split, number = job
    rng = np.random.default_rng([settings.seed, list(SHARES).index(split) + 10, number])
    triplet = sample_triplet(settings, split, rng)
    for _ in range(MOST_DRAWS):
        if _is_visible(triplet, settings):
            break
        triplet = sample_triplet(settings, split, rng)
    else:
        raise InputError(
            f"--size {settings.height}x{settings.width}: people are too small in it for their clothes to show; "
            "choose a size about twice as high as wide, such as 256x128"
        )
    with atomic_folder(folder / split / f"{number:04d}", is_ours=lambda _: True) as temporary:
        pictures = {
            "person": (triplet.person, triplet.wears),
            "truth": (triplet.person, triplet.truth),
            **{f"garment_{i}": (model, wear) for i, (model, wear, _) in enumerate(triplet.garments, start=1)},
        }
        for name, (wearer, wear) in pictures.items():
            (temporary / name).mkdir()
            write_photograph(temporary / name, wearer.photograph(wear, settings.size, settings.assets))
        fabrics = triplet.fabrics
        about = {
            "wear": {f"garment_{i}": list(classes) for i, (_, _, classes) in enumerate(triplet.garments, start=1)},
            "remove": [],
            "textured": any(kind in TEXTURED_KINDS for kind in fabrics),
            "fabric": "+".join(fabrics),
        }
        (temporary / "triplet.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
