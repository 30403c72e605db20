"""Which models a repository has, what each takes and gives, and which tensors flow between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..data.classes import NUM_CLASSES
from ..export.manifest import Manifest, TensorSpec
from .input_check import CHECKED_SOURCE, OUTPUT, SOURCE, check_inputs, check_outputs
from .input_check import NAME as INPUT_CHECK

TRY_ON, TRY_ON_OUTFIT, TRY_ON_REFINED = "try_on", "try_on_outfit", "try_on_refined"
OUTFIT_GENERATOR = "appearance_generator_outfit"
PASSED_SOURCE = "passed_source"
RESULTS = ("image", "labels")


@dataclass(frozen=True)
class Step:
    """A model as a step of an ensemble. Tensors of equal names are joined.

    Parameters
    ----------
    model
        Its name.
    inputs, outputs
        Its tensors.
    source
        The ensemble's tensor that its input `source` is joined to.
    """

    model: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    source: str = SOURCE


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
    steps = [Step(INPUT_CHECK, check_inputs(manifest), check_outputs())]
    for graph in manifest.graphs:
        outputs, source = graph.outputs, CHECKED_SOURCE
        if in_a_row and graph.name == "shape_generator":
            outputs = (*outputs, TensorSpec(name=PASSED_SOURCE, dtype="int32", shape=("N", NUM_CLASSES)))
        elif in_a_row and graph.name == "appearance_encoder":
            source = PASSED_SOURCE
        steps.append(Step(graph.name, graph.inputs, outputs, source))
    return tuple(steps)


def outer_inputs(steps: Sequence[Step]) -> tuple[TensorSpec, ...]:
    """Return what no step makes, so that whoever calls the ensemble must bring it."""
    made = {spec.name for step in steps for spec in step.outputs}
    order = ("person_image", "person_labels", "densepose", "garment_images", "garment_labels", "garment_densepose")
    needed = {spec.name: spec for step in steps for spec in step.inputs if spec.name not in made}
    known = [needed.pop(name) for name in order if name in needed]
    return (*known, *needed.values())


def outer_outputs(steps: Sequence[Step]) -> tuple[TensorSpec, ...]:
    """Return what the ensemble answers: picture, labels and input flags."""
    made = {spec.name: spec for step in steps for spec in step.outputs}
    return tuple(made[name] for name in (*RESULTS, OUTPUT))


def refinement_inputs(manifest: Manifest) -> tuple[TensorSpec, ...]:
    """Return what refinement takes: always with the garments' body maps, which its losses use."""
    inputs = outer_inputs(graph_steps(manifest))
    if any(spec.name == "garment_densepose" for spec in inputs):
        return inputs
    shape = next(spec.shape for spec in inputs if spec.name == "garment_images")
    bodies = TensorSpec(name="garment_densepose", dtype="uint8", shape=shape)
    return (*inputs[:-1], bodies, inputs[-1])
