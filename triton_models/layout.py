"""Which models a repository has, what each takes and gives, and which tensors flow between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..data.classes import NUM_CLASSES
from ..export.manifest import Manifest, TensorSpec
from .input_check import CHECKED_SOURCE, OUTPUT, SOURCE, check_inputs, check_outputs
from .input_check import NAME as INPUT_CHECK

TRY_ON, TRY_ON_OUTFIT, TRY_ON_REFINED = "try_on", "try_on_outfit", "try_on_refined"
OUTFIT_GENERATOR = "appearance_generator_outfit"
PASSED_SOURCE = "passed_source"
RESULTS = ("image", "labels")
CHECKED = {SOURCE: CHECKED_SOURCE}


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


def graph_steps(manifest: Manifest, *, in_a_row: bool = False) -> tuple[Step, ...]:
    """Return the input check and the bundle's graphs, in order.

    Parameters
    ----------
    manifest
        Of the bundle.
    in_a_row
        Let the appearance encoder wait for the shape generator, which passes the source vector on to it. Then one step
        of a request runs at a time: Triton 2.51 dies when two of them fail together, as cancelled ones may.
    """
    steps = {graph.name: Step(graph.name, graph.inputs, graph.outputs, CHECKED) for graph in manifest.graphs}
    if in_a_row:
        steps["shape_generator"] = before = pass_on(steps["shape_generator"])
        waiting = steps["appearance_encoder"]
        steps["appearance_encoder"] = replace(waiting, joined={SOURCE: passed_on(before)})
    return (Step(INPUT_CHECK, check_inputs(manifest), check_outputs()), *steps.values())


def pass_on(step: Step) -> Step:
    """Let a model of the Python backend hand its source vector on, so that the next step can wait for it."""
    passed = TensorSpec(name=PASSED_SOURCE, dtype="int32", shape=("N", NUM_CLASSES))
    return replace(
        step, outputs=(*step.outputs, passed), joined={**step.joined, PASSED_SOURCE: f"source_after_{step.model}"}
    )


def passed_on(step: Step) -> str:
    """Return the ensemble's name of the source vector that a step hands on."""
    return step.outer(PASSED_SOURCE)


def models(ensembles: Iterable[Sequence[Step]]) -> tuple[Step, ...]:
    """Return every model of some ensembles once, with all outputs that any of them asks of it."""
    found: dict[str, Step] = {}
    for step in (step for steps in ensembles for step in steps):
        known = found.setdefault(step.model, step)
        more = tuple(spec for spec in step.outputs if spec not in known.outputs)
        found[step.model] = replace(known, outputs=(*known.outputs, *more))
    return tuple(found.values())


def outer_inputs(steps: Sequence[Step]) -> tuple[TensorSpec, ...]:
    """Return what no step makes, so that whoever calls the ensemble must bring it."""
    made = {step.outer(spec.name) for step in steps for spec in step.outputs}
    order = ("person_image", "person_labels", "densepose", "garment_images", "garment_labels", "garment_densepose")
    taken = [(step.outer(spec.name), spec) for step in steps for spec in step.inputs]
    needed = {name: spec.model_copy(update={"name": name}) for name, spec in taken if name not in made}
    known = [needed.pop(name) for name in order if name in needed]
    last = [needed.pop(SOURCE)] if SOURCE in needed else []
    return (*known, *needed.values(), *last)


def outer_outputs(steps: Sequence[Step], results: Sequence[str] = (*RESULTS, OUTPUT)) -> tuple[TensorSpec, ...]:
    """Return what the ensemble answers; by default picture, labels and input flags."""
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
