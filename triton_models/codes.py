"""Garments as codes: a garment is encoded once, a catalogue for good, and worn from a few hundred numbers.

Two more ensembles over the bundle's own graphs. `garment_encoder` runs the encoders on a garment photograph alone;
`try_on_codes` runs them on the person alone, and a merge takes each class's codes from where `source` says. A class is
encoded by itself, so these are the codes of the joint call, bit for bit. Only appearance codes look at a second class:
one that is not in its photograph borrows, skin from skin and a shoe from the other shoe. Skin is never a garment's, and
for a shoe the photograph that lends has been asked to lend already, in its own run.

A shape generator that sees where garments cover the body gets blank photographs in which nobody is found: it draws
what it would draw of garments without body maps.
"""

from __future__ import annotations

from ..bundle.manifest import Manifest, TensorSpec
from ..data.classes import NUM_CLASSES
from ..data.errors import InputError
from .input_check import CHECKED_SOURCE, OUTPUT, SOURCE
from .layout import Step

GARMENT_ENCODER, TRY_ON_CODES = "garment_encoder", "try_on_codes"
GARMENT_CHECK, CODES_CHECK, CODES_MERGE = "garment_check", "codes_check", "codes_merge"
CODES_MODELS = (GARMENT_CHECK, CODES_CHECK, CODES_MERGE)
SHAPE_CODES, APPEARANCE_CODES, CLASSES = "garment_shape_codes", "garment_appearance_codes", "garment_classes"
CODES = (SHAPE_CODES, APPEARANCE_CODES, CLASSES)
"""What a garment is: `[N, 20, Ds, 8, 4]` and `[N, 20, Dt]`, float32, and `[N, 20]`, uint8: see `CODED`."""

CODED, SEEN = 1, 2
"""In `garment_classes`: a code of a class that is not in the photograph, and one of a class that is; 0 is no code."""

WEAR = "wear"
ENCODER_PREFIX = "encoder_"
"""Begins the names of `garment_encoder`'s tensors where one model serves both ensembles."""


UNSEEN = {"places": "unseen_places", "garment_labels": "unseen_labels"}
"""What a shape generator may look garments up in, and what it gets instead where they are codes."""


def codes_objection(manifest: Manifest) -> str:
    """Say why a bundle's garments cannot be codes; empty when they can."""
    for graph in manifest.graphs:
        taken = [spec.name for spec in graph.inputs if spec.name.startswith("garment_")]
        if graph.name in manifest.steps.optional or (graph.name == "shape_generator" and set(taken) <= {*UNSEEN}):
            continue  # a garment without a body map is found nowhere either
        if graph.name not in manifest.steps.encoders and taken:
            return (
                f"graph {graph.name} of bundle {manifest.name} needs the garments' {', '.join(taken)} too; choose a "
                "bundle whose generators take codes alone, or leave --codes away"
            )
    return ""


def check_codes_can_be(manifest: Manifest) -> None:
    """Refuse a bundle whose generators need more of a garment than its codes.

    Raises
    ------
    InputError
        Naming the graph and what it needs.
    """
    manifest.steps.require("garments as codes")
    objection = codes_objection(manifest)
    if objection:
        raise InputError(f"garments cannot be served as codes: {objection}")


def encoder_steps(manifest: Manifest) -> tuple[Step, ...]:
    """Return the steps of `garment_encoder` where each graph is a model."""
    photograph = {"garment_images": "encoded_images", "garment_labels": "encoded_labels", SOURCE: "encoded_source"}
    blank = {"person_image": "blank_image", "person_labels": "blank_labels"}
    check = Step(GARMENT_CHECK, garment_check_inputs(manifest), garment_check_outputs(manifest))
    return (check, *_encoders(manifest, {**photograph, **blank}, "garment_"))


def codes_steps(manifest: Manifest) -> tuple[Step, ...]:
    """Return the steps of `try_on_codes` where each graph is a model."""
    blank = {"garment_images": "blank_images", "garment_labels": "blank_labels", SOURCE: "person_source"}
    checked = {SOURCE: CHECKED_SOURCE}
    without = {*manifest.steps.encoders, *manifest.steps.optional}
    rest = [graph for graph in manifest.graphs if graph.name not in without]
    return (
        Step(CODES_CHECK, codes_check_inputs(manifest), codes_check_outputs(manifest)),
        *_encoders(manifest, blank, "person_"),
        Step(CODES_MERGE, merge_inputs(manifest), merge_outputs(manifest), checked),
        *(Step(graph.name, graph.inputs, graph.outputs, {**checked, **UNSEEN}) for graph in rest),
    )


