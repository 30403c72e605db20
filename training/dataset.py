"""People on disk as training samples: cached, checked, some held out; what cannot be used is named and skipped."""

from __future__ import annotations

import csv
import hashlib
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..data.classes import GARMENTS, parse_garment_classes
from ..data.errors import InputError
from ..data.images import UInt8Array, read_labels
from ..data.letterbox import Letterbox
from ..data.person_folder import DENSEPOSE_NAMES, holds_person, read_person_folder

K = TypeVar("K")
S = TypeVar("S")

PAIRS_NAME = "pairs.csv"
PAIR_COLUMNS = ("person", "garment", "before", "classes")
SHARED_COLUMN, WHOLE_OUTFIT = "shared", "all"
HELD_OUT_OF = 32
"""One person in this many, by a hash of the name, is held out of training."""


@dataclass(frozen=True)
class Sample:
    """One person at the networks' size.

    Parameters
    ----------
    image
        RGB `[H, W, 3]`, uint8; empty when pictures are not wanted.
    labels
        uint8 `[H, W]`.
    densepose
        Part, U, V, uint8 `[H, W, 3]`; zeros when unknown.
    """

    image: UInt8Array
    labels: UInt8Array
    densepose: UInt8Array


@dataclass(frozen=True)
class Pair:
    """Two people in one outfit.

    Parameters
    ----------
    person, garment
        Names of person folders.
    before
        Labels of `person` in other clothes, relative to the data folder; None when there are none.
    classes
        The classes that the person wears since `before`, and the garment photograph shows.
    shared
        The classes that both wear alike, `classes` among them.
    """

    person: str
    garment: str
    before: str | None
    classes: tuple[int, ...]
    shared: tuple[int, ...]


@dataclass(frozen=True)
class PairSample:
    """The samples of a `Pair`; `before` are labels `[H, W]`, uint8."""

    person: Sample
    garment: Sample
    before: UInt8Array
    classes: tuple[int, ...]
    shared: tuple[int, ...]


