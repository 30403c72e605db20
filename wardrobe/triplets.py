"""Evaluation triplets: a person, garments on other people, and the exact picture of the person in them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..data.errors import InputError
from ..data.files import atomic_folder, atomic_path
from .fabric import TEXTURED_KINDS
from .render import OnProgress, WardrobeSettings, claim, run_jobs, write_photograph
from .triplet_cases import SPLITS, sample_triplet

MOST_DRAWS = 100


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
    splits = {split: max(1, count * share // sum(SPLITS.values())) for split, share in SPLITS.items()}
    splits["upper"] += max(0, count - sum(splits.values()))
    return splits


def _render_triplet(job: tuple[Path, WardrobeSettings, str, int]) -> None:
    folder, settings, split, number = job
    rng = np.random.default_rng([settings.seed, list(SPLITS).index(split) + 10, number])
    triplet = sample_triplet(settings, split, rng)
    for _ in range(MOST_DRAWS):
        if triplet.is_visible(settings):
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
            "remove": list(triplet.remove),
            "measures": "changed" if triplet.changed else "worn",
            "textured": any(kind in TEXTURED_KINDS for kind in fabrics),
            "fabric": "+".join(fabrics),
        }
        (temporary / "triplet.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
