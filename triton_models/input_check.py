"""The input check as a graph of its own, so that a server without Python can tell of values that no shape check sees.

It is written when a repository is, from the manifest alone, so bundles need not hold it. It also passes the source
vector on, and every graph of an ensemble takes it from here. So each request begins with exactly this one step, bad
values stop before anything else is computed, and Triton is spared a deadlock of its own: in 2.51 an ensemble whose
first step fails while a second is still being enqueued locks request and ensemble in opposite orders, for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.classes import NUM_CLASSES
from ..data.optional import require
from ..export.manifest import Manifest, TensorSpec
from .input_flags import BITS, LARGEST

NAME = "input_check"
OUTPUT = "input_flags"
SOURCE, CHECKED_SOURCE = "source", "checked_source"
OPSET = 20


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
    helper = require("onnx", extra="serve", purpose="the input check of a native repository").helper
    graph = _Graph(helper)
    terms = [graph.term(spec) for spec in check_inputs(manifest) if spec.name in BITS]
    garments = [spec.name for spec in check_inputs(manifest) if spec.name.startswith("garment_")]
    total = terms[0]
    for term in (*terms[1:], *graph.zeros_if_counts_fit(garments, manifest.max_garments)):
        total = graph.node("Add", total, term)
    graph.node("Identity", total, output=OUTPUT)
    graph.node("Where", graph.wrong(SOURCE), graph.constant(-1), SOURCE, output=CHECKED_SOURCE)
    tensors = ([*map(graph.tensor, check_inputs(manifest))], [*map(graph.tensor, check_outputs())])
    model = helper.make_model(
        helper.make_graph(graph.nodes, NAME, *tensors, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=9,
        producer_name="oviton",
    )
    require("onnx", purpose="the input check").checker.check_model(model, full_check=True)
    return model


def write_check_graph(manifest: Manifest, path: Path) -> None:
    """Write the check as an ONNX file."""
    path.write_bytes(build_check_graph(manifest).SerializeToString())


class _Graph:
    """Collects nodes; every method returns the name of what it made."""

    def __init__(self, helper: Any) -> None:
        self.helper = helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def term(self, spec: TensorSpec) -> str:
        """Return this input's bit where one of its values is out of range, int32 `[N, 1]`."""
        bits = self.node("Where", self.wrong(spec.name), self.constant(BITS[spec.name]), self.constant(0))
        flat = self.node("Reshape", bits, self.constant([0, -1], np.int64))
        return self.node("ReduceMax", flat, self.constant([1], np.int64), keepdims=1)

    def wrong(self, name: str) -> str:
        """Return where an input is out of range."""
        # uint8 is cast before anything else: TensorRT knows no other operation on it.
        values = self.node("Cast", name, to=self.helper.TensorProto.INT32)
        if name == SOURCE:
            garments = self.node("Shape", "garment_labels", start=1, end=2)
            most = self.node("Cast", garments, to=self.helper.TensorProto.INT32)
            return self.node("Or", self.node("Less", values, self.constant(-1)), self.node("Greater", values, most))
        if name.endswith("densepose"):
            last = self.constant([-1], np.int64)
            values = self.node("Slice", values, self.constant([0], np.int64), self.constant([1], np.int64), last)
        return self.node("Greater", values, self.constant(LARGEST[name]))

    def zeros_if_counts_fit(self, names: Sequence[str], most: int) -> list[str]:
        """Return zeros; computing them fails unless all inputs have equally many photographs, from 1 to `most`.

        An index out of bounds is the one thing that ONNX refuses by itself. A negative one counts from the end.
        """
        counts = [self.node("Shape", name, start=1, end=2) for name in names]
        below, above = (self.node("Sub", counts[0], self.constant([k], np.int64)) for k in (1, most + 1))
        indices = [(below, most), (above, most)]
        for count in counts[1:]:
            indices.append((self.node("Abs", self.node("Sub", count, counts[0])), 1))
        return [self.node("Gather", self.constant(np.zeros(size)), index) for index, size in indices]

    def node(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(self.helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, value: Any, dtype: Any = np.int32) -> str:
        name = f"constant_{len(self.constants)}"
        numpy_helper = require("onnx.numpy_helper", extra="serve", purpose="the input check")
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def tensor(self, spec: TensorSpec) -> Any:
        dtype = self.helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
        return self.helper.make_tensor_value_info(spec.name, dtype, list(spec.shape))
