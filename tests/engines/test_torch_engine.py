"""What only the torch engine has: programs for compilers, and `torch.compile`."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from oviton.bundle.bundle import Bundle
from oviton.bundle.programs import load_exported, load_program
from oviton.data.errors import EngineError, InputError
from oviton.engines.onnxruntime_engine import OnnxRuntimeEngine
from oviton.engines.torch_compile_engine import TorchCompileEngine
from oviton.engines.torch_engine import TorchEngine


@pytest.fixture(scope="module")
def shipped():
    return Bundle.open()


def labels(shipped, requests):
    manifest = shipped.manifest
    generator = np.random.default_rng(0)
    return {
        "person_labels": generator.integers(0, 20, (requests, manifest.height, manifest.width), dtype=np.uint8),
        "garment_labels": generator.integers(0, 20, (requests, 1, manifest.height, manifest.width), dtype=np.uint8),
        "source": generator.integers(-1, 2, (requests, 20), dtype=np.int32),
    }


def test_a_program_for_compilers_holds_the_same_weights(shipped):
    graph = shipped.manifest.graph("shape_encoder")
    files = shipped.graph_file(graph, "pt2"), shipped.graph_file(graph, "weights")
    name = graph.parameters[0]
    program = load_exported(*files)
    inputs = [torch.from_numpy(value) for value in labels(shipped, 1).values()]
    with torch.inference_mode():
        expected = load_program(*files)(*inputs)
        assert torch.equal(program.module()(*inputs), expected)
        zeros = {name: np.zeros(program.state_dict[name].shape, np.float16)}
        assert not torch.equal(load_exported(*files, replaced=zeros).module()(*inputs), expected)


def test_half_precision_is_for_gpus(shipped):
    with pytest.raises(InputError, match="no precision 'fp16' on a CPU; allowed: fp32"):
        TorchEngine(shipped, shipped.manifest.graph("compositor"), "fp16")


@pytest.mark.slow
def test_compiled_programs_agree_at_every_batch_size(shipped):
    graph = shipped.manifest.graph("shape_encoder")
    with (
        TorchCompileEngine(shipped, graph, "fp32") as engine,
        OnnxRuntimeEngine(shipped, graph, "fp32") as reference,
    ):
        for requests in (1, 2, 3):
            inputs = labels(shipped, requests)
            found, expected = engine(**inputs)["shape_codes"], reference(**inputs)["shape_codes"]
            assert np.allclose(found, expected, atol=1e-4)


def test_what_cannot_be_compiled_names_the_graph_and_another_engine(shipped):
    def no_compiler(*_):
        raise ValueError("out of symbols")

    graph = shipped.manifest.graph("shape_encoder")
    with TorchCompileEngine(shipped, graph, "fp32") as engine:
        engine._network = torch.compile(engine._network, backend=no_compiler)
        with pytest.raises(
            EngineError, match=r"cannot compile shape_encoder \(.*out of symbols.*take the engine torch"
        ):
            engine(**labels(shipped, 1))


def test_a_machine_without_cuda_is_told_from_one_with_it_without_importing_torch():
    """Whoever has torch and dresses people on another engine does not wait for its import."""
    code = (
        "import sys; from oviton.engines.registry import choose; found, _ = choose('auto'); "
        "print(found.candidate.engine, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    engine, imported = done.stdout.split()
    assert imported == str(torch.version.cuda is not None)
    assert engine != "torch" or imported == "True"
