"""The input check: a small graph by which a server without Python tells of values that no shape check sees.

See `small_graphs.build_check_graph`.
"""

from __future__ import annotations

from ..bundle.manifest import Manifest, TensorSpec
from ..data.classes import NUM_CLASSES
from .input_flags import BITS

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
