"""A person on disk: one folder with `image.{jpg,png,webp}`, `labels.png` and `densepose.{png,npy}`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from .errors import InputError
from .images import IMAGE_SUFFIXES, UInt8Array, check_labels, read_densepose, read_ids, read_image
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
    notes
        What a user should know of how they were read. Default: nothing.
    """

    path: Path
    image: UInt8Array
    labels: UInt8Array
    densepose: UInt8Array | None
    notes: tuple[str, ...] = ()


def read_person_folder(folder: Path | str) -> PersonFolder:
    """Read and check a person folder.

    Raises
    ------
    InputError
        When a file is missing or unusable, or sizes differ.

    Examples
    --------
    >>> person = read_person_folder("person/")
    >>> person.image.shape, person.labels.shape, person.densepose.shape
    ((512, 256, 3), (512, 256), (512, 256, 3))
    """
    return read_person_folders([folder])[0]


def read_person_folders(folders: Sequence[Path | str]) -> list[PersonFolder]:
    """Read and check person folders, all their files side by side, which takes less time than one after another.

    Raises
    ------
    InputError
        As `read_person_folder`; for folders or files that are missing first.
    """
    found = [_PersonFiles.find(Path(folder)) for folder in folders]
    arrays = iter(in_parallel(*(read for files in found for read in files.readers())))
    return [files.checked(next(arrays), next(arrays), next(arrays)) for files in found]


@dataclass(frozen=True)
class _PersonFiles:
    """The files of a person folder, none read yet."""

    folder: Path
    image: Path
    densepose: Path | None

    @property
    def labels(self) -> Path:
        return self.folder / LABELS_NAME

    @classmethod
    def find(cls, folder: Path) -> Self:
        if not folder.is_dir():
            kind = "a file" if folder.exists() else "missing"
            raise InputError(
                f"{folder}: a folder is expected, but it is {kind}; it holds image.jpg (or .png, .webp), labels.png "
                "and, for a person, densepose.png"
            )
        image = _find(folder, IMAGE_NAMES)
        if image is None:
            raise InputError(f"{folder}: no photograph found; allowed names: {', '.join(IMAGE_NAMES)}")
        return cls(folder, image, _find(folder, DENSEPOSE_NAMES))

    def readers(self) -> tuple[Callable[[], Any], ...]:
        densepose = self.densepose
        return (
            partial(read_image, self.image),
            partial(read_ids, self.labels),
            (lambda: None) if densepose is None else partial(read_densepose, densepose),
        )

    def checked(
        self, image: UInt8Array, read: tuple[UInt8Array, tuple[str, ...]], densepose: UInt8Array | None
    ) -> PersonFolder:
        labels, notes = check_labels(read[0], str(self.labels)), read[1]
        _same_size(self.labels, labels, self.image, image)
        if densepose is not None and self.densepose is not None:
            _same_size(self.densepose, densepose, self.image, image)
        return PersonFolder(self.folder, image, labels, densepose, notes)


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
