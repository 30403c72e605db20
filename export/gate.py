"""The parity gate of a graph: every form against PyTorch at every batch size.

Reading a program or an optimised ONNX file takes longer than running it, so each file is read once and runs every
batch before the next is read; no two are in memory together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..bundle.families import Arrays
from ..bundle.manifest import GraphEntry, ParityRow
from ..bundle.parity import REDUCED_PRECISION, SAME_PRECISION, compare
from ..bundle.programs import load_program
from ..data.optional import require

Size = tuple[int, int]
"""(N, M): requests, and garment photographs a request."""

Run = Callable[[Arrays], dict[str, np.ndarray[Any, Any]]]
"""One form of a graph: outputs by name, of inputs by name."""


def gate_graph(
    graph: GraphEntry, module: nn.Module, batches: Mapping[Size, Arrays], folder: Path
) -> dict[Size, list[ParityRow]]:
    """Run batches through every form of a graph.

    Parameters
    ----------
    graph
        Its tensors and files.
    module
        What its files were made from.
    batches
        Its inputs and any other tensors by name, by batch size.
    folder
        Where its files lie.

    Returns
    -------
    dict
        The comparisons by batch size. PyTorch's outputs are put into `batches`, so that each graph is fed what
        PyTorch's own graphs produced.

    Raises
    ------
    GateError
        When two forms disagree.
    """
    feeds = {size: {tensor.name: values[tensor.name] for tensor in graph.inputs} for size, values in batches.items()}

    def results(run: Run) -> dict[Size, dict[str, np.ndarray[Any, Any]]]:
        return {size: run(feed) for size, feed in feeds.items()}

    weights = folder / graph.files["weights"] if graph.parameters else None
    found = {
        "pytorch": results(_torch_run(graph, module)),
        "pt2": results(_torch_run(graph, load_program(folder / graph.files["pt2"], weights))),
        "onnx_fp32": results(_onnx_run(graph, folder / graph.files["onnx_fp32"])),
    }
    same_file = graph.files["onnx_fp16"] == graph.files["onnx_fp32"]
    found["onnx_fp16"] = (
        found["onnx_fp32"] if same_file else results(_onnx_run(graph, folder / graph.files["onnx_fp16"]))
    )
    rows: dict[Size, list[ParityRow]] = {size: [] for size in batches}
    for size, values in batches.items():
        for form, reference_form, limits in (
            ("pt2", "pytorch", SAME_PRECISION),
            ("onnx_fp32", "pytorch", SAME_PRECISION),
            ("onnx_fp16", "onnx_fp32", REDUCED_PRECISION),
        ):
            rows[size] += compare(
                graph.name,
                graph.outputs,
                found[form][size],
                found[reference_form][size],
                form=form,
                reference_form=reference_form,
                requests=size[0],
                garments=size[1],
                limits=limits,
            )
        values.update(found["pytorch"][size])
    return rows


def _torch_run(graph: GraphEntry, module: nn.Module) -> Run:
    def run(feed: Arrays) -> dict[str, np.ndarray[Any, Any]]:
        with torch.inference_mode():
            outputs = module(*(torch.from_numpy(value) for value in feed.values()))
        listed = outputs if isinstance(outputs, tuple | list) else (outputs,)
        return {tensor.name: value.numpy() for tensor, value in zip(graph.outputs, listed, strict=False)}

    return run


def _onnx_run(graph: GraphEntry, file: Path) -> Run:
    ort = require("onnxruntime", purpose="the parity gate")
    options = ort.SessionOptions()
    options.log_severity_level = 3  # errors; it warns that it cannot fold FP16 constants on a CPU
    session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    run_options = ort.RunOptions()
    # The largest batch's memory is not kept beside the next one's.
    run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    names = [tensor.name for tensor in graph.outputs]

    def run(feed: Arrays) -> dict[str, np.ndarray[Any, Any]]:
        return dict(zip(names, session.run(names, feed, run_options), strict=True))

    return run
