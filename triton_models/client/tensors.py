"""NumPy arrays to and from Triton's messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.errors import InputError
from .protocol import messages

DATATYPES = {"uint8": "UINT8", "int32": "INT32", "float32": "FP32", "object": "BYTES"}
"""NumPy's dtypes, and Triton's names of them."""

DTYPES = {name: dtype for dtype, name in DATATYPES.items()}

Array = npt.NDArray[Any]
Parameters = Mapping[str, bool | int | str]


def infer_request(
    model: str, inputs: Mapping[str, Array], outputs: Sequence[str] = (), parameters: Parameters | None = None
) -> Any:
    """Return a `ModelInferRequest` whose tensors travel in the message.

    Parameters
    ----------
    model
        Its name.
    inputs
        Arrays by name.
    outputs
        Names; none for all.
    parameters
        Of the request.
    """
    request = describe(model, inputs, outputs, parameters)
    request.raw_input_contents.extend(raw_bytes(array) for array in inputs.values())
    return request


def describe(
    model: str, inputs: Mapping[str, Array], outputs: Sequence[str] = (), parameters: Parameters | None = None
) -> Any:
    """Return a `ModelInferRequest` that names its tensors, without their content.

    Raises
    ------
    InputError
        When an input is no array, or of a dtype that no model takes.
    """
    request = messages().ModelInferRequest(model_name=model)
    for name, array in inputs.items():
        datatype = DATATYPES.get(str(getattr(array, "dtype", "")))
        if datatype is None:
            raise InputError(
                f"input {name} is {getattr(array, 'dtype', type(array).__name__)}; allowed: {', '.join(DATATYPES)}"
            )
        request.inputs.add(name=name, datatype=datatype, shape=array.shape)
    for name in outputs:
        request.outputs.add(name=name)
    for name, value in (parameters or {}).items():
        set_parameter(request.parameters[name], value)
    return request


def set_parameter(parameter: Any, value: bool | int | str) -> None:
    """Write a value into an `InferParameter`."""
    # bool first: it is an int, too.
    kinds = ((bool, "bool_param"), (int, "int64_param"), (str, "string_param"))
    setattr(parameter, next(kind for type_, kind in kinds if isinstance(value, type_)), value)


def raw_bytes(array: Array) -> bytes:
    """Return an array as Triton wants it: little endian, C order, each text after its length."""
    if array.dtype == object:
        texts = [bytes(text) for text in array.flat]
        return b"".join(len(text).to_bytes(4, "little") + text for text in texts)
    return np.ascontiguousarray(array).tobytes()


def read_outputs(response: Any) -> dict[str, Array]:
    """Return the arrays that travelled in a `ModelInferResponse`, by name; texts as `bytes` objects."""
    found: dict[str, Array] = {}
    for output, raw in zip(response.outputs, response.raw_output_contents, strict=False):
        if output.datatype == "BYTES":
            found[output.name] = np.array(_texts(raw), dtype=object).reshape(tuple(output.shape))
        else:
            # A copy, because bytes are read-only and callers of the engines may write into what they get.
            found[output.name] = np.frombuffer(raw, DTYPES[output.datatype]).reshape(tuple(output.shape)).copy()
    return found


def _texts(raw: bytes) -> list[bytes]:
    """Split Triton's strings: four bytes of length, little endian, before each."""
    found, at = [], 0
    while at < len(raw):
        length = int.from_bytes(raw[at : at + 4], "little")
        found.append(raw[at + 4 : at + 4 + length])
        at += 4 + length
    return found
