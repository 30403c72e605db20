"""Small ONNX graphs, written node by node: what a server without Python computes beside the bundle's own graphs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..bundle.manifest import TensorSpec
from ..data.optional import require
from .input_flags import LARGEST

OPSET = 20
PURPOSE = "the checks of a native repository"


class OnnxNodes:
    """Collects nodes; every method that makes one returns the name of its output."""

    def __init__(self) -> None:
        self.helper = require("onnx", extra="serve", purpose=PURPOSE).helper
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def node(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Append a node with one output."""
        name = output or f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(self.helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, value: Any, dtype: Any = np.int32) -> str:
        """Append a constant."""
        name = f"constant_{len(self._constants)}"
        numpy_helper = require("onnx.numpy_helper", extra="serve", purpose=PURPOSE)
        self._constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def cast(self, name: str, dtype: str = "int32", output: str | None = None) -> str:
        """Change a tensor's dtype."""
        kind = self.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.node("Cast", name, output=output, to=kind)

    def model(self, name: str, inputs: Iterable[TensorSpec], outputs: Iterable[TensorSpec]) -> Any:
        """Return the checked ONNX model."""
        tensors = ([*map(self._tensor, inputs)], [*map(self._tensor, outputs)])
        model = self.helper.make_model(
            self.helper.make_graph(self._nodes, name, *tensors, self._constants),
            opset_imports=[self.helper.make_opsetid("", OPSET)],
            ir_version=9,
            producer_name="oviton",
        )
        require("onnx", extra="serve", purpose=PURPOSE).checker.check_model(model, full_check=True)
        return model

    def _tensor(self, spec: TensorSpec) -> Any:
        dtype = self.helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
        return self.helper.make_tensor_value_info(spec.name, dtype, list(spec.shape))


class CheckNodes(OnnxNodes):
    """Nodes that find values out of range."""

    def wrong(self, name: str) -> str:
        """Return where an input of `input_flags.BITS` is out of range; a source, beyond the photographs."""
        # uint8 is cast before anything else: TensorRT knows no other operation on it.
        values = self.cast(name)
        if name == "source":
            return self.beyond(name, "garment_labels")
        if name.endswith("densepose"):
            last = self.constant([-1], np.int64)
            values = self.node("Slice", values, self.constant([0], np.int64), self.constant([1], np.int64), last)
        return self.node("Greater", values, self.constant(LARGEST[name]))

    def beyond(self, source: str, garments: str) -> str:
        """Return where a source is below -1 or above the number of photographs in the tensor `garments`."""
        most = self.cast(self.node("Shape", garments, start=1, end=2))
        return self.node("Or", self.node("Less", source, self.constant(-1)), self.node("Greater", source, most))

    def flag(self, wrong: str, bit: int) -> str:
        """Return the bit of each request in which something is wrong, int32 `[N, 1]`."""
        bits = self.node("Where", wrong, self.constant(bit), self.constant(0))
        flat = self.node("Reshape", bits, self.constant([0, -1], np.int64))
        return self.node("ReduceMax", flat, self.constant([1], np.int64), keepdims=1)

    def total(self, terms: Sequence[str], output: str) -> str:
        """Add terms up."""
        total = terms[0]
        for term in terms[1:]:
            total = self.node("Add", total, term)
        return self.node("Identity", total, output=output)
