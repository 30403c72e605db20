"""What a request to refine asks for, in the parameters beside its tensors."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ...data.errors import InputError
from ...runtime.refinement.options import RefinementOptions, TermWeights

OWN = {"steps": int, "time_budget_ms": int, "seed": int, "preview_every": int, "keep_outfit": bool, "options": str}
"""Parameters and their types."""

TRITONS = ("triton_", "sequence_", "binary_data", "priority", "timeout", "headers")
"""How parameters begin that are Triton's own business."""

MORE = {"learning_rate": float, "views": int, "patience": int, "precision": str, "always": bool}
"""Fields of `RefinementOptions` in the parameter ``options``, beside its weights, and their types."""


@dataclass(frozen=True)
class RefinementRequest:
    """What is asked for.

    Parameters
    ----------
    options
        Of the refinement.
    keep_outfit
        Whether the refined weights are to be kept.
    """

    options: RefinementOptions
    keep_outfit: bool = False

    @classmethod
    def of(cls, parameters: str) -> Self:
        """Read a request's parameters, as Triton passes them: a JSON object.

        Raises
        ------
        InputError
            When one is unknown, of a wrong type or out of range.
        """
        given = {k: v for k, v in json.loads(parameters or "{}").items() if not k.startswith(TRITONS)}
        for name, value in given.items():
            if name not in OWN:
                raise InputError(f"parameter {name!r} is unknown; allowed: {', '.join(OWN)}")
            if type(value) is not OWN[name]:
                raise InputError(f"parameter {name}: {value!r} given; allowed: a value of type {OWN[name].__name__}")
        budget = given.get("time_budget_ms")
        values = {name: given[name] for name in ("steps", "seed", "preview_every") if name in given}
        if budget is not None:
            values["time_budget"] = budget / 1000
        values |= _more(given.get("options", "{}"))
        return cls(RefinementOptions(**values), given.get("keep_outfit", False))


def _more(text: str) -> dict[str, Any]:
    """Read parameter ``options``: the further fields of `RefinementOptions`, as a JSON object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"parameter options: not JSON ({error})") from None
    if not isinstance(found, dict):
        raise InputError(f"parameter options: {text[:40]!r} given; allowed: a JSON object")
    weights = found.pop("weights", {})
    _check_types("options", found, MORE)
    if not isinstance(weights, dict):
        raise InputError(f"parameter options: weights {weights!r}; allowed: a JSON object")
    _check_types("options.weights", weights, {field.name: float for field in dataclasses.fields(TermWeights)})
    return {**found, **({"weights": TermWeights(**weights)} if weights else {})}


def _check_types(where: str, given: Mapping[str, Any], allowed: Mapping[str, type]) -> None:
    for name, value in given.items():
        if name not in allowed:
            raise InputError(f"parameter {where}: {name!r} is unknown; allowed: {', '.join([*allowed, 'weights'])}")
        if type(value) is not allowed[name] and not (allowed[name] is float and type(value) is int):
            raise InputError(f"parameter {where}: {name} is {value!r}, which is of a wrong type")
