"""Which models a repository has, what each takes and gives, and which tensors flow between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..bundle.families import FAMILIES
from ..bundle.manifest import Manifest, TensorSpec
from .input_check import CHECKED_SOURCE, SOURCE, check_inputs, check_outputs
from .input_check import NAME as INPUT_CHECK

PROTOCOL = "1"
"""Version of the wire contract; see docs/serving.md."""

TRY_ON, TRY_ON_OUTFIT, TRY_ON_REFINED = "try_on", "try_on_outfit", "try_on_refined"
FEED_FORWARD, OUTFIT_GENERATOR = "feed_forward", "appearance_generator_outfit"
CHECKED = {SOURCE: CHECKED_SOURCE}
ORDER = tuple(dict.fromkeys(name for family in FAMILIES.values() for name in family.inputs if name != SOURCE))
"""The order in which configurations list what a client brings; what is not among it follows, and last the source."""


@dataclass(frozen=True)
class Step:
    """A model as a step of an ensemble. Tensors of equal names are joined.

    Parameters
    ----------
    model
        Its name.
    inputs, outputs
        Its tensors.
    joined
        The ensemble's name of a tensor of the model, where the two differ.
    """

    model: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    joined: Mapping[str, str] = field(default_factory=dict)

    def outer(self, name: str) -> str:
        """Return the ensemble's name of a tensor."""
        return self.joined.get(name, name)


def graph_steps(manifest: Manifest) -> tuple[Step, ...]:
    """Return the input check and the bundle's graphs, in order: `try_on` where each is a model."""
    graphs = (Step(graph.name, graph.inputs, graph.outputs, CHECKED) for graph in manifest.graphs)
    return (Step(INPUT_CHECK, check_inputs(manifest), check_outputs()), *graphs)


def together(steps: Sequence[Step], results: Sequence[str], prefix: str = "") -> tuple[Step, ...]:
    """Return the one step that does the work of several: `feed_forward`, which runs all graphs in one process.

    Parameters
    ----------
    steps
        The steps.
    results
        What they answer.
    prefix
        Begins that model's names of the tensors, where another ensemble joins others of equal names to it.
    """
    outer = (outer_inputs(steps), outer_outputs(steps, results))
    inputs, outputs = (
        tuple(spec.model_copy(update={"name": prefix + spec.name}) for spec in tensors) for tensors in outer
    )
    joined = {prefix + spec.name: spec.name for tensors in outer for spec in tensors}
    return (Step(FEED_FORWARD, inputs, outputs, joined),)


def models(ensembles: Iterable[Sequence[Step]]) -> tuple[Step, ...]:
    """Return every model of some ensembles once, with all tensors that any of them joins to it."""
    found: dict[str, Step] = {}
    for step in (step for steps in ensembles for step in steps):
        known = found.setdefault(step.model, step)
        inputs = (*known.inputs, *(spec for spec in step.inputs if spec not in known.inputs))
        outputs = (*known.outputs, *(spec for spec in step.outputs if spec not in known.outputs))
        found[step.model] = replace(known, inputs=inputs, outputs=outputs)
    return tuple(found.values())


def outer_inputs(steps: Sequence[Step]) -> tuple[TensorSpec, ...]:
    """Return what no step makes, so that whoever calls the ensemble must bring it."""
    made = {step.outer(spec.name) for step in steps for spec in step.outputs}
    taken = [(step.outer(spec.name), spec) for step in steps for spec in step.inputs]
    needed = {name: spec.model_copy(update={"name": name}) for name, spec in taken if name not in made}
    known = [needed.pop(name) for name in ORDER if name in needed]
    last = [needed.pop(SOURCE)] if SOURCE in needed else []
    return (*known, *needed.values(), *last)


def outer_outputs(steps: Sequence[Step], results: Sequence[str]) -> tuple[TensorSpec, ...]:
    """Return those outputs of the steps that the ensemble answers."""
    made = {step.outer(spec.name): spec for step in steps for spec in step.outputs}
    return tuple(made[name].model_copy(update={"name": name}) for name in results)


def refinement_inputs(manifest: Manifest) -> tuple[TensorSpec, ...]:
    """Return what refinement takes: always with the garments' body maps, which its losses use."""
    inputs = outer_inputs(graph_steps(manifest))
    if any(spec.name == "garment_densepose" for spec in inputs):
        return inputs
    shape = next(spec.shape for spec in inputs if spec.name == "garment_images")
    bodies = TensorSpec(name="garment_densepose", dtype="uint8", shape=shape)
    return (*inputs[:-1], bodies, inputs[-1])
