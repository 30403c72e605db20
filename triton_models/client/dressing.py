"""What a client does itself, before and after the server: the same steps on photographs as in process."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...data.classes import present_classes
from ...data.errors import InputError
from ...runtime.dressing import Look
from ...runtime.notes import missing_body_maps, refinement_notes, untrained_notes
from ...runtime.outfit import Outfit, plan_outfit
from ...runtime.person import Garment, Person
from ...runtime.photographs import build_request, photo_box, restore_result
from ...runtime.report import RefinementReport, TryOnReport
from .garment_codes import GarmentCodes, codes_inputs
from .served_model import ServedModel
from .tensors import Array

Wearables = Garment | GarmentCodes | Sequence[Garment | GarmentCodes]
"""One garment or several, each as photograph or as codes."""


@dataclass
class Dressing:
    """One try-on on its way through a server.

    Parameters
    ----------
    person, garments, outfit
        The request.
    stages
        Milliseconds by stage.
    """

    person: Person
    garments: list[Garment | GarmentCodes]
    outfit: Outfit
    stages: dict[str, float] = field(default_factory=dict)

    @classmethod
    def plan(cls, person: Person, garments: Wearables, remove: str | Iterable[str]) -> Dressing:
        """Plan the outfit.

        Raises
        ------
        InputError
            When it contradicts itself.
        """
        garments = [garments] if isinstance(garments, Garment | GarmentCodes) else list(garments)
        removed = [remove] if isinstance(remove, str) else remove
        return cls(person, garments, plan_outfit(garments, removed, owned=present_classes(person.labels)))

    @property
    def is_coded(self) -> bool:
        """Whether a garment is its codes; then all have to be."""
        return any(isinstance(garment, GarmentCodes) for garment in self.garments)

    def photographs(self, what: str) -> list[Garment]:
        """Return the garments, all of which must be photographs.

        Raises
        ------
        InputError
            When one is its codes.
        """
        for garment in self.garments:
            if isinstance(garment, GarmentCodes):
                raise InputError(
                    f"{garment.name}: {what} needs the garment's photograph, not its codes; give a Garment"
                )
        return [garment for garment in self.garments if isinstance(garment, Garment)]

    def inputs(self, model: ServedModel, *, every: bool = False) -> dict[str, Array]:
        """Fit the photographs to the served network; `every` keeps inputs that `try_on` does not take."""
        started = time.perf_counter()
        garments = self.photographs("this request")
        built = build_request(self.person, garments, self.outfit, model.bundle.height, model.bundle.width)
        self.stages["fit"] = _milliseconds(started)
        return {name: array for name, array in built.items() if every or name in model.inputs}

    def codes_inputs(self, model: ServedModel, codes: Sequence[GarmentCodes]) -> dict[str, Array]:
        """Fit the person's photograph to the served network, and lay the garments' codes beside it."""
        started = time.perf_counter()
        built = build_request(self.person, [], self.outfit, model.bundle.height, model.bundle.width)
        person = {name: array for name, array in built.items() if not name.startswith("garment_")}
        self.stages["fit"] = _milliseconds(started)
        return {**person, **codes_inputs(codes, model)}

    def look(
        self,
        model: ServedModel,
        outputs: Mapping[str, Array],
        notes: Sequence[str] = (),
        refinement: RefinementReport | None = None,
    ) -> Look:
        """Bring the frame back into the photograph, and report."""
        started = time.perf_counter()
        box = photo_box(self.person, model.bundle.height, model.bundle.width)
        source = self.outfit.source
        image, labels = restore_result(outputs["image"][0], outputs["labels"][0], self.person, source, box)
        self.stages["restore"] = _milliseconds(started)
        report = TryOnReport(
            engine=model.engine,
            bundle=model.bundle,
            source=self.outfit.described(),
            stages_ms={name: round(ms, 3) for name, ms in self.stages.items()},
            total_ms=round(sum(self.stages.values()), 3),
            changed_share=round(float((image != self.person.image).any(axis=-1).mean()), 4),
            notes=(
                *self.outfit.notes,
                *notes,
                *missing_body_maps(
                    [g for g in self.garments if isinstance(g, Garment)],
                    model.conditioning,
                    model.inputs,
                    codes=[g.name for g in self.garments if isinstance(g, GarmentCodes)],
                ),
                *refinement_notes(refinement),
                *model.notes,
                *untrained_notes(model.bundle.trained),
            ),
            refinement=refinement,
        )
        return Look(image, labels, report)


@dataclass
class Stopwatch:
    """Times the server's stage of a dressing."""

    dressing: Dressing
    stage: str
    started: float = field(default_factory=time.perf_counter)

    def stop(self) -> None:
        """Note the time since it was made."""
        self.dressing.stages[self.stage] = _milliseconds(self.started)


def check_outfit_id(outfit: str) -> Array:
    """Return an outfit's id as the server takes it, BYTES `[1, 1]`.

    Raises
    ------
    InputError
        When it is none.
    """
    if not (len(outfit) == 32 and set(outfit) <= set("0123456789abcdef")):
        raise InputError(f"outfit {outfit!r}: allowed: the id of 32 hexadecimal digits that a refinement gave")
    array = np.empty((1, 1), object)
    array[0, 0] = outfit.encode()
    return array


def _milliseconds(started: float) -> float:
    return (time.perf_counter() - started) * 1000
