"""What only the ONNX Runtime engine has: typed FP16 graphs. The rest is in test_conformance.py."""

import numpy as np
import pytest

from oviton.bundle.bundle import Bundle
from oviton.bundle.parity import psnr
from oviton.data.errors import InputError
from oviton.engines.engine_set import EngineSet
from oviton.engines.onnxruntime_engine import OnnxRuntimeEngine


def test_fp16_graph_runs_and_is_close(tiny_bundle, tiny_requests, cache):
    with EngineSet.load(tiny_bundle, "onnxruntime", "fp32", cache=cache) as engines:
        values = engines.run(tiny_requests)
    graph = tiny_bundle.manifest.graph("appearance_generator")
    inputs = {spec.name: values[spec.name] for spec in graph.inputs}
    with OnnxRuntimeEngine(tiny_bundle, graph, "fp16") as engine:
        assert psnr(engine(**inputs)["generated"], values["generated"]) >= 40
        engine.refit({"appearance_generator.colour.bias": np.full(3, 0.5, np.float32)})
        assert engine(**inputs)["generated"].mean() > values["generated"].mean()


def test_refit_refuses_weights_that_were_changed_on_disk(bundle_copy):
    bundle = Bundle.open(bundle_copy)
    graph = bundle.manifest.graph("appearance_generator")
    with OnnxRuntimeEngine(bundle, graph, "fp32") as engine:
        path = bundle.graph_file(graph, "weights")
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        with pytest.raises(InputError, match="it was changed"):
            engine.refit({})
