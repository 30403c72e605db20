"""Convolutions in INT8: an OpenVINO model is told where to round, and folds the rounding into its kernels.

What enters a convolution is rounded to 256 steps of the range that calibration measured (`export/calibration.py`), its
weights to 255 steps of their own largest value, an output channel each, or to half as many where the processor would
overflow. Sums are exact. Everything else stays FP32, normalisation and the colours that pass the convolutions by among
it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..data.errors import GateError
from ..data.optional import require

Ranges = Mapping[str, tuple[float, float]]
"""Smallest and largest value by tensor name."""

_MOVES = ("Transpose", "Pad")
"""Operations that only move values, through which rounding is done before they are moved."""

_SELECTS = ("Gather", "Slice", "DepthToSpace")
"""Operations that read from tables, cut pictures or sort pixels: rounded before, INT8 is what they handle."""

_LEVELS, _WEIGHT_LEVELS = 256, 255
"""Of weights one less, so that they are symmetric about zero."""


def quantize_convolutions(model: Any, ranges: Ranges, *, saturates: bool) -> None:
    """Insert `FakeQuantize` before every convolution of a model, in place.

    Parameters
    ----------
    model
        OpenVINO's model, its weights constants.
    ranges
        Of the tensors that enter convolutions, by their names in the ONNX file.
    saturates
        Whether the processor adds two products at a time in 16 bits, as x86 without VNNI does: 2·255·127 does not fit.
        Weights then use half of their 255 steps.

    Raises
    ------
    GateError
        When a convolution's input has no range, or its weights are not constants, as another OpenVINO's reading of
        the file may have it; then ``auto`` goes on to FP32.
    """
    convolutions = [op for op in model.get_ordered_ops() if op.get_type_name() == "Convolution"]
    # Found before anything is inserted: several convolutions may share what moves their values.
    entries = [_entry(convolution) for convolution in convolutions]
    sources = [entry.get_source_output() for entry in entries]
    rounded: dict[str, Any] = {}
    for convolution, entry, source in zip(convolutions, entries, sources, strict=True):
        name = next((name for name in source.get_names() if name in ranges), None)
        if name is None:
            raise GateError(f"{convolution.get_friendly_name()}: what enters it has no activation range")
        if name not in rounded:
            rounded[name] = _rounded(source, *ranges[name])
        entry.replace_source_output(rounded[name])
        _quantize_weights(convolution, saturates=saturates)
    model.validate_nodes_and_infer_types()


def digest(ranges: Ranges) -> str:
    """Return a short name of ranges, for the key of a plan that depends on them."""
    return hashlib.sha256(json.dumps(dict(ranges), sort_keys=True).encode()).hexdigest()[:16]


def _entry(convolution: Any) -> Any:
    """Return the input through which a convolution's values come, before anything moves them."""
    entry = convolution.input(0)
    while entry.get_source_output().get_node().get_type_name() in _MOVES:
        entry = entry.get_source_output().get_node().input(0)
    return entry


def _rounded(source: Any, low: float, high: float) -> Any:
    """Round an output, and first what it, or a part of it, is selected from."""
    limits = np.float32(low), np.float32(high)
    node = source.get_node()
    parts = [value.get_node() for value in node.input_values()] if node.get_type_name() == "Concat" else [node]
    for entry in filter(None, map(_selected_from, parts)):
        entry.replace_source_output(_fake_quantize(entry.get_source_output(), *limits, _LEVELS))
    return _fake_quantize(source, *limits, _LEVELS)


def _selected_from(node: Any) -> Any | None:
    """Return the input that a node's values are selected from; None where they are not, or where others see them."""
    entry = None
    while node.get_type_name() in _SELECTS and len(node.output(0).get_target_inputs()) == 1:
        entry = node.input(0)
        node = entry.get_source_output().get_node()
    return entry


def _quantize_weights(convolution: Any, *, saturates: bool) -> None:
    weights = convolution.input(1).get_source_output()
    node = weights.get_node()
    constant = node.input_value(0).get_node() if node.get_type_name() == "Convert" else node
    if constant.get_type_name() != "Constant":
        raise GateError(f"{convolution.get_friendly_name()}: its weights are not constant")
    # OpenVINO's rewriting carries scales over a pixel shuffle as if it kept channels apart; so there is one for all.
    axes = (0, 1, 2, 3) if _is_shuffled(convolution) else (1, 2, 3)
    largest = np.abs(np.asarray(constant.data, np.float32)).max(axis=axes, keepdims=True)
    largest[largest == 0] = 1
    if saturates:
        largest *= 2
    convolution.input(1).replace_source_output(_fake_quantize(weights, -largest, largest, _WEIGHT_LEVELS))


def _is_shuffled(convolution: Any) -> bool:
    """Whether channels become pixels between this convolution and the next ones."""
    ahead = [convolution]
    while ahead:
        for target in ahead.pop().output(0).get_target_inputs():
            kind = target.get_node().get_type_name()
            if kind == "DepthToSpace":
                return True
            if kind != "Convolution" and target.get_node().get_output_size() == 1:
                ahead.append(target.get_node())
    return False


def _fake_quantize(values: Any, low: Any, high: Any, levels: int) -> Any:
    opset = require("openvino", purpose="the openvino engine").opset13
    low, high = opset.constant(low), opset.constant(high)
    return opset.fake_quantize(values, low, high, low, high, levels).output(0)
