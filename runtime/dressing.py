"""One try-on on its way: from a request to the graphs' arrays, and from their result to a look with its report.

In process and at a client of a server the same steps are taken around the graphs; only what runs the graphs differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..bundle.families import Arrays
from ..data.classes import present_classes
from ..data.errors import InputError
from ..data.images import UInt8Array
from .framed_photo import FramedPhoto
from .notes import (
    UNCHANGED_NOTE,
    company_notes,
    missing_body_maps,
    out_of_sight,
    refinement_notes,
    scraps,
    untrained_notes,
)
from .outfit import OWN, Outfit, plan_outfit
from .person import Garment, Person
from .photographs import build_request, differs, restore_result
from .report import RefinementReport, Setting, TryOnReport
from .stage_clock import StageClock


@dataclass(frozen=True, eq=False)
class TryOnRequest:
    """Who is to wear what.

    Parameters
    ----------
    person
        The person to dress.
    garments
        The photographs of what to wear, each with the classes taken from it; one alone needs no list.
    remove
        Names of garment classes to take off, comma separated or one by one. Default: none.

    Examples
    --------
    >>> shirt = Garment.open("shirt/", wear="upper_clothes")
    >>> request = TryOnRequest(Person.open("person/"), shirt, remove="hat")
    """

    person: Person
    garments: Garment | Sequence[Garment]
    remove: str | Iterable[str] = ()


@dataclass(frozen=True)
class Look:
    """The result of a try-on.

    Parameters
    ----------
    image
        RGB `[H, W, 3]`, uint8, at the photograph's own size.
    labels
        The new segmentation `[H, W]`, uint8.
    report
        Engine, timings and notes.
    weights
        The refined appearance generator's weights by PyTorch name, float32; None without an accepted refinement.

    Examples
    --------
    >>> with TryOn.load(engine="onnxruntime") as tryon:
    ...     look = tryon(Person.open("person/"), Garment.open("shirt/", wear="upper_clothes"))
    >>> look.image.shape, look.labels.shape
    ((512, 256, 3), (512, 256))
    >>> look.report.engine.name, look.report.source
    ('onnxruntime', {'upper_clothes': 1, 'dress': -1})
    """

    image: UInt8Array
    labels: UInt8Array
    report: TryOnReport
    weights: Mapping[str, npt.NDArray[np.float32]] | None = None


@dataclass
class Dressing:
    """A request whose outfit is planned, and the clock that times it.

    Parameters
    ----------
    person
        The person to dress.
    garments
        Photographs of what to wear, in the order in which `outfit` counts them.
    outfit
        Where each class of the result comes from.
    clock
        Times the stages. Default: a new one.
    """

    person: Person
    garments: Sequence[Garment]
    outfit: Outfit
    clock: StageClock = field(default_factory=StageClock)

    @classmethod
    def plan(cls, request: TryOnRequest) -> Self:
        """Plan the outfit of a request.

        Raises
        ------
        InputError
            When nobody is labelled, or the outfit contradicts itself.
        """
        garments = [request.garments] if isinstance(request.garments, Garment) else list(request.garments)
        removed = [request.remove] if isinstance(request.remove, str) else request.remove
        outfit = plan_outfit(garments, removed, owned=worn_by(request.person))
        return cls(request.person, garments, outfit)

    def arrays(self, setting: Setting) -> Arrays:
        """Fit the photographs to the networks' frame: every tensor that a request brings, N = 1."""
        with self.clock.stage("fit"):
            return build_request(self.person, self.garments, self.outfit, setting.bundle.height, setting.bundle.width)

    def look(
        self,
        setting: Setting,
        values: Mapping[str, Any],
        notes: Sequence[str] = (),
        refinement: RefinementReport | None = None,
        weights: Mapping[str, npt.NDArray[np.float32]] | None = None,
    ) -> Look:
        """Bring the frame back into the photograph, and report.

        Parameters
        ----------
        setting
            What the graphs ran on.
        values
            Tensors of the result by name, N = 1: ``image`` and ``labels``.
        notes
            What else a user should know. Default: nothing.
        refinement
            What refinement did. Default: None, there was none.
        weights
            The refined weights. Default: None.
        """
        with self.clock.stage("restore"):
            framed = FramedPhoto.of(self.person, setting.bundle.height, setting.bundle.width)
            image, labels = restore_result(values["image"][0], values["labels"][0], framed, self.outfit.source)
        changed = differs(image, self.person.image)
        report = TryOnReport(
            engine=setting.engine,
            bundle=setting.bundle,
            source=self.outfit.described(),
            stages_ms={name: round(ms, 3) for name, ms in self.clock.stages.items()},
            total_ms=round(sum(self.clock.stages.values()), 3),
            changed_share=round(float(changed.mean()), 4),
            notes=(
                *dict.fromkeys((*self.person.notes, *(note for photo in self.garments for note in photo.notes))),
                *self.outfit.notes,
                *self._photograph_notes(framed),
                *([] if changed.any() else [UNCHANGED_NOTE]),
                *notes,
                *missing_body_maps(self.garments, setting.conditioning, setting.inputs),
                *refinement_notes(refinement),
                *setting.notes,
                *untrained_notes(setting.bundle.trained),
            ),
            refinement=refinement,
        )
        return Look(image, labels, report, weights)

    def _photograph_notes(self, framed: FramedPhoto) -> Iterator[str]:
        """Tell what a user may not have expected of the photographs."""
        yield from company_notes(self.person)
        yield from out_of_sight(framed, np.flatnonzero(self.outfit.source > OWN))
        for garment in self.garments:
            yield from company_notes(garment)
            yield from scraps(garment)


def worn_by(person: Person) -> list[int]:
    """Return the classes that a person's labels show of them, and not of others beside them.

    Raises
    ------
    InputError
        When every pixel is background.
    """
    if not person.labels.any():
        raise InputError(
            f"{person.name}: every pixel of its labels is 0 (background), so there is nobody to dress; "
            "allowed: labels that mark a person; check that they belong to this photograph"
        )
    return present_classes(person.labels if person.subject is None else person.subject.alone(person.labels))
