"""The torch engine on a GPU, against ONNX Runtime on the CPU."""

import numpy as np
import pytest
import torch

from oviton.bundle.parity import psnr
from oviton.engines.engine_set import EngineSet
from oviton.engines.onnxruntime_engine import OnnxRuntimeEngine
from oviton.engines.torch_engine import TorchEngine

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU that this torch can use"),
]


@pytest.mark.parametrize("name", ["torch", "torch-compile", "torch-tensorrt"])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_gpu_agrees_with_the_cpu(tiny_bundle, tiny_requests, cache, name, precision):
    if name == "torch-tensorrt":
        pytest.importorskip("torch_tensorrt", reason="torch-tensorrt is not installed")
    with (
        EngineSet.load(tiny_bundle, name, precision, cache=cache) as gpu,
        EngineSet.load(tiny_bundle, "onnxruntime", "fp32", cache=cache) as cpu,
    ):
        assert gpu.chosen.candidate.label == f"{name} (cuda)"
        assert len({(row.requests, row.garments) for row in gpu.gate}) == 16
        expected = cpu.run(tiny_requests)["image"]
        for _ in range(3):
            assert psnr(gpu.run(tiny_requests)["image"], expected) >= (45 if precision == "fp32" else 38)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_tensors_come_back_on_the_device_they_came_from(tiny_bundle, tiny_requests, device):
    graph = tiny_bundle.manifest.graph("shape_encoder")
    inputs = {spec.name: tiny_requests[spec.name] for spec in graph.inputs}
    with (
        TorchEngine(tiny_bundle, graph, "fp32", "cuda") as engine,
        OnnxRuntimeEngine(tiny_bundle, graph, "fp32") as reference,
    ):
        found = engine(**{name: torch.from_numpy(array).to(device) for name, array in inputs.items()})["shape_codes"]
        assert found.device.type == device
        assert np.allclose(found.cpu().numpy(), reference(**inputs)["shape_codes"], atol=1e-3)
