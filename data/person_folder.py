"""A person on disk: one folder with `image.{jpg,png,webp}`, `labels.png` and `densepose.{png,npy}`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .errors import InputError
from .images import IMAGE_SUFFIXES, UInt8Array, read_densepose, read_image, read_labels
from .parallel import in_parallel

LABELS_NAME = "labels.png"
DENSEPOSE_NAMES = ("densepose.png", "densepose.npy")
IMAGE_NAMES = tuple(f"image{suffix}" for suffix in IMAGE_SUFFIXES)


@dataclass(frozen=True)
class PersonFolder:
    """The arrays of one photographed person.

    Parameters
    ----------
    path
        The folder, for messages.
    image
        RGB `[H, W, 3]`, uint8.
    labels
        CIHP labels `[H, W]`, uint8.
    densepose
        Part, U, V `[H, W, 3]`, uint8, or None when the folder has none.
    """

    path: Path
    image: UInt8Array
    labels: UInt8Array
    densepose: UInt8Array | None


def read_person_folder(folder: Path | str) -> PersonFolder:
    """Read and check a person folder.

    Raises
    ------
    InputError
        When a file is missing or unusable, or sizes differ.
    """
    folder = Path(folder)
    if not folder.is_dir():
        kind = "a file" if folder.exists() else "missing"
        raise InputError(
            f"{folder}: a folder is expected, but it is {kind}; it holds image.jpg (or .png, .webp), labels.png and, "
            "for a person, densepose.png"
        )
    image_path = _find(folder, IMAGE_NAMES)
    if image_path is None:
        raise InputError(f"{folder}: no photograph found; allowed names: {', '.join(IMAGE_NAMES)}")
    densepose_path = _find(folder, DENSEPOSE_NAMES)
    image, labels, densepose = in_parallel(
        partial(read_image, image_path),
        partial(read_labels, folder / LABELS_NAME),
        partial(read_densepose, densepose_path) if densepose_path is not None else lambda: None,
    )
    _same_size(folder / LABELS_NAME, labels, image_path, image)
    if densepose is not None and densepose_path is not None:
        _same_size(densepose_path, densepose, image_path, image)
    return PersonFolder(folder, image, labels, densepose)


def _find(folder: Path, names: tuple[str, ...]) -> Path | None:
    # A broken link counts as present: reading it will say what is wrong.
    found = [folder / name for name in names if os.path.lexists(folder / name)]
    if len(found) > 1:
        raise InputError(
            f"{folder}: holds both {found[0].name} and {found[1].name}; keep one, so that it is clear which counts"
        )
    return found[0] if found else None


def _same_size(path: Path, array: UInt8Array, image_path: Path, image: UInt8Array) -> None:
    if array.shape[:2] != image.shape[:2]:
        (h, w), (ih, iw) = array.shape[:2], image.shape[:2]
        turned = "; its EXIF orientation was applied, so turn the labels too" if (h, w) == (iw, ih) else ""
        raise InputError(f"{path}: {w}x{h} found, but {image_path.name} is {iw}x{ih}; both must have one size{turned}")
