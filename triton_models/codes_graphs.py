"""The small models around garments as codes, as ONNX graphs for servers without Python: what `codes_rules` says."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..bundle.manifest import Manifest
from ..data.classes import NUM_CLASSES
from . import codes
from .codes import APPEARANCE_CODES, CLASSES, CODES_CHECK, CODES_MERGE, GARMENT_CHECK, SHAPE_CODES, WEAR
from .codes_rules import CODED, IS_GARMENT, MIRROR, SEEN
from .input_check import CHECKED_SOURCE, OUTPUT, SOURCE
from .input_flags import BITS, CODES_BITS
from .onnx_nodes import CheckNodes, OnnxNodes


def build_garment_check(manifest: Manifest) -> Any:
    """Return `codes_rules.check_garment`."""
    graph = CheckNodes()
    wear, garment = graph.cast(WEAR), graph.constant(IS_GARMENT[None], np.bool_)
    person = graph.node("And", graph.node("Greater", wear, graph.constant(0)), graph.node("Not", garment))
    wrong = graph.node("Or", graph.node("Greater", wear, graph.constant(1)), person)
    named = graph.node("Equal", wear, graph.constant(1))
    worn = graph.node("And", named, graph.node("Not", wrong))
    flags = [
        graph.flag(graph.wrong("garment_labels"), BITS["garment_labels"]),
        graph.flag(wrong, CODES_BITS[WEAR]),
    ]
    graph.total(flags, output=OUTPUT)
    seen = graph.node("Where", _present(graph, "garment_labels"), graph.constant(SEEN), graph.constant(CODED))
    graph.cast(graph.node("Where", worn, seen, graph.constant(0)), "uint8", output=CLASSES)
    graph.node("Where", worn, graph.constant(1), graph.constant(-1), output="encoded_source")
    first = graph.constant([1], np.int64)
    graph.node("Unsqueeze", "garment_image", first, output="encoded_images")
    graph.node("Unsqueeze", "garment_labels", first, output="encoded_labels")
    size = (manifest.height, manifest.width)
    _blank(graph, "garment_labels", (*size, 3), "blank_image")
    _blank(graph, "garment_labels", size, "blank_labels")
    return graph.model(GARMENT_CHECK, codes.garment_check_inputs(manifest), codes.garment_check_outputs(manifest))


def build_codes_check(manifest: Manifest) -> Any:
    """Return `codes_rules.check_codes`."""
    graph = CheckNodes()
    zero, removed = graph.constant(0), graph.constant(-1)
    beyond = graph.beyond(SOURCE, CLASSES)
    known = graph.node("Where", beyond, removed, SOURCE)
    index = graph.node("Max", graph.node("Sub", known, graph.constant(1)), zero)
    index = graph.node("Unsqueeze", graph.cast(index, "int64"), graph.constant([1], np.int64))
    held = graph.node("GatherElements", graph.cast(CLASSES), index, axis=1)
    held = graph.node("Squeeze", held, graph.constant([1], np.int64))
    lacking = graph.node("And", graph.node("Greater", known, zero), graph.node("Equal", held, zero))
    checked = graph.node("Where", lacking, removed, known, output=CHECKED_SOURCE)
    wrong = {name: graph.wrong(name) for name in ("person_labels", "densepose")} | {SOURCE: beyond}
    flags = [graph.flag(where, BITS[name]) for name, where in wrong.items()]
    graph.total([*flags, graph.flag(lacking, CODES_BITS[CLASSES])], output=OUTPUT)

    worn = graph.node("Greater", checked, zero)
    own = graph.node("And", _present(graph, "person_labels"), graph.node("Equal", checked, zero))
    lent = graph.node("And", worn, graph.node("Equal", held, graph.constant(SEEN)))
    seen = graph.node("Or", lent, own)
    rows, mirror = graph.node("Max", checked, zero), graph.constant(MIRROR, np.int64)
    borrows = graph.node("And", graph.node("Not", seen), graph.node("Gather", seen, mirror, axis=1))
    graph.node("Where", borrows, graph.node("Gather", rows, mirror, axis=1), rows, output="code_rows")
    graph.node("Where", worn, removed, checked, output="person_source")
    size = (manifest.height, manifest.width)
    _blank(graph, "person_labels", (1, *size, 3), "blank_images")
    _blank(graph, "person_labels", (1, *size), "blank_labels")
    for spec in codes.unseen_inputs(manifest):
        _blank(graph, CLASSES, spec.shape[2:], spec.name, dims=2)
    return graph.model(CODES_CHECK, codes.codes_check_inputs(manifest), codes.codes_check_outputs(manifest))


def build_codes_merge(manifest: Manifest) -> Any:
    """Return `codes_rules.merge_codes`. It fails when there are fewer garments than a source says."""
    graph = OnnxNodes()
    sources = graph.node("Max", SOURCE, graph.constant(0))
    for name, garments, rows in (
        ("shape_codes", SHAPE_CODES, sources),
        ("appearance_codes", APPEARANCE_CODES, "code_rows"),
    ):
        person = graph.node("Unsqueeze", f"person_{name}", graph.constant([1], np.int64))
        every = graph.node("Concat", person, garments, axis=1)
        shape = next(spec.shape for spec in codes.merge_outputs(manifest) if spec.name == name)
        index = graph.node(
            "Reshape", graph.cast(rows, "int64"), graph.constant([0, 1, NUM_CLASSES, *[1] * (len(shape) - 2)], np.int64)
        )
        index = graph.node("Expand", index, graph.constant([1, 1, *shape[1:]], np.int64))
        taken = graph.node("GatherElements", every, index, axis=1)
        graph.node("Squeeze", taken, graph.constant([1], np.int64), output=name)
    return graph.model(CODES_MERGE, codes.merge_inputs(manifest), codes.merge_outputs(manifest))


def _present(graph: OnnxNodes, labels: str) -> str:
    """Return which classes have a pixel, bool `[N, 20]`; ids that are none count as background."""
    ids = graph.cast(labels)
    ids = graph.node("Where", graph.node("Less", ids, graph.constant(NUM_CLASSES)), ids, graph.constant(0))
    flat = graph.node("Reshape", ids, graph.constant([0, 1, -1], np.int64))
    equal = graph.node("Equal", flat, graph.constant(np.arange(NUM_CLASSES)[None, :, None]))
    found = graph.node("ReduceMax", graph.cast(equal), graph.constant([2], np.int64), keepdims=0)
    return graph.node("Greater", found, graph.constant(0))


def _blank(graph: OnnxNodes, like: str, shape: tuple[int | str, ...], output: str, dims: int = 1) -> None:
    """Make zeros, of which the first `dims` sizes are those of `like`."""
    count = graph.node("Shape", like, start=0, end=dims)
    size = graph.node("Concat", count, graph.constant(shape, np.int64), axis=0)
    zero = graph.helper.make_tensor("zero", graph.helper.TensorProto.UINT8, [1], [0])
    graph.node("ConstantOfShape", size, output=output, value=zero)
