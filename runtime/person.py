"""The inputs of a try-on: a person, and garments photographed on other people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Self

from ..data.agreement import check_garment, check_person
from ..data.classes import CLASS_NAMES, MIRRORED, parse_garment_classes, present_classes
from ..data.errors import InputError
from ..data.images import UInt8Array, check_densepose, check_image, check_labels, read_image, read_photograph
from ..data.parallel import in_parallel
from ..data.person_folder import PersonFolder, read_person_folder, read_person_folders
from ..prepare.choice import LARGEST, Who
from ..prepare.garments import see_garment
from ..prepare.preparer import Prepared, Preparer, shared_preparer
from .subject import Subject, find_subject


@dataclass(frozen=True, eq=False)
class Person:
    """A photographed person.

    Parameters
    ----------
    image
        RGB `[H, W, 3]`, uint8, any size.
    labels
        CIHP labels `[H, W]`, uint8, ids 0 to 19.
    densepose
        Body map `[H, W, 3]`, uint8: part 0-24, U, V.
    name
        What messages call it.
    notes
        What a user should know of it; reports tell. Default: nothing. A folder's labels and body map are checked
        against each other when it is opened; see `oviton.data.agreement`.

    Raises
    ------
    InputError
        When an array has a wrong shape, dtype or value, or sizes differ.

    Examples
    --------
    >>> person = Person.open("person/")
    >>> person.image.shape, person.image.dtype
    ((512, 256, 3), dtype('uint8'))
    >>> darker = Person(person.image // 2, person.labels, person.densepose, name="darker")
    """

    image: UInt8Array
    labels: UInt8Array
    densepose: UInt8Array
    name: str = "person"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "image", check_image(self.image, f"{self.name}: image"))
        object.__setattr__(self, "labels", check_labels(self.labels, f"{self.name}: labels"))
        object.__setattr__(self, "densepose", check_densepose(self.densepose, f"{self.name}: densepose"))
        _check_sizes(self.name, self.image, labels=self.labels, densepose=self.densepose)

    @classmethod
    def open(cls, path: Path | str, *, who: Who = LARGEST, preparer: Preparer | None = None) -> Self:
        """Read a photograph, or a person folder: `image.jpg` (or .png, .webp), `labels.png`, `densepose.png` (or .npy).

        Parameters
        ----------
        path
            The file or the folder.
        who
            Which of several people in a photograph: ``"largest"``, ``"left"``, ``"right"``, or a point (x, y) on them.
            Default: the largest.
        preparer
            Sees the person in a photograph. Default: the shipped one, loaded at the first photograph.

        Raises
        ------
        InputError
            When a file cannot be used, or nobody is found in the photograph.
        """
        if not Path(path).is_file():
            return cls._of(read_person_folder(path))
        return cls.of((preparer or shared_preparer())(read_image(Path(path)), who, str(path)))

    @classmethod
    def of(cls, prepared: Prepared) -> Self:
        """Return a person who was seen in a photograph."""
        assert prepared.densepose is not None
        return cls(prepared.image, prepared.labels, prepared.densepose, prepared.name, prepared.notes)

    @cached_property
    def subject(self) -> Subject | None:
        """The one person who counts; None when nobody is marked."""
        return find_subject(self.labels, self.densepose)

    @classmethod
    def _of(cls, read: PersonFolder) -> Self:
        if read.densepose is None:
            raise InputError(f"{read.path}: no densepose.png or densepose.npy; a person needs a body map")
        name = str(read.path)
        notes = (*read.notes, *check_person(read.labels, read.densepose, name))
        return cls(read.image, read.labels, read.densepose, name, notes)


@dataclass(frozen=True, eq=False)
class Garment:
    """A photograph that garments are taken from.

    Parameters
    ----------
    image
        RGB `[H, W, 3]`, uint8, any size.
    labels
        CIHP labels `[H, W]`, uint8.
    wear
        Garment classes to take: names, comma separated or one by one, or ids. Turned into ids.
    densepose
        Body map of whoever wears it, if known.
    name
        What messages call it.
    notes
        What a user should know of it, as a `Person`'s. Default: nothing.

    Raises
    ------
    InputError
        When an array does not fit, a class is unknown, or a class is not in `labels`.

    Examples
    --------
    >>> Garment.open("shirt/", wear="upper_clothes,shoes").classes
    (5, 18, 19)
    >>> photo = Person.open("shirt/")
    >>> Garment(photo.image, photo.labels, ["pants"], name="trousers").classes
    (9,)
    """

    image: UInt8Array
    labels: UInt8Array
    wear: str | Sequence[str | int]
    densepose: UInt8Array | None = None
    name: str = "garment"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "image", check_image(self.image, f"{self.name}: image"))
        object.__setattr__(self, "labels", check_labels(self.labels, f"{self.name}: labels"))
        _check_sizes(self.name, self.image, labels=self.labels)
        if self.densepose is not None:
            object.__setattr__(self, "densepose", check_densepose(self.densepose, f"{self.name}: densepose"))
            _check_sizes(self.name, self.image, densepose=self.densepose)
        object.__setattr__(self, "wear", self._present(self._parse_wear()))

    @classmethod
    def open(cls, path: Path | str, wear: str, *, who: Who = LARGEST, preparer: Preparer | None = None) -> Self:
        """Read a garment's picture, or a folder like a person's, the body map optional.

        A picture shows somebody who wears it, a cut-out with transparency, or a product on a plain ground.

        Parameters
        ----------
        path
            The file or the folder.
        wear
            Garment classes to take, comma separated; ``"shoes"`` means both.
        who, preparer
            As for `Person.open`.

        Raises
        ------
        InputError
            When a file cannot be used, a class is unknown, or the picture does not show it.
        """
        classes = parse_garment_classes(wear)  # a wrong name is told before files are read
        if not Path(path).is_file():
            return cls._of(read_person_folder(path), wear)
        photograph = read_photograph(Path(path))
        seen = see_garment(photograph, classes, preparer or shared_preparer(), who, str(path))
        return cls.of(seen, wear)

    @classmethod
    def of(cls, prepared: Prepared, wear: str | Sequence[str | int]) -> Self:
        """Return garments that were seen in a picture."""
        return cls(prepared.image, prepared.labels, wear, prepared.densepose, prepared.name, prepared.notes)

    @classmethod
    def _of(cls, read: PersonFolder, wear: str) -> Self:
        name = str(read.path)
        densepose, notes = check_garment(read.labels, read.densepose, name)
        return cls(read.image, read.labels, wear, densepose, name, (*read.notes, *notes))

    @property
    def classes(self) -> tuple[int, ...]:
        """The ids of the classes taken from this photograph."""
        assert isinstance(self.wear, tuple)
        return self.wear

    @cached_property
    def subject(self) -> Subject | None:
        """Who wears it."""
        return find_subject(self.labels, self.densepose, self.classes)

    def _parse_wear(self) -> str:
        wear = [self.wear] if isinstance(self.wear, str | int) else list(self.wear)
        names = [CLASS_NAMES[c] if isinstance(c, int) and 0 <= c < len(CLASS_NAMES) else str(c) for c in wear]
        if not names:
            raise InputError(f"{self.name}: no class to wear is given; name at least one")
        return ",".join(names)

    def _present(self, wear: str) -> tuple[int, ...]:
        present = set(present_classes(self.labels))
        taken: list[int] = []
        for name in (part.strip() for part in wear.split(",")):
            meant = parse_garment_classes(name)
            found = {c for c in meant if c in present}
            if not found:
                holds = ", ".join(CLASS_NAMES[c] for c in sorted(present))
                called = " or ".join(CLASS_NAMES[c] for c in meant)
                raise InputError(f"{self.name}: no pixel is labelled {called}; its labels hold: {holds}")
            for pair in MIRRORED:  # one of a pair may be hidden
                if found & set(pair) and set(pair) <= set(meant):
                    found |= set(pair)
            taken += [c for c in meant if c in found and c not in taken]
        return tuple(taken)


def open_people(
    person: Path | str,
    garments: Sequence[tuple[str, Path | str]],
    *,
    who: Who = LARGEST,
    preparer: Preparer | None = None,
) -> tuple[Person, list[Garment]]:
    """Read a person and garments side by side, which takes less time than one after another.

    Parameters
    ----------
    person
        The person's photograph or folder; see `Person.open`.
    garments
        Classes to wear, comma separated, and the picture or folder of each garment; see `Garment.open`.
    who
        Which of several people in the person's photograph. Default: the largest.
    preparer
        Sees who is in photographs. Default: the shipped one, loaded at the first photograph.

    Raises
    ------
    InputError
        When one cannot be read, or holds nothing of what is to be worn.
    """
    for classes, _ in garments:
        parse_garment_classes(classes)  # a wrong name is told before files are read
    if not any(Path(path).is_file() for path in (person, *(path for _, path in garments))):
        subject, *photos = read_person_folders([person, *(folder for _, folder in garments)])
        worn = [Garment._of(photo, classes) for photo, (classes, _) in zip(photos, garments, strict=True)]
        return Person._of(subject), worn
    opened = in_parallel(
        partial(Person.open, person, who=who, preparer=preparer),
        *(partial(Garment.open, path, classes, preparer=preparer) for classes, path in garments),
    )
    return opened[0], list(opened[1:])


def parse_wear(text: str) -> tuple[str, Path]:
    """Split ``"CLASS[,CLASS]=FOLDER"``.

    Raises
    ------
    InputError
        When there is no ``=``, or a side is empty.

    Examples
    --------
    >>> classes, folder = parse_wear("upper_clothes,pants=photos/shirt")
    >>> classes, folder.name
    ('upper_clothes,pants', 'shirt')
    """
    classes, separator, folder = text.partition("=")
    if not (separator and classes.strip() and folder.strip()):
        raise InputError(f"--wear {text!r}: allowed: CLASS[,CLASS]=FOLDER, for example upper_clothes=photos/shirt")
    return classes.strip(), Path(folder)


def _check_sizes(name: str, image: UInt8Array, **others: UInt8Array) -> None:
    for what, array in others.items():
        if array.shape[:2] != image.shape[:2]:
            raise InputError(
                f"{name}: {what} is {array.shape[1]}x{array.shape[0]}, but the image is "
                f"{image.shape[1]}x{image.shape[0]}; both must have one size"
            )
