"""A person on disk: one folder with a photograph `image.*`, `labels.png` and `densepose.{png,npy}`, in any case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from .errors import InputError
from .formats import READ_SUFFIXES
from .images import Photograph, UInt8Array, check_labels, read_densepose, read_ids, read_photograph
from .orientation import check_upright
from .parallel import in_parallel

LABELS_NAME = "labels.png"
DENSEPOSE_NAMES = ("densepose.png", "densepose.npy")
IMAGE_NAMES = tuple(f"image{suffix}" for suffix in READ_SUFFIXES)


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


def holds_person(folder: Path) -> bool:
    """Tell whether a folder holds a photograph or labels under the names of a person's."""
    return bool(_called(_listed(folder), (*IMAGE_NAMES, LABELS_NAME)))


@dataclass(frozen=True)
class _PersonFiles:
    """The files of a person folder, none read yet."""

    folder: Path
    image: Path
    labels: Path
    densepose: Path | None

    @classmethod
    def find(cls, folder: Path) -> Self:
        if not folder.is_dir():
            kind = "a file" if folder.exists() else "missing"
            raise InputError(
                f"{folder}: a folder is expected, but it is {kind}; it holds image.jpg (or .png, .webp, .avif, .heic), "
                "labels.png and, for a person, densepose.png"
            )
        present = _listed(folder)
        image = _find(folder, present, IMAGE_NAMES)
        if image is None:
            raise _no_photograph(folder, present)
        labels = _find(folder, present, (LABELS_NAME,))
        if labels is None:
            raise _no_labels(folder, present)
        densepose = _find(folder, present, DENSEPOSE_NAMES)
        if densepose is None:
            _refuse_other_body_map(folder, present)
        return cls(folder, image, labels, densepose)

    def readers(self) -> tuple[Callable[[], Any], ...]:
        densepose = self.densepose
        return (
            partial(read_photograph, self.image),
            partial(read_ids, self.labels),
            (lambda: None) if densepose is None else partial(read_densepose, densepose),
        )

    def checked(
        self, photograph: Photograph, read: tuple[UInt8Array, tuple[str, ...]], densepose: UInt8Array | None
    ) -> PersonFolder:
        labels, notes = check_labels(read[0], str(self.labels)), read[1]
        body = None if densepose is None or self.densepose is None else (self.densepose, densepose)
        for path, array in ((self.labels, labels), *([body] if body is not None else [])):
            _same_size(path, array, self.image, photograph)
        check_upright(self.image, photograph.image, photograph.orientation, (self.labels, labels), body)
        return PersonFolder(self.folder, photograph.image, labels, densepose, notes)


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror}); may it be read?") from None


def _called(present: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the files that bear one of the names, in any case.

    A broken link counts: reading it will say what is wrong.
    """
    return [name for name in present if name.lower() in names]


def _find(folder: Path, present: Sequence[str], names: Sequence[str]) -> Path | None:
    found = _called(present, names)
    if len(found) > 1:
        raise InputError(f"{folder}: holds both {found[0]} and {found[1]}; keep one, so that it is clear which counts")
    return folder / found[0] if found else None


def _of_stem(present: Sequence[str], stem: str) -> list[str]:
    return [name for name in present if Path(name).stem.lower() == stem]


def _no_photograph(folder: Path, present: Sequence[str]) -> InputError:
    if unread := _of_stem(present, "image"):
        hint = f"; {unread[0]} is there: save it as one of these"
    else:
        maps = {*_of_stem(present, "labels"), *_of_stem(present, "densepose")}
        pictures = [name for name in present if Path(name).suffix.lower() in READ_SUFFIXES and name not in maps]
        hint = f"; {pictures[0]} is there: rename it, if that is the photograph" if pictures else ""
    return InputError(f"{folder}: no photograph found; allowed names: {', '.join(IMAGE_NAMES)}{hint}")


def _no_labels(folder: Path, present: Sequence[str]) -> InputError:
    others = _of_stem(present, "labels")
    hint = f"; {others[0]} is there: labels are a PNG, which keeps ids as they are" if others else ""
    return InputError(f"{folder}: no {LABELS_NAME} found; it holds one class id a pixel{hint}")


def _refuse_other_body_map(folder: Path, present: Sequence[str]) -> None:
    """Refuse a body map in a file that is not read: without it, the result would be worse and nobody knew why."""
    for name in _of_stem(present, "densepose"):
        why = (
            "; pickle is never loaded, since it can run any code" if name.lower().endswith((".pkl", ".pickle")) else ""
        )
        raise InputError(
            f"{folder / name}: a body map that is not read{why}; allowed: densepose.png (part, U, V as R, G, B) or "
            "densepose.npy ([H, W, 3] uint8)"
        )


def _same_size(path: Path, array: UInt8Array, image_path: Path, photograph: Photograph) -> None:
    (h, w), (ih, iw) = array.shape[:2], photograph.image.shape[:2]
    if (h, w) != (ih, iw):
        sideways = photograph.orientation >= 5 and (h, w) == (iw, ih)
        turned = "; its EXIF orientation was applied, so turn the labels too" if sideways else ""
        raise InputError(f"{path}: {w}x{h} found, but {image_path.name} is {iw}x{ih}; both must have one size{turned}")
