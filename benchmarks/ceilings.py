"""What the machine can do at best, measured: matrix products and copies."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ..data.optional import is_installed, require
from ..engines.openvino_engine import PRECISION_HINT
from .timing import Contender

SIDE = 1536
"""Side of the square matrices: large enough for the top speed of few cores, small enough for milliseconds."""

COPY_MB = 128
"""Far more than any cache holds."""


def matrix_products(precision: str) -> list[Contender]:
    """Return every way to multiply matrices on the CPU at a precision; the fastest is the ceiling.

    Parameters
    ----------
    precision
        ``"fp32"``, ``"bf16"`` or ``"int8"``.
    """
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((SIDE, SIDE), np.float32) for _ in range(2))
    found = [Contender(f"openvino {precision}", _openvino_product(b, precision, a))]
    if precision == "int8":
        # Without VNNI, OpenVINO's matrix products in INT8 are slower than its convolutions, which are products as well.
        found.append(Contender("openvino int8 1x1 convolution", _openvino_convolution(b, a)))
    if precision == "fp32":
        found.append(Contender("numpy fp32", lambda: a @ b))
    if precision != "int8" and is_installed("torch"):
        torch = require("torch", extra="refine", purpose="the matrix product ceiling")
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        left, right = (torch.from_numpy(x).to(dtype) for x in (a, b))
        found.append(Contender(f"torch {precision}", lambda: left @ right))
    return found


def product_macs() -> float:
    """Return the multiply-accumulates of one of `matrix_products`."""
    return float(SIDE) ** 3


def copy() -> Contender:
    """Return a copy by all cores of memory that no cache holds."""
    threads = len(os.sched_getaffinity(0))
    source = np.ones((threads, COPY_MB * 1_000_000 // threads // 8))
    target = np.zeros_like(source)
    pool = ThreadPoolExecutor(threads)

    def run() -> None:
        list(pool.map(np.copyto, target, source))  # NumPy lets go of the interpreter meanwhile

    return Contender("copy", run)


def copy_bytes() -> float:
    """Return the bytes that `copy` reads and writes."""
    return 2.0 * COPY_MB * 1_000_000


def _openvino_product(weight: Any, precision: str, a: Any) -> Callable[[], object]:
    opset = require("openvino", purpose="the matrix product ceiling").opset13
    parameter = opset.parameter([SIDE, SIDE], np.float32)
    left, right = parameter, opset.constant(weight)
    if precision == "int8":
        left, right = (_rounded(opset, each) for each in (left, right))
    return _corner_of(parameter, opset.matmul(left, right, False, False), PRECISION_HINT[precision], a)


def _openvino_convolution(weight: Any, a: Any) -> Callable[[], object]:
    """Return the same product in INT8 as a 1×1 convolution: columns are pixels, rows channels."""
    opset = require("openvino", purpose="the matrix product ceiling").opset13
    pixels = (1, SIDE, SIDE // 32, 32)
    parameter = opset.parameter(pixels, np.float32)
    kernel = _rounded(opset, opset.constant(weight.reshape(SIDE, SIDE, 1, 1)))
    product = opset.convolution(_rounded(opset, parameter), kernel, [1, 1], [0, 0], [0, 0], [1, 1])
    return _corner_of(parameter, product, PRECISION_HINT["int8"], a.reshape(pixels))


def _corner_of(parameter: Any, product: Any, precision: str, values: Any) -> Callable[[], object]:
    """Return a run of a product of which only a corner is returned, so that copying the result out does not count."""
    ov = require("openvino", purpose="the matrix product ceiling")
    corner = ov.opset13.reduce_max(product, np.arange(1, len(product.output(0).shape)), False)
    hint = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
    request = ov.Core().compile_model(ov.Model([corner], [parameter], "product"), "CPU", hint).create_infer_request()
    return lambda: request.infer([values], share_inputs=True)[0]


def _rounded(opset: Any, values: Any) -> Any:
    """Round to 255 steps, which makes OpenVINO multiply in INT8; the values are normally distributed."""
    low, high = (opset.constant(np.float32(limit)) for limit in (-6, 6))
    return opset.fake_quantize(values, low, high, low, high, 255)
