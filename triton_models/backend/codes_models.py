"""The small models around garments as codes, over NumPy; bad values are refused, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...data.errors import InputError
from ...export.manifest import MAX_BATCH
from ..codes import APPEARANCE_CODES, CLASSES, SHAPE_CODES
from ..codes_rules import check_codes, check_garment, merge_codes
from ..input_check import OUTPUT, SOURCE
from ..input_flags import describe
from .answers import Arrays, answer


class _StatelessModel:
    def initialize(self, args: Mapping[str, Any]) -> None:
        """Need nothing."""

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer each request by itself."""
        return [answer(request, self.run) for request in requests]

    def finalize(self) -> None:
        """Hold nothing."""

    def run(self, inputs: Arrays) -> Arrays:
        raise NotImplementedError


class GarmentCheckModel(_StatelessModel):
    """What Triton calls for the model `garment_check`."""

    def run(self, inputs: Arrays) -> Arrays:
        """Prepare a garment photograph for the encoders."""
        return _without_flags(check_garment(inputs))


class CodesCheckModel(_StatelessModel):
    """What Triton calls for the model `codes_check`."""

    def run(self, inputs: Arrays) -> Arrays:
        """Prepare a person for the encoders."""
        garments = inputs[CLASSES].shape[1]
        if not 1 <= garments <= MAX_BATCH:
            raise InputError(f"{garments} garments a request; allowed: 1 to {MAX_BATCH}")
        return _without_flags(check_codes(inputs), garments)


class CodesMergeModel(_StatelessModel):
    """What Triton calls for the model `codes_merge`."""

    def run(self, inputs: Arrays) -> Arrays:
        """Take each class's codes from its source."""
        needed = max(int(inputs[SOURCE].max()), 1)
        for name in (SHAPE_CODES, APPEARANCE_CODES):
            if inputs[name].shape[1] < needed:
                raise InputError(f"{name} holds {inputs[name].shape[1]} garments; source names garment {needed}")
            if not np.isfinite(inputs[name]).all():
                raise InputError(f"{name} holds NaN or infinity; encode the garment again")
        return merge_codes(inputs)


def _without_flags(outputs: Arrays, garments: int | None = None) -> Arrays:
    flags = outputs[OUTPUT]
    if flags.any():
        row = int(np.flatnonzero(flags)[0])
        which = f"request {row} of the batch: " if len(flags) > 1 else ""
        raise InputError(which + describe(int(flags[row, 0]), garments))
    return outputs
