"""Every method's pictures as folders of equally named PNGs, for looking and for the human study."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..data.files import atomic_folder
from ..data.images import UInt8Array, write_image
from ..runtime.person import Garment
from .methods import Pictures
from .triplets import Triplet

TRUTH = "truth"
REFERENCE = "reference"
_MARK = "pictures.json"
_FADING = 4


@dataclass(frozen=True)
class PictureFolders:
    """A folder of folders: one a method, `truth`, and `reference` (the person, and the garments to wear).

    Parameters
    ----------
    path
        The outer folder.
    """

    path: Path

    @classmethod
    @contextmanager
    def create(cls, path: Path) -> Iterator[PictureFolders]:
        """Yield folders that take their place when the block succeeds; those of an earlier run are replaced."""
        with atomic_folder(path, is_ours=holds_only_pictures) as temporary:
            (temporary / _MARK).write_text(json.dumps({"written_by": "oviton evaluate --pictures"}) + "\n")
            yield cls(temporary)

    def add(self, triplet: Triplet, pictures: Pictures) -> None:
        """Write one triplet's pictures, as `METHOD/SPLIT_NAME.png`."""
        everything = {
            **pictures.by_method,
            TRUTH: triplet.true_image,
            REFERENCE: side_by_side([triplet.person.image, *(highlighted(garment) for garment in triplet.garments)]),
        }
        for name, picture in everything.items():
            folder = self.path / name
            folder.mkdir(exist_ok=True)
            write_image(folder / f"{triplet.split}_{triplet.name}.png", picture)


def holds_only_pictures(folder: Path) -> bool:
    """Whether a folder holds what `PictureFolders` writes and nothing else: then another run may replace it."""
    files = [path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir()]
    pictures = (file for file in files if file != Path(_MARK) and not file.name.startswith("."))
    return Path(_MARK) in files and all(len(file.parts) == 2 and file.suffix == ".png" for file in pictures)


def highlighted(garment: Garment) -> UInt8Array:
    """Return a garment photograph in which all but the classes to wear fades, so that it is clear what is meant."""
    faded = 255 - (255 - garment.image) // _FADING
    return np.where(np.isin(garment.labels, garment.classes)[..., None], garment.image, faded)


def side_by_side(pictures: list[UInt8Array]) -> UInt8Array:
    """Join pictures `[h, w, 3]` into one, all scaled to the first one's height."""
    return np.concatenate([scaled_to(picture, pictures[0].shape[0]) for picture in pictures], axis=1)


def scaled_to(picture: UInt8Array, height: int) -> UInt8Array:
    """Scale RGB `[h, w, 3]` to a height, or labels `[h, w]` with nearest samples."""
    h, w = picture.shape[:2]
    if h == height:
        return picture
    resampling = Image.Resampling.NEAREST if picture.ndim == 2 else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(picture).resize((max(1, round(w * height / h)), height), resampling))