def unseen_inputs(manifest: Manifest) -> tuple[TensorSpec, ...]:
    """Return what the shape generator looks garments up in, under the names of the blanks that it gets instead."""
    inputs = manifest.graph("shape_generator").inputs
    return tuple(spec.model_copy(update={"name": UNSEEN[spec.name]}) for spec in inputs if spec.name in UNSEEN)


def garment_check_inputs(manifest: Manifest) -> tuple[TensorSpec, ...]:
    """Return a garment photograph and the classes to be worn from it."""
    height, width = manifest.height, manifest.width
    return (
        TensorSpec(name="garment_image", dtype="uint8", shape=("N", height, width, 3)),
        TensorSpec(name="garment_labels", dtype="uint8", shape=("N", height, width)),
        TensorSpec(name=WEAR, dtype="uint8", shape=("N", NUM_CLASSES)),
    )


def garment_check_outputs(manifest: Manifest) -> tuple[TensorSpec, ...]:
    """Return flags and classes, and what the encoders get: the photograph as the one of a blank person."""
    height, width = manifest.height, manifest.width
    return (
        TensorSpec(name=OUTPUT, dtype="int32", shape=("N", 1)),
        TensorSpec(name=CLASSES, dtype="uint8", shape=("N", NUM_CLASSES)),
        TensorSpec(name="encoded_images", dtype="uint8", shape=("N", 1, height, width, 3)),
        TensorSpec(name="encoded_labels", dtype="uint8", shape=("N", 1, height, width)),
        TensorSpec(name="encoded_source", dtype="int32", shape=("N", NUM_CLASSES)),
        TensorSpec(name="blank_image", dtype="uint8", shape=("N", height, width, 3)),
        TensorSpec(name="blank_labels", dtype="uint8", shape=("N", height, width)),
    )


def codes_check_inputs(manifest: Manifest) -> tuple[TensorSpec, ...]:
    """Return the inputs of `try_on_codes` that are checked."""
    found = {spec.name: spec for graph in manifest.graphs for spec in graph.inputs}
    return (
        found["person_labels"],
        found["densepose"],
        TensorSpec(name=CLASSES, dtype="uint8", shape=("N", "M", NUM_CLASSES)),
        found[SOURCE],
    )


def codes_check_outputs(manifest: Manifest) -> tuple[TensorSpec, ...]:
    """Return flags and sources, and what the networks get: the person with blank garment photographs."""
    height, width = manifest.height, manifest.width
    sources = (CHECKED_SOURCE, "person_source", "code_rows")
    return (
        TensorSpec(name=OUTPUT, dtype="int32", shape=("N", 1)),
        *(TensorSpec(name=name, dtype="int32", shape=("N", NUM_CLASSES)) for name in sources),
        TensorSpec(name="blank_images", dtype="uint8", shape=("N", 1, height, width, 3)),
        TensorSpec(name="blank_labels", dtype="uint8", shape=("N", 1, height, width)),
        *unseen_inputs(manifest),
    )


def merge_inputs(manifest: Manifest) -> tuple[TensorSpec, ...]:
    """Return the person's and the garments' codes, and where each class's are taken from."""
    shape, appearance = (manifest.graph(name).outputs[0] for name in manifest.steps.encoders)
    source = TensorSpec(name=SOURCE, dtype="int32", shape=("N", NUM_CLASSES))
    return (
        shape.model_copy(update={"name": "person_shape_codes"}),
        appearance.model_copy(update={"name": "person_appearance_codes"}),
        shape.model_copy(update={"name": SHAPE_CODES, "shape": ("N", "M", *shape.shape[1:])}),
        appearance.model_copy(update={"name": APPEARANCE_CODES, "shape": ("N", "M", *appearance.shape[1:])}),
        source,
        source.model_copy(update={"name": "code_rows"}),
    )


def merge_outputs(manifest: Manifest) -> tuple[TensorSpec, ...]:
    """Return the outfit's codes, which the generators take."""
    return tuple(manifest.graph(name).outputs[0] for name in manifest.steps.encoders)


def _encoders(manifest: Manifest, joined: dict[str, str], prefix: str) -> list[Step]:
    """Return both encoders as steps; what they make is named with a prefix."""
    graphs = [manifest.graph(name) for name in manifest.steps.encoders]
    outputs = {spec.name: prefix + spec.name for graph in graphs for spec in graph.outputs}
    return [Step(graph.name, graph.inputs, graph.outputs, {**joined, **outputs}) for graph in graphs]
