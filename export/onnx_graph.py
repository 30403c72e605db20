"""Exporting a graph to ONNX whose weights lie in a shared FP16 safetensors file, under their PyTorch names."""

from __future__ import annotations

import io
import json
import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..data.files import atomic_path
from ..data.optional import require

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto
    from torch.export import ExportedProgram

    from ..networks.graphs import GraphSpec

OPSET = 20
CAST_SUFFIX = ".fp32"
"""In the FP32 graph, a weight `w` (stored FP16) is used as `w.fp32`, its cast."""


def export_onnx(
    program: ExportedProgram,
    spec: GraphSpec,
    dynamic_shapes: dict[str, dict[int, Any]],
    path: Path,
    weights: Path,
) -> None:
    """Export one precision of a graph; the precision is the dtype of the program's parameters.

    Parameters
    ----------
    program
        The graph as traced, in FP32 or FP16, with any weights but those that an optimiser could see through. It is not
        changed.
    spec
        Its names and shapes.
    dynamic_shapes
        The dynamic axes by input name that it was traced with; they name the file's axes.
    path
        The ONNX file to write.
    weights
        The safetensors file beside it that holds the parameters, in FP16.

    Raises
    ------
    RuntimeError
        When the exporter lost a parameter's name or a dynamic axis.
    """
    onnx = require("onnx", extra="train", purpose="export")
    require("onnxscript", extra="train", purpose="export")
    names = [tensor.name for tensor in spec.outputs]
    extra = [spec.float_output] if spec.float_output else []
    with _quiet():
        translated = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=OPSET,
            input_names=[tensor.name for tensor in spec.inputs],
            output_names=[*names, *extra],
            dynamic_shapes=dynamic_shapes,
            verbose=False,
            custom_translation_table={torch.ops.aten.div.Tensor_mode: _truncated_division},
        )
    assert translated is not None
    model: ModelProto = translated.model_proto
    del model.graph.output[len(names) :]  # the float form is for autograd only
    for node in model.graph.node:
        del node.metadata_props[:]  # stack traces of the exporting machine
    model.graph.ClearField("value_info")
    if weights.is_file():
        _share_weights(onnx, model, weights)
    check_onnx(onnx, model, spec, [name for name, _ in program.named_parameters()])
    with atomic_path(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))
    onnx.checker.check_model(str(path))


def check_onnx(onnx: Any, model: ModelProto, spec: GraphSpec, parameters: list[str]) -> None:
    """Assert on the model to be saved: every parameter is an initializer of its name, every axis as declared.

    Raises
    ------
    RuntimeError
        Naming what is lost.
    """
    initializers = {tensor.name for tensor in model.graph.initializer}
    lost = [name for name in parameters if name not in initializers]
    if lost:
        raise RuntimeError(f"{spec.name}: the ONNX exporter lost the names of {', '.join(lost)}; refit needs them")
    for side, declared in (("input", spec.inputs), ("output", spec.outputs)):
        for value, tensor in zip(getattr(model.graph, side), declared, strict=True):
            found = [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
            dtype = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name
            if (value.name, dtype, found) != (tensor.name, tensor.dtype, list(tensor.shape)):
                raise RuntimeError(
                    f"{spec.name}: {side} {tensor.name} {tensor.dtype}{list(tensor.shape)} was exported as "
                    f"{value.name} {dtype}{found}"
                )


def _truncated_division(x: Any, divisor: Any, rounding_mode: str | None = None) -> Any:
    """Translate a division of integers that drops the rest; the exporter's own divides in FP32, which rounds."""
    if rounding_mode != "trunc" or not x.dtype.is_integer():
        raise NotImplementedError(
            f"a division of {x.dtype} with rounding_mode={rounding_mode!r}; only integers truncate"
        )
    return require("onnxscript", extra="train", purpose="export").opset20.Div(x, divisor)


def _share_weights(onnx: Any, model: ModelProto, weights: Path) -> None:
    stored = _safetensors_ranges(weights)
    casts = []
    for tensor in model.graph.initializer:
        if tensor.name not in stored:
            continue
        if tensor.data_type == onnx.TensorProto.FLOAT:
            _rename_uses(model, tensor.name, tensor.name + CAST_SUFFIX)
            casts.append(
                onnx.helper.make_node(
                    "Cast",
                    [tensor.name],
                    [tensor.name + CAST_SUFFIX],
                    to=onnx.TensorProto.FLOAT,
                    name=f"{tensor.name}.cast",
                )
            )
        _point_to(onnx, tensor, weights.name, *stored[tensor.name])
    body = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *body])


def _safetensors_ranges(path: Path) -> dict[str, tuple[int, int]]:
    """Return offset and length of every tensor in a safetensors file."""
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    start = 8 + size
    return {
        name: (start + entry["data_offsets"][0], entry["data_offsets"][1] - entry["data_offsets"][0])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _point_to(onnx: Any, tensor: TensorProto, file: str, offset: int, length: int) -> None:
    tensor.ClearField("raw_data")
    tensor.data_type = onnx.TensorProto.FLOAT16
    tensor.data_location = onnx.TensorProto.EXTERNAL
    del tensor.external_data[:]
    for key, value in (("location", file), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))


def _rename_uses(model: ModelProto, old: str, new: str) -> None:
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's chatter: torchvision's absence, its own deprecations, its progress lines."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
