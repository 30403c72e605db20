"""`Preparer`: a photograph → the labels and the body map of one person in it, by the learned person parser."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from ..bundle.bundle import SHIPPED_BUNDLES, Bundle
from ..data.closeable import Closeable
from ..data.errors import InputError
from ..data.images import UInt8Array, check_image
from ..engines.engine_set import EngineSet
from ..engines.loading import Progress
from ..engines.plan_cache import PlanCache
from .adapters.body_maps import BroughtBodyMap
from .adapters.parsers import BroughtParser
from .brought import Scene, map_body, parse
from .choice import LARGEST, Who, choose, nobody
from .looks import Parser, find, look
from .people import Found
from .place import Box

PREPARE_BUNDLE = "prepare"
"""The shipped bundle that prepares photographs."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """What was seen in a photograph.

    Parameters
    ----------
    image
        The photograph, RGB `[H, W, 3]`, uint8.
    labels
        CIHP labels of the chosen person `[H, W]`, uint8; whoever else is there is background.
    densepose
        Their body map `[H, W, 3]`, uint8: part, U and V; None for a garment that nobody wears.
    box
        Left, top, right and bottom of the person, in pixels.
    name
        What messages call the photograph.
    notes
        What a user should know.
    """

    image: UInt8Array
    labels: UInt8Array
    densepose: UInt8Array | None
    box: Box
    name: str = "photograph"
    notes: tuple[str, ...] = ()


class Preparer(Closeable):
    """Turn photographs into what a try-on needs. Make one with `load`; threads may share it.

    Parameters
    ----------
    parser
        What sees a picture, here or on a server.
    size
        Height and width of the pictures that it sees.
    close
        Called when this is closed.
    other_parser, other_body_map
        What sees the chosen person once more, in place of the parser. Default: None, nothing does.

    Examples
    --------
    >>> from oviton.data.images import read_image
    >>> photograph = read_image("person/image.png")
    >>> with Preparer.load(engine="onnxruntime") as prepare:
    ...     prepared = prepare(photograph)
    >>> prepared.labels.shape, prepared.densepose.shape
    ((512, 256), (512, 256, 3))
    """

    def __init__(
        self,
        parser: Parser,
        size: tuple[int, int],
        close: Callable[[], None],
        *,
        other_parser: BroughtParser | None = None,
        other_body_map: BroughtBodyMap | None = None,
    ) -> None:
        self._parser, self._size, self._close = parser, size, close
        self._other_parser, self._other_body_map = other_parser, other_body_map

    @classmethod
    def load(
        cls,
        bundle: Path | str | None = None,
        engine: str = "auto",
        precision: str = "auto",
        *,
        cache: PlanCache | None = None,
        on_progress: Progress | None = None,
        threads: int | None = None,
        parser: BroughtParser | None = None,
        body_map: BroughtBodyMap | None = None,
    ) -> Self:
        """Open a bundle of the family ``prepare`` and load its engine.

        Parameters
        ----------
        bundle
            The bundle's folder. Default: the shipped one.
        engine, precision, cache, on_progress, threads
            As for `TryOn.load`.
        parser, body_map
            Models of yours, from `adapters.table.open_parser` and `open_body_map`, which draw the labels and the body
            map of whom the bundle finds. Default: None, the bundle draws them.

        Raises
        ------
        InputError
            When the bundle is unusable or of another family, or engine or precision is unknown.
        EngineError
            When the engine, or for ``"auto"`` any, cannot run here.
        GateError
            When an engine or precision asked for by name disagrees with FP32 on this machine.
        """
        opened = Bundle.open(bundle or SHIPPED_BUNDLES / PREPARE_BUNDLE)
        if opened.manifest.family != PREPARE_BUNDLE:
            raise InputError(
                f"{opened.path}: a bundle of family {opened.manifest.family}; allowed: {PREPARE_BUNDLE}, which sees "
                "photographs"
            )
        engines = EngineSet.load(opened, engine, precision, cache=cache, on_progress=on_progress, threads=threads)

        def see(image: UInt8Array) -> tuple[UInt8Array, UInt8Array, UInt8Array]:
            values = engines.run({"person_image": image[None]})
            return values["labels"][0], values["densepose"][0], values["people"][0]

        size = (opened.manifest.height, opened.manifest.width)
        return cls(see, size, engines.close, other_parser=parser, other_body_map=body_map)

    def people(self, image: UInt8Array) -> list[Found]:
        """Return the people in a photograph, RGB `[H, W, 3]`, the largest first."""
        return find(image, self._parser, self._size)

    def __call__(self, image: UInt8Array, who: Who = LARGEST, name: str = "photograph") -> Prepared:
        """Prepare a photograph.

        Parameters
        ----------
        image
            RGB `[H, W, 3]`, uint8, any size.
        who
            Whom to take: ``"largest"``, ``"left"``, ``"right"``, or a point of the photograph, (x, y), on them.
            Default: the largest.
        name
            What messages call the photograph.

        Raises
        ------
        InputError
            When nobody is there, or not where the point is, or a model that the user brought does not see them.
        """
        image = check_image(image, name)
        people = self.people(image)
        person = choose(people, who, name)
        seen = look(image, person.box, self._parser, self._size)
        labels, densepose = seen.on_photograph((image.shape[0], image.shape[1]))
        if len(people) > 1:  # where the parser's own eyes say somebody else is, whoever it took them for
            others = seen.others_on_photograph(person.box, (image.shape[0], image.shape[1])) > 0
            labels, densepose = (
                np.where(others, np.uint8(0), labels),
                np.where(others[..., None], np.uint8(0), densepose),
            )
        if not labels.any():
            raise nobody(name)
        notes = _notes(people, who, name)
        if self._other_parser or self._other_body_map:
            scene = Scene.of(image, person.box, seen, name)
            if self._other_body_map:
                densepose = map_body(scene, self._other_body_map)
            if self._other_parser:  # after the body map, which tells it left from right
                labels, more = parse(scene, self._other_parser, densepose)
                notes += (*more,)
        return Prepared(image, labels, densepose, person.box, name, notes)

    def close(self) -> None:
        """Give back what the parser holds."""
        self._close()


def _notes(people: Sequence[Found], who: Who, name: str) -> tuple[str, ...]:
    if len(people) < 2 or who != LARGEST:
        return ()
    return (f"{name}: {len(people)} people found, the largest was taken; choose with --person left, right or X,Y",)


def shared_preparer() -> Preparer:
    """Return the shipped preparer, loaded when first asked for and kept until the process ends."""
    with _loading:
        if not _shared:
            _shared.append(Preparer.load())
        return _shared[0]


_loading = threading.Lock()
_shared: list[Preparer] = []