class Dataset:
    """The people of a folder.

    Parameters
    ----------
    folder
        Holds one folder a person, and ``pairs.csv`` if there are pairs.
    height, width
        Size of the networks' frame.
    images
        Whether pictures are wanted; labels and body maps always are.
    body_maps
        Whether a person without a body map cannot be used.
    pairs
        Whether to read ``pairs.csv``.
    cache_bytes
        Decoded people kept in memory, at most.
    warn
        Called with one line for everything that cannot be used.

    Raises
    ------
    InputError
        When the folder holds no person, or its list of pairs cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        height: int,
        width: int,
        *,
        images: bool,
        body_maps: bool,
        pairs: bool = False,
        cache_bytes: int = 8 << 30,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.folder = Path(folder)
        self.height, self.width = height, width
        self.images, self.body_maps = images, body_maps
        self.skipped: dict[str, str] = {}
        self._warn = warn
        self._cache: dict[str, Sample | UInt8Array] = {}
        self._room = cache_bytes
        self._lock = threading.Lock()
        self.names = _person_names(self.folder)
        self.people, self.held_out = split(self.names)
        found = self._read_pairs() if pairs else []
        away = set(self.held_out)
        self.pairs = [pair for pair in found if not {pair.person, pair.garment} & away]
        self.held_out_pairs = [pair for pair in found if pair.person in away]
        if pairs and not self.pairs:
            raise InputError(f"{self.folder / PAIRS_NAME}: no usable pair in it; see the warnings, or train without")

    @property
    def fingerprint(self) -> str:
        """What tells this data from other data: how many people, and a hash of their names and pairs."""
        text = "\n".join([*self.names, *map(repr, self.pairs)])
        return f"{len(self.names)} people, {hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def draw(self, rng: np.random.Generator) -> Sample:
        """Return a random person to train on; one that cannot be used is passed over for the next.

        Raises
        ------
        InputError
            When nobody can be used.
        """
        return self._first_usable(self.people, int(rng.integers(len(self.people))), self.person)

    def draw_pair(self, rng: np.random.Generator) -> PairSample:
        """Return a random pair to train on.

        Raises
        ------
        InputError
            When no pair can be used.
        """
        return self._first_usable(self.pairs, int(rng.integers(len(self.pairs))), self.pair)

    def first(self, count: int) -> list[Sample]:
        """Return up to `count` people spread over those to train on.

        Raises
        ------
        InputError
            When nobody can be used.
        """
        step = max(1, len(self.people) // count)
        found = [sample for name in self.people[::step][:count] if (sample := self.person(name)) is not None]
        return found or [self._first_usable(self.people, 0, self.person)]

    def held_out_people(self, count: int) -> list[Sample]:
        """Return up to `count` usable people that training never sees."""
        return _up_to(count, self.held_out, self.person)

    def held_out_outfits(self, count: int) -> list[PairSample]:
        """Return up to `count` usable pairs whose person training never sees."""
        return _up_to(count, self.held_out_pairs, self.pair)

    def person(self, name: str) -> Sample | None:
        """Return a person by name; None, after one warning, when it cannot be used."""
        with self._lock:
            if name in self.skipped:
                return None
            cached = self._cache.get(name)
            if isinstance(cached, Sample):
                return cached
            try:
                sample = self._read_person(self.folder / name)
            except (InputError, OSError) as error:
                self._skip(name, str(error))
                return None
            self._keep(name, sample, sample.image.nbytes + sample.labels.nbytes + sample.densepose.nbytes)
            return sample

    def pair(self, pair: Pair) -> PairSample | None:
        """Return the samples of a pair; None, after a warning, when one of them cannot be used."""
        person, garment = self.person(pair.person), self.person(pair.garment)
        if person is None or garment is None:
            return None
        before = person.labels if pair.before is None else self._before(pair.before)
        return None if before is None else PairSample(person, garment, before, pair.classes, pair.shared)

    def _before(self, name: str) -> UInt8Array | None:
        with self._lock:
            if name in self.skipped:
                return None
            cached = self._cache.get(name)
            if isinstance(cached, np.ndarray):
                return cached
            try:
                labels = read_labels(self.folder / name)
            except (InputError, OSError) as error:
                self._skip(name, str(error))
                return None
            labels = Letterbox.of(labels, self.height, self.width).fit_labels(labels)
            self._keep(name, labels, labels.nbytes)
            return labels

    def _read_person(self, folder: Path) -> Sample:
        person = read_person_folder(folder)
        if person.densepose is None and self.body_maps:
            raise InputError(f"{folder}: no body map found; allowed names: {', '.join(DENSEPOSE_NAMES)}")
        box = Letterbox.of(person.labels, self.height, self.width)
        return Sample(
            box.fit_image(person.image) if self.images else np.zeros((0, 0, 3), np.uint8),
            box.fit_labels(person.labels),
            np.zeros((self.height, self.width, 3), np.uint8)
            if person.densepose is None
            else box.fit_labels(person.densepose),
        )

    def _read_pairs(self) -> list[Pair]:
        path = self.folder / PAIRS_NAME
        try:
            with path.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except FileNotFoundError:
            raise InputError(
                f"{path}: no such file; it lists the same-outfit pairs; or train without --pairs"
            ) from None
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{path}: cannot be read as CSV ({error})") from None
        missing = [column for column in PAIR_COLUMNS[:3] if rows and column not in rows[0]]
        if missing or not rows:
            raise InputError(f"{path}: columns {', '.join(PAIR_COLUMNS)} and a row a pair are expected")
        known, pairs = set(self.names), []
        for line, row in enumerate(rows, start=2):
            where = f"{path.name} line {line}"
            try:
                pairs.append(_parse_pair(row, known))
            except InputError as error:
                self._skip(where, f"{where}: {error}")
        return pairs

    def _first_usable(self, keys: Sequence[K], start: int, read: Callable[[K], S | None]) -> S:
        for offset in range(len(keys)):
            sample = read(keys[(start + offset) % len(keys)])
            if sample is not None:
                return sample
        some = "; ".join(list(self.skipped.values())[:2])
        raise InputError(f"{self.folder}: none of its {len(keys)} samples can be used: {some}")

    def _keep(self, name: str, value: Sample | UInt8Array, size: int) -> None:
        if size <= self._room:
            self._cache[name] = value
            self._room -= size

    def _skip(self, name: str, reason: str) -> None:
        self.skipped[name] = reason
        self._warn(f"skipped: {reason}")


class Datasets:
    """Several folders as one; a sample is from each of them as often.

    Parameters
    ----------
    parts
        The folders' people, at least one.
    """

    def __init__(self, parts: Sequence[Dataset]) -> None:
        self.parts = tuple(parts)
        self.people = [name for part in parts for name in part.people]
        self.held_out = [name for part in parts for name in part.held_out]
        self.pairs = [pair for part in parts for pair in part.pairs]

    @property
    def fingerprint(self) -> str:
        """What tells this data from other data; see `Dataset.fingerprint`."""
        return "; ".join(part.fingerprint for part in self.parts)

    @property
    def skipped(self) -> dict[str, str]:
        """Samples that cannot be used, and why."""
        return {str(part.folder / name): why for part in self.parts for name, why in part.skipped.items()}

    def draw(self, rng: np.random.Generator) -> Sample:
        """Return a random person to train on; see `Dataset.draw`."""
        return self._some(rng).draw(rng)

    def draw_pair(self, rng: np.random.Generator) -> PairSample:
        """Return a random pair to train on; see `Dataset.draw_pair`."""
        return self._some(rng).draw_pair(rng)

    def first(self, count: int) -> list[Sample]:
        """Return up to `count` people of the first folder."""
        return self.parts[0].first(count)

    def held_out_people(self, count: int) -> list[Sample]:
        """Return up to `count` usable people that training never sees."""
        return _in_turns([part.held_out_people(count) for part in self.parts], count)

    def held_out_outfits(self, count: int) -> list[PairSample]:
        """Return up to `count` usable pairs whose person training never sees."""
        return _in_turns([part.held_out_outfits(count) for part in self.parts], count)

    def _some(self, rng: np.random.Generator) -> Dataset:
        return self.parts[int(rng.integers(len(self.parts)))]


def split(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part names into those to train on and those held out, by a hash, so that new people move nobody.

    Both have at least one name, the same one if there is only one.
    """
    by_hash = sorted(names, key=lambda name: zlib.crc32(name.encode()) % HELD_OUT_OF)
    held_out = [name for name in names if zlib.crc32(name.encode()) % HELD_OUT_OF == 0]
    if not held_out or len(held_out) == len(names):
        held_out = by_hash[:1]
    return [name for name in names if name not in set(held_out)] or list(names), held_out


