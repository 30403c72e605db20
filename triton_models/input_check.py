"""The input check as a graph of its own, so that a server without Python can tell of values that no shape check sees.

It is written when a repository is, from the manifest alone, so bundles need not hold it. It also passes the source
vector on, and every graph of an ensemble takes it from here. So each request begins with exactly this one step, bad
values stop before anything else is computed, and Triton is spared a deadlock of its own: in 2.51 an ensemble whose
first step fails while a second is still being enqueued locks request and ensemble in opposite orders, for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..bundle.manifest import Manifest, TensorSpec
from ..data.classes import NUM_CLASSES
from .input_flags import BITS
from .onnx_nodes import CheckNodes

NAME = "input_check"
OUTPUT = "input_flags"
SOURCE, CHECKED_SOURCE = "source", "checked_source"


def check_inputs(manifest: Manifest) -> tuple[TensorSpec, ...]:
    """Return the inputs that are checked, of those that a graph of the bundle takes; of pictures only their number."""
    found = {spec.name: spec for graph in manifest.graphs for spec in graph.inputs}
    return tuple(found[name] for name in (*BITS, "garment_images") if name in found)


def check_outputs() -> tuple[TensorSpec, ...]:
    """Return the outputs: flags, int32 `[N, 1]`, and the source vector with what is out of range removed."""
    return (
        TensorSpec(name=OUTPUT, dtype="int32", shape=("N", 1)),
        TensorSpec(name=CHECKED_SOURCE, dtype="int32", shape=("N", NUM_CLASSES)),
    )


def build_check_graph(manifest: Manifest) -> Any:
    """Return the check as an ONNX model; it says the same as `input_flags.flag_inputs`.

    It fails when there are too many or no garment photographs, or not equally many of each kind. Later steps would fail
    too, but two of them at once, which kills Triton 2.51.
    """
    graph = CheckNodes()
    terms = [
        graph.flag(graph.wrong(spec.name), BITS[spec.name]) for spec in check_inputs(manifest) if spec.name in BITS
    ]
    garments = [spec.name for spec in check_inputs(manifest) if spec.name.startswith("garment_")]
    graph.total((*terms, *_zeros_if_counts_fit(graph, garments, manifest.max_garments)), output=OUTPUT)
    graph.node("Where", graph.wrong(SOURCE), graph.constant(-1), SOURCE, output=CHECKED_SOURCE)
    return graph.model(NAME, check_inputs(manifest), check_outputs())


def _zeros_if_counts_fit(graph: CheckNodes, names: Sequence[str], most: int) -> list[str]:
    """Return zeros; computing them fails unless all inputs have equally many photographs, from 1 to `most`.

    An index out of bounds is the one thing that ONNX refuses by itself. A negative one counts from the end.
    """
    counts = [graph.node("Shape", name, start=1, end=2) for name in names]
    below, above = (graph.node("Sub", counts[0], graph.constant([k], np.int64)) for k in (1, most + 1))
    indices = [(below, most), (above, most)]
    for count in counts[1:]:
        indices.append((graph.node("Abs", graph.node("Sub", count, counts[0])), 1))
    return [graph.node("Gather", graph.constant(np.zeros(size)), index) for index, size in indices]
