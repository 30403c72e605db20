"""Write a synthetic wardrobe: the folders that photographs of real people would have, and pairs of one outfit."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from ..data.errors import InputError
from ..data.files import atomic_folder, atomic_path
from ..data.images import write_image
from .makehuman import MakeHumanAssets, load_assets
from .outfit import Taste, Wear, sample_wear
from .scene import Photograph
from .wearer import Wearer, sample_wearer

SCHEMA = 1
SETTINGS_NAME = "wardrobe.json"
PAIRS_NAME = "pairs.csv"
BEFORE_NAME = "before.png"
CORRESPONDENCE_NAME = "correspondence.npz"

MIN_SIZE, MAX_SIZE = 32, 2048

Job = TypeVar("Job")
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class WardrobeSettings:
    """What a wardrobe is made of; the same settings give the same files.

    Parameters
    ----------
    seed
        Source of all randomness.
    height, width
        Size of the pictures in pixels.
    makehuman
        Hash of the MakeHuman assets that are used beside the procedural clothes; empty for none.
    assets_folder
        Folder of the MakeHuman assets; None for none.
    """

    seed: int
    height: int
    width: int
    makehuman: str = ""
    assets_folder: Path | None = None
    schema: int = SCHEMA

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    @property
    def assets(self) -> MakeHumanAssets | None:
        """The MakeHuman assets, read once a process; None for none."""
        return load_assets(self.assets_folder) if self.assets_folder else None

    def taste(self, **wishes: Any) -> Taste:
        """Return what outfits are drawn from, with further wishes."""
        assets = self.assets
        kinds = tuple((slot, assets.kinds(slot)) for slot in ("top", "bottom", "shoes")) if assets else ()
        return Taste(assets=kinds, **wishes)

    def to_json(self) -> dict[str, Any]:
        """Return what decides on the files' content."""
        return {key: value for key, value in asdict(self).items() if key != "assets_folder"}


def parse_size(text: str) -> tuple[int, int]:
    """Turn ``"256x128"`` into height and width.

    Raises
    ------
    InputError
        When it is not two numbers within the limits.
    """
    try:
        height, width = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise InputError(f"--size {text!r}: allowed: HEIGHTxWIDTH, such as 256x128") from None
    if not (MIN_SIZE <= height <= MAX_SIZE and MIN_SIZE <= width <= MAX_SIZE):
        raise InputError(f"--size {text}: allowed: {MIN_SIZE} to {MAX_SIZE} pixels a side")
    return height, width


def render_people(
    folder: Path, settings: WardrobeSettings, count: int, workers: int, on_progress: OnProgress | None = None
) -> int:
    """Render people, two in each outfit, into one folder each.

    People `2k` and `2k + 1` wear one outfit on different bodies. ``pairs.csv`` says so, with the labels of the person
    in another garment. What is already there is kept, so an interrupted run goes on where it stopped.

    Parameters
    ----------
    folder
        Where to write; made if needed.
    settings
        The wardrobe's settings.
    count
        Number of people.
    workers
        Processes.
    on_progress
        Called with what, done and total.

    Returns
    -------
    int
        How many people were rendered now.

    Raises
    ------
    InputError
        When the folder holds something else.
    """
    claim(folder, settings, "people")
    missing = [i for i in range(count) if not (folder / person_name(i)).is_dir()]
    say = on_progress or (lambda what, done, total: None)
    done = count - len(missing)
    for _ in _work(_render_person, [(folder, settings, i) for i in missing], workers):
        done += 1
        say("rendering people", done, count)
    total = max(count, sum(1 for entry in folder.iterdir() if entry.is_dir() and entry.name.isdigit()))
    _write_pairs(folder, settings, total)
    return len(missing)


def person_name(index: int) -> str:
    """Return the folder name of person `index`."""
    return f"{index:06d}"


def person_in_outfit(settings: WardrobeSettings, index: int) -> tuple[Wearer, Wear]:
    """Return who person `index` is and what they wear."""
    return sample_wearer(np.random.default_rng([settings.seed, 0, index])), _outfit(settings, index)


