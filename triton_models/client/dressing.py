"""What a client does itself, before and after the server: the same steps on photographs as in process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ...data.errors import InputError
from ...runtime.dressing import Dressing, Look, worn_by
from ...runtime.notes import missing_body_maps
from ...runtime.outfit import plan_outfit
from ...runtime.person import Garment, Person
from ...runtime.photographs import build_request
from ...runtime.report import RefinementReport
from .garment_codes import GarmentCodes, codes_inputs
from .served_model import ServedModel
from .tensors import Array

Wearables = Garment | GarmentCodes | Sequence[Garment | GarmentCodes]
"""One garment or several, each as photograph or as codes."""


@dataclass
class ServedDressing(Dressing):
    """One try-on on its way through a server, some of whose garments may be their codes.

    Parameters
    ----------
    wearables
        Photographs and codes, in the order in which `outfit` counts them.
    """

    wearables: Sequence[Garment | GarmentCodes] = ()

    @classmethod
    def of(cls, person: Person, wearables: Wearables, remove: str | Iterable[str]) -> Self:
        """Plan the outfit.

        Raises
        ------
        InputError
            When nobody is labelled, or the outfit contradicts itself.
        """
        worn = [wearables] if isinstance(wearables, Garment | GarmentCodes) else list(wearables)
        outfit = plan_outfit(worn, [remove] if isinstance(remove, str) else remove, owned=worn_by(person))
        return cls(person, [each for each in worn if isinstance(each, Garment)], outfit, wearables=worn)

    @property
    def codes(self) -> list[str]:
        """Names of the garments that are worn as codes."""
        return [each.name for each in self.wearables if isinstance(each, GarmentCodes)]

    def require_photographs(self, what: str) -> None:
        """Refuse garments that are codes where photographs are needed.

        Raises
        ------
        InputError
            Naming the garment and `what` needs its photograph.
        """
        for name in self.codes:
            raise InputError(f"{name}: {what} needs the garment's photograph, not its codes; give a Garment")

    def codes_arrays(self, model: ServedModel, codes: Sequence[GarmentCodes]) -> dict[str, Array]:
        """Fit the person's photograph to the served network, and lay all garments' codes beside it."""
        with self.clock.stage("fit"):
            built = build_request(self.person, [], self.outfit, model.bundle.height, model.bundle.width)
        person = {name: array for name, array in built.items() if not name.startswith("garment_")}
        return {**person, **codes_inputs(codes, model)}

    def served_look(
        self,
        model: ServedModel,
        outputs: Mapping[str, Array],
        notes: Sequence[str] = (),
        refinement: RefinementReport | None = None,
    ) -> Look:
        """Return what `look` does, with what is to be said of garments that are codes."""
        told = missing_body_maps([], model.conditioning, model.inputs, codes=self.codes)
        return self.look(model, outputs, [*notes, *told], refinement)


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