def _person_names(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; it holds one folder a person: image, labels.png, densepose.png")
    names = sorted(
        path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".") and holds_person(path)
    )
    if not names:
        raise InputError(
            f"{folder}: no person found in it; a person is a folder of image.png, labels.png, densepose.png"
        )
    return names


def _parse_pair(row: dict[str, str | None], known: set[str]) -> Pair:
    person, garment, before, classes = ((row.get(column) or "").strip() for column in PAIR_COLUMNS)
    for name in (person, garment):
        if name not in known:
            raise InputError(f"no person is called {name!r}")
    worn = _parse_classes(classes) if classes else GARMENTS
    shared = (row.get(SHARED_COLUMN) or "").strip()
    alike = GARMENTS if shared == WHOLE_OUTFIT else _parse_classes(shared) if shared else ()
    return Pair(person, garment, before or None, worn, tuple(sorted({*worn, *alike})))


def _parse_classes(text: str) -> tuple[int, ...]:
    return parse_garment_classes(text.replace("+", ","))


def _in_turns(lists: Sequence[list[S]], count: int) -> list[S]:
    return [each for turn in zip_longest(*lists) for each in turn if each is not None][:count]


def _up_to(count: int, keys: Sequence[K], read: Callable[[K], S | None]) -> list[S]:
    found: list[S] = []
    for key in keys:
        if len(found) == count:
            break
        sample = read(key)
        if sample is not None:
            found.append(sample)
    return found