def before(settings: WardrobeSettings, index: int) -> tuple[Wear, tuple[str, ...]]:
    """Return what person `index` wore before, and the classes that changed since."""
    now = _outfit(settings, index)
    rng = np.random.default_rng([settings.seed, 2, index])
    if now.dress:
        return now.with_dress_of(sample_wear(rng, settings.taste(dress=False, coats=0))), ("dress",)
    other = sample_wear(rng, settings.taste(dress=False, coats=0))
    upper, lower = now.classes()
    draw = rng.random()
    if draw < 0.5:
        return now.with_top_of(other), (upper,)
    if draw < 0.85:
        return now.with_bottom_of(other), (lower,)
    return now.with_dress_of(other), (upper, lower)


def write_photograph(folder: Path, photograph: Photograph) -> None:
    """Write image, labels and body map as PNG into an existing folder."""
    write_image(folder / "image.png", photograph.image)
    write_image(folder / "labels.png", photograph.labels)
    write_image(folder / "densepose.png", photograph.densepose)


def run_jobs(
    function: Callable[[Job], Any], jobs: Sequence[Job], workers: int, what: str, on_progress: OnProgress | None
) -> None:
    """Run jobs in processes and tell how far they are."""
    say = on_progress or (lambda what, done, total: None)
    for done, _ in enumerate(_work(function, jobs, workers), start=1):
        say(what, done, len(jobs))


def _outfit(settings: WardrobeSettings, index: int) -> Wear:
    return sample_wear(np.random.default_rng([settings.seed, 1, index // 2]), settings.taste())


def _render_person(job: tuple[Path, WardrobeSettings, int]) -> None:
    folder, settings, index = job
    wearer, wear = person_in_outfit(settings, index)
    photograph = wearer.photograph(wear, settings.size, settings.assets)
    labels = wearer.segment(before(settings, index)[0], settings.size, settings.assets)
    partner, _ = person_in_outfit(settings, index ^ 1)
    found = wearer.correspond(wear, partner, settings.size, settings.assets)
    with atomic_folder(folder / person_name(index), is_ours=lambda _: True) as temporary:
        write_photograph(temporary, photograph)
        write_image(temporary / BEFORE_NAME, labels)
        np.savez_compressed(temporary / CORRESPONDENCE_NAME, places=found.places.astype(np.float16), known=found.known)


def _write_pairs(folder: Path, settings: WardrobeSettings, count: int) -> None:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("person", "garment", "before", "classes", "shared"))
    for index in range(count - count % 2):
        name = person_name(index)
        if not ((folder / name).is_dir() and (folder / person_name(index ^ 1)).is_dir()):
            continue  # a longer run was interrupted
        _, changed = before(settings, index)
        rows.writerow((name, person_name(index ^ 1), f"{name}/{BEFORE_NAME}", "+".join(changed), "all"))
    with atomic_path(folder / PAIRS_NAME) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")


def claim(folder: Path, settings: WardrobeSettings, kind: str) -> None:
    """Make the folder, or check that it holds the same wardrobe."""
    path = folder / SETTINGS_NAME
    mine = {"kind": kind, **settings.to_json()}
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: a folder to write to is expected, but it is a file")
    if path.exists():
        try:
            theirs = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read ({error}); choose another folder") from None
        differing = [key for key in mine if not isinstance(theirs, dict) or theirs.get(key) != mine[key]]
        if differing:
            key = differing[0]
            old = theirs.get(key) if isinstance(theirs, dict) else theirs
            raise InputError(
                f"{folder}: already holds a wardrobe with {key} {old!r}, not {mine[key]!r}; "
                "use the same settings to go on with it, or another folder"
            )
        return
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: holds something else than a wardrobe; choose an empty or a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(mine, indent=1) + "\n", encoding="utf-8")


def _work(function: Callable[[Job], Any], jobs: Sequence[Job], workers: int) -> Iterator[None]:
    one_by_one = partial(_on_one_core, function)
    if workers <= 1 or len(jobs) < 2:
        for job in jobs:
            yield one_by_one(job)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(one_by_one, jobs, chunksize=4)


def _on_one_core(function: Callable[[Job], Any], job: Job) -> Any:
    """Do a job with linear algebra on one thread.

    More would get into the other workers' way; and how it splits its sums among threads changes their last bit, and
    with it now and then a pixel.
    """
    with threadpool_limits(1):
        return function(job)
