"""Model configurations: read, changed and written through Triton's own protobuf, as text that a person can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..bundle.manifest import TensorSpec
from ..data.errors import InputError
from ..data.files import atomic_path, check_is_file
from ..data.optional import require

CONFIG_NAME = "config.pbtxt"
VERSION = "1"
"""Every model has one version folder of this name."""

LINE = 118
"""Longest line that a block is joined to."""

Tensor = TensorSpec | tuple[str, str, tuple[int, ...]]
"""A bundle's tensor; or a name, a dtype and sizes without the batch axis."""

_DTYPES = {"uint8": "TYPE_UINT8", "int32": "TYPE_INT32", "float32": "TYPE_FP32", "string": "TYPE_STRING"}


def protobuf() -> Any:
    """Return Triton's `model_config_pb2`."""
    return require("tritonclient.grpc.model_config_pb2", extra="serve", purpose="a model repository")


def read_config(folder: Path) -> Any:
    """Return the `ModelConfig` of a model's folder.

    Raises
    ------
    InputError
        When it is missing or not one.
    """
    path = folder / CONFIG_NAME
    check_is_file(path)
    text_format = require("google.protobuf.text_format", extra="serve", purpose="a model repository")
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), protobuf().ModelConfig())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a model configuration ({error}); write the repository again") from None


def write_config(folder: Path, config: Any, comment: str) -> None:
    """Write a `ModelConfig` as text, led by a comment of one or more lines."""
    text_format = require("google.protobuf.text_format", extra="serve", purpose="a model repository")
    folder.mkdir(parents=True, exist_ok=True)
    text = _compact(text_format.MessageToString(config, use_short_repeated_primitives=True))
    lead = "".join(f"# {line}\n" for line in comment.splitlines())
    with atomic_path(folder / CONFIG_NAME) as temporary:
        temporary.write_text(f"{lead}\n{text}", encoding="utf-8")


def triton_dtype(dtype: str) -> int:
    """Return Triton's data type for a NumPy dtype name (or ``"string"``)."""
    return int(protobuf().DataType.Value(_DTYPES[dtype]))


def add_tensors(field: Any, tensors: Iterable[Tensor]) -> None:
    """Append inputs or outputs to a configuration; N is Triton's batch axis and so left out, M becomes -1."""
    for tensor in tensors:
        name, dtype, dims = _described(tensor)
        field.add(name=name, data_type=triton_dtype(dtype), dims=dims)


def set_parameters(config: Any, values: Mapping[str, str]) -> None:
    """Set string parameters."""
    for name, value in values.items():
        config.parameters[name].string_value = value


def parameters(config: Any) -> dict[str, str]:
    """Return the string parameters."""
    return {name: value.string_value for name, value in config.parameters.items()}


def add_warmup(config: Any, inputs: Iterable[TensorSpec], batch: int, garments: int) -> None:
    """Append a warm-up request of zeros, so that the first real one finds everything allocated."""
    sample = config.model_warmup.add(name=f"{batch} x {garments} garments", batch_size=batch, count=1)
    for spec in inputs:
        dims = [garments if dim < 0 else dim for dim in _dims(spec)]
        sample.inputs[spec.name].data_type = triton_dtype(spec.dtype)
        sample.inputs[spec.name].dims.extend(dims)
        sample.inputs[spec.name].zero_data = True


def check_against(config: Any, inputs: Iterable[Tensor], outputs: Iterable[Tensor]) -> None:
    """Check a configuration's tensors against what the bundle's manifest says.

    Raises
    ------
    InputError
        When a name, type or size differs.
    """
    for kind, field, specs in (("input", config.input, inputs), ("output", config.output, outputs)):
        found = {tensor.name: (tensor.data_type, tuple(tensor.dims)) for tensor in field}
        wanted = {name: (triton_dtype(dtype), dims) for name, dtype, dims in map(_described, specs)}
        for name in sorted(found.keys() | wanted.keys()):
            if found.get(name) != wanted.get(name):
                raise InputError(
                    f"model {config.name}: {kind} {name} is {_told(found.get(name))}, but the bundle has "
                    f"{_told(wanted.get(name))}; write the repository again"
                )


def _compact(text: str) -> str:
    """Put every block that fits on one line there; protobuf spreads a tensor over five."""
    done: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.endswith("{"):
            done.append([line])
        elif line.strip() == "}":
            block = [*done.pop(), line]
            joined = " ".join([block[0], *(part.strip() for part in block[1:])])
            done[-1] += [joined] if len(joined) <= LINE else block
        else:
            done[-1].append(line)
    return "\n".join(done[0]) + "\n"


def _described(tensor: Tensor) -> tuple[str, str, tuple[int, ...]]:
    return tensor if isinstance(tensor, tuple) else (tensor.name, tensor.dtype, _dims(tensor))


def _dims(spec: TensorSpec) -> tuple[int, ...]:
    if spec.shape[0] != "N":
        raise ValueError(f"{spec.name} has no batch axis")
    return tuple(-1 if dim == "M" else int(dim) for dim in spec.shape[1:])


def _told(tensor: tuple[int, tuple[int, ...]] | None) -> str:
    if tensor is None:
        return "missing"
    names = {triton_dtype(dtype): np.dtype(dtype).name for dtype in _DTYPES if dtype != "string"}
    return f"{names.get(tensor[0], 'of another type')}{list(tensor[1])}"
