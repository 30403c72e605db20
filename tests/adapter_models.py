"""Tiny ONNX models with the signatures of models that users bring."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save(path, nodes, picture, outputs, weights):
    """Write a model: its nodes, its input (dtype, shape), its outputs by name (shapes), its constants by name."""
    dtype, shape = picture
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("whatever", dtype, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, sides) for name, sides in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)]), path)
    return path


def look(source, target, stride, weights=None):
    """Return a node that weighs the three channels of every `stride`-th pixel, by weights of its name or another."""
    names = [source, *(f"{weights or target}_{each}" for each in ("weights", "bias"))]
    return helper.make_node("Conv", names, [target], strides=[stride, stride], kernel_shape=[1, 1])


def linear(rng, name, count, middle=0.0, spread=1.0):
    """Return random weights of a `look` whose answers differ most for channels that are `spread` about a `middle`."""
    weights = rng.normal(size=(count, 3, 1, 1)) / spread
    bias = rng.normal(size=count) * 0.1 - weights.sum(axis=(1, 2, 3)) * middle
    return {f"{name}_weights": weights.astype(np.float32), f"{name}_bias": bias.astype(np.float32)}


def save_parser(path, size, weights, outputs=("logits",), stride=4, *, open_sides=False):
    """Write a parser of a height and a width, whose outputs each weigh the picture's channels; or of any sides."""
    names = ["batch", "channels", "height", "width"]
    coarse = [-(-side // stride) for side in size]
    counts = {name: len(weights[f"{name}_bias"]) for name in outputs}
    shapes = {
        name: [f"{name}_{side}" for side in names] if open_sides else [1, count, *coarse]
        for name, count in counts.items()
    }
    nodes = [look("whatever", name, stride) for name in outputs]
    return save(path, nodes, (TensorProto.FLOAT, names if open_sides else [1, 3, *size]), shapes, weights)


def photograph(height, width, seed=0):
    """Return a picture of soft blots."""
    import torch

    coarse = torch.rand(1, 3, 9, 7, generator=torch.Generator().manual_seed(seed))
    soft = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    return np.rint(soft[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
