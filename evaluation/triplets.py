"""Evaluation triplets on disk: a person, garment photographs, and what the person looks like in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..data.classes import CLASS_NAMES
from ..data.errors import InputError
from ..data.images import UInt8Array
from ..data.person_folder import read_person_folder
from ..runtime.person import Garment, Person
from .json_file import read_model

TRIPLETS_SCHEMA = 1
INDEX_NAME = "triplets.json"
CASE_NAME = "triplet.json"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
_GARMENT = r"garment_[1-9][0-9]?"

Measures = Literal["worn", "changed"]

MIN_PIXELS = 20
"""A class of fewer pixels is not measured: one pixel more or less would decide."""


@dataclass(frozen=True, eq=False)
class Triplet:
    """A try-on whose right answer is known.

    Parameters
    ----------
    split, name
        Where it belongs; `name` is unique within `split`.
    person
        Who is dressed.
    garments
        In what.
    remove
        Garment classes to take off.
    true_image, true_labels
        The person in that outfit, uint8 `[H, W, 3]` and `[H, W]`, of the person's size.
    textured
        Whether a garment is more than plain.
    fabric
        What the garments' cloth is called, for captions.
    measures
        ``"worn"``: the swapped region is what is worn. ``"changed"``: all that changes, skin and what was worn below
        included.
    """

    split: str
    name: str
    person: Person
    garments: tuple[Garment, ...]
    remove: tuple[str, ...]
    true_image: UInt8Array
    true_labels: UInt8Array
    textured: bool
    fabric: str
    measures: Measures = "worn"

    @classmethod
    def open(cls, folder: Path) -> Triplet:
        """Read `SPLIT/NAME/` with `person/`, `garment_1/` …, `truth/` and `triplet.json`.

        Raises
        ------
        InputError
            When a file is missing or unusable, or nothing of the outfit is visible in the truth.
        """
        case = read_model(folder / CASE_NAME, _CaseFile, "a triplet")
        names = sorted(case.wear, key=lambda name: int(name.rsplit("_", 1)[1]))
        person, truth = Person.open(folder / "person"), read_person_folder(folder / "truth")
        if truth.labels.shape != person.labels.shape:
            (h, w), (ph, pw) = truth.labels.shape, person.labels.shape
            raise InputError(f"{truth.path}: {w}x{h} found, but the person is {pw}x{ph}; both must have one size")
        triplet = cls(
            split=folder.parent.name,
            name=folder.name,
            person=person,
            garments=tuple(Garment.open(folder / name, wear=",".join(case.wear[name])) for name in names),
            remove=tuple(case.remove),
            true_image=truth.image,
            true_labels=truth.labels,
            textured=case.textured,
            fabric=case.fabric,
            measures=case.measures,
        )
        seen = int(triplet.region.sum())
        if seen < MIN_PIXELS:
            worn = ", ".join(CLASS_NAMES[c] for c in triplet.worn)
            what = "change" if case.measures == "changed" else f"are labelled {worn or 'as worn'}"
            raise InputError(f"{truth.path}: {seen} pixels {what}; at least {MIN_PIXELS} are measured")
        return triplet

    @property
    def worn(self) -> tuple[int, ...]:
        """The classes that come from garment photographs."""
        return tuple(sorted({c for garment in self.garments for c in garment.classes}))

    @property
    def region(self) -> npt.NDArray[np.bool_]:
        """The swapped region, `[H, W]`: pixels whose true label is a worn class, or also all others that change."""
        worn = np.isin(self.true_labels, self.worn)
        return worn | (self.true_labels != self.person.labels) if self.measures == "changed" else worn


@dataclass(frozen=True)
class TripletFolder:
    """Where a set of triplets lies, and what it holds.

    Parameters
    ----------
    path
        The set's folder.
    splits
        Folders of triplets by split, in order.
    notes
        What does not agree with the index.
    """

    path: Path
    splits: dict[str, tuple[Path, ...]]
    notes: tuple[str, ...]

    @classmethod
    def open(cls, path: Path, *, splits: Iterable[str] = (), skip: int = 0, limit: int | None = None) -> TripletFolder:
        """Read the index and list the triplets; none of them is read yet.

        Parameters
        ----------
        path
            The folder that `oviton render --triplets` wrote.
        splits
            Splits to use; all when empty.
        skip
            Leave out the first so many triplets of each split.
        limit
            Take so many triplets of each split, after those.

        Raises
        ------
        InputError
            When there is no usable index, a split is unknown, or there is no triplet.
        """
        if not path.is_dir():
            raise InputError(f"{path}: no such folder of triplets; make one with: oviton render --triplets")
        index = read_model(path / INDEX_NAME, _IndexFile, "an index of triplets")
        if index.schema_version > TRIPLETS_SCHEMA:
            raise InputError(
                f"{path / INDEX_NAME}: schema {index.schema_version}; this version reads up to {TRIPLETS_SCHEMA}; "
                "update oviton"
            )
        wanted = tuple(splits) or tuple(index.splits)
        for split in wanted:
            if split not in index.splits:
                raise InputError(f"split {split!r} is not in {path}; allowed: {', '.join(index.splits)}")
        found: dict[str, tuple[Path, ...]] = {}
        notes: list[str] = []
        for split in wanted:
            folder = path / split
            triplets = sorted(p for p in folder.iterdir() if p.is_dir() and p.name[0] != ".") if folder.is_dir() else []
            if len(triplets) != index.splits[split]:
                notes.append(f"{split}: {len(triplets)} triplets found, but {INDEX_NAME} lists {index.splits[split]}")
            found[split] = tuple(triplets[skip:][:limit])
        if not any(found.values()):
            raise InputError(f"{path}: no triplet in {', '.join(wanted) or 'any split'}; render them anew")
        return cls(path, found, tuple(notes))


class _IndexFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    schema_version: int = Field(alias="schema", ge=1)
    splits: dict[Annotated[str, Field(pattern=f"^{_NAME}$")], Annotated[int, Field(ge=0)]]


class _CaseFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    # Folder names come from a file, so they may not lead out of the triplet.
    wear: dict[Annotated[str, Field(pattern=f"^{_GARMENT}$")], Annotated[list[str], Field(min_length=1)]]
    remove: list[str] = []
    textured: bool = False
    fabric: str = ""
    measures: Measures = "worn"

    @model_validator(mode="after")
    def _asks_for_something(self) -> _CaseFile:
        if not self.wear and not self.remove:
            raise ValueError("nothing is worn and nothing removed")
        return self
