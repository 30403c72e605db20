"""Calibration: how large the values become that enter a graph's convolutions, which INT8 engines have to know."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..data.optional import require

if TYPE_CHECKING:
    from onnx import ModelProto

_MOVES = ("Transpose", "Pad")
"""Operations that only move values. What enters a convolution through them is measured before them, where an engine
rounds it: then INT8 is what is moved."""


def measure_ranges(onnx_file: Path, requests: Mapping[str, npt.NDArray[np.generic]]) -> dict[str, tuple[float, float]]:
    """Run a graph on requests, one by one, and note the range of what enters its convolutions.

    Parameters
    ----------
    onnx_file
        The graph's FP32 form, beside its weights.
    requests
        Every input of the graph by name, batch first.

    Returns
    -------
    dict
        Smallest and largest value by tensor name, in the order of the graph. Zero is always within.
    """
    onnx = require("onnx", extra="train", purpose="calibration")
    ort = require("onnxruntime", purpose="calibration")
    model = onnx.load(str(onnx_file), load_external_data=False)
    names = _convolution_inputs(model)
    for name in names:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    ranges: dict[str, tuple[float, float]] = dict.fromkeys(names, (0.0, 0.0))
    options = ort.SessionOptions()
    options.log_severity_level = 3  # errors
    with tempfile.NamedTemporaryFile(dir=onnx_file.parent, prefix=".calibration-", suffix=".onnx") as file:
        Path(file.name).write_bytes(model.SerializeToString())  # beside the weights that it refers to
        session = ort.InferenceSession(file.name, options, providers=["CPUExecutionProvider"])
    inputs = [each.name for each in session.get_inputs()]
    for row in range(len(next(iter(requests.values())))):
        feed = {name: requests[name][row : row + 1] for name in inputs}
        for name, found in zip(names, session.run(names, feed), strict=True):
            low, high = ranges[name]
            ranges[name] = min(low, float(found.min())), max(high, float(found.max()))
    return ranges


def _convolution_inputs(model: ModelProto) -> list[str]:
    makers: dict[str, Any] = {output: node for node in model.graph.node for output in node.output}
    found: dict[str, None] = {}
    for node in model.graph.node:
        if node.op_type == "Conv":
            name = node.input[0]
            while name in makers and makers[name].op_type in _MOVES:
                name = makers[name].input[0]
            found[name] = None
    return list(found)
