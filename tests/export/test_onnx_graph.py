"""What the exporter is taught, run in ONNX Runtime."""

import numpy as np
import onnxruntime
import pytest
import torch

from oviton.export.onnx_graph import export_onnx
from oviton.export.tracing import trace
from oviton.networks.graphs import GraphSpec, GraphTensor


class Divide(torch.nn.Module):
    def __init__(self, by, rounding_mode="trunc"):
        super().__init__()
        self.by, self.rounding_mode = by, rounding_mode

    def forward(self, x):
        return torch.div(x, self.by, rounding_mode=self.rounding_mode)


def exported(module, dtype, folder):
    spec = GraphSpec("divide", (GraphTensor("x", dtype, (2, 3)),), (GraphTensor("y", dtype, (2, 3)),), Divide)
    program = trace(module, (torch.zeros(2, 3, dtype=getattr(torch, dtype)),), {"x": {}})
    export_onnx(program, spec, {"x": {}}, folder / "divide.onnx", folder / "divide.safetensors")
    return onnxruntime.InferenceSession(str(folder / "divide.onnx"))


def test_integers_are_divided_as_integers(tmp_path):
    """In FP32, as the exporter has it by itself, 2³¹ - 1 over 1 would be 2³¹."""
    x = np.array([[2**31 - 1, 2**24 + 1, 7], [-7, 0, 2**30 + 3]], np.int32)
    session = exported(Divide(torch.tensor([1, 1, 3], dtype=torch.int32)), "int32", tmp_path)
    assert np.array_equal(session.run(None, {"x": x})[0], np.trunc(x.astype(np.float64) / [1, 1, 3]).astype(np.int32))


@pytest.mark.parametrize(("dtype", "mode"), [("int32", "floor"), ("float32", "trunc")])
def test_other_divisions_are_refused_rather_than_mistranslated(tmp_path, dtype, mode):
    with pytest.raises(Exception, match="only integers truncate"):
        exported(Divide(3, mode), dtype, tmp_path)
    assert not list(tmp_path.glob("*.onnx"))
