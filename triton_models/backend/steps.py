"""The steps of an ensemble in one process: the models that Triton would run, joined as it would join them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...bundle.families import Arrays, Family
from ...bundle.pipeline import Pipeline
from ...data.errors import InputError
from ...data.files import check_is_file
from ...data.optional import require
from ..codes import CLASSES
from ..input_check import OUTPUT
from ..layout import Step, outer_inputs
from .checks import check_flags


class Steps:
    """An ensemble's steps, ready to run.

    Parameters
    ----------
    family
        Whose graphs are among the steps.
    steps
        The steps, in order.
    models
        The runnable models by name.
    """

    def __init__(self, family: Family, steps: Sequence[Step], models: Mapping[str, Any]) -> None:
        joined = {step.model: _Joined(step, models[step.model]) for step in steps}
        self._pipeline, self._order = Pipeline(family, joined), tuple(joined)
        self._needed = frozenset(spec.name for spec in outer_inputs(steps))

    def run(self, inputs: Arrays) -> dict[str, Any]:
        """Return what was given and every tensor that a step made, under the ensemble's names.

        Raises
        ------
        InputError
            When an input is missing, or a small graph finds something wrong.
        """
        demand(self._needed, inputs)
        return self._pipeline.run(inputs, self._order)


class SmallGraph:
    """One of `small_graphs`, run by ONNX Runtime.

    Parameters
    ----------
    path
        Its file, as the repository's builder wrote it.

    Raises
    ------
    InputError
        When there is no such file, or it finds something wrong with a request.
    """

    def __init__(self, path: Path) -> None:
        try:
            check_is_file(path)
        except InputError as error:
            raise InputError(f"{error}; the repository is of an older oviton: write it again") from None
        onnxruntime = require("onnxruntime", purpose="garments as codes")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(path, options)
        self._outputs = [output.name for output in self._session.get_outputs()]

    def __call__(self, **inputs: Any) -> dict[str, Any]:
        """Return its outputs by name."""
        made = dict(zip(self._outputs, self._session.run(self._outputs, inputs), strict=True))
        if OUTPUT in made:
            check_flags(made[OUTPUT], inputs[CLASSES].shape[1] if CLASSES in inputs else 1)
        return made


class _Joined:
    """A step's model under the ensemble's names of its tensors."""

    def __init__(self, step: Step, model: Callable[..., Mapping[str, Any]]) -> None:
        self._step, self._model = step, model
        self._names = {spec.name: step.outer(spec.name) for spec in step.inputs}
        self.inputs = tuple(spec.model_copy(update={"name": step.outer(spec.name)}) for spec in step.inputs)

    def __call__(self, **inputs: Any) -> dict[str, Any]:
        made = self._model(**{name: inputs[outer] for name, outer in self._names.items()})
        return {self._step.outer(name): array for name, array in made.items()}


def demand(needed: Iterable[str], inputs: Arrays) -> None:
    """Refuse a request that leaves an input out; an ensemble never does, a client that goes past it may.

    Raises
    ------
    InputError
        Naming the input.
    """
    missing = sorted(set(needed) - inputs.keys())
    if missing:
        raise InputError(f"input {missing[0]} is missing; call one of the ensembles, which say what they take")
