import numpy as np
import pytest

from oviton.benchmarks import ceilings
from oviton.benchmarks.timing import StopRule, take_turns
from oviton.benchmarks.work import Work, work_of
from oviton.bundle.families import O_VITON


def test_the_larger_of_arithmetic_and_traffic_is_the_floor():
    work = Work(gmacs=2.0, megabytes=30.0)
    assert work.compute_ms(100) == 20
    assert work.memory_ms(10) == 3
    assert work.floor_ms(100, 10) == 20
    assert work.floor_ms(10_000, 10) == 3


def test_bytes_are_inputs_outputs_and_weights(tiny_bundle):
    found = work_of(tiny_bundle, dict.fromkeys(O_VITON.graphs, "fp32"), 2, 3)["compositor"]
    # person_image, person_labels, generated, labels, source; image.
    pixels = 2 * 64 * 32
    assert found.megabytes * 1e6 == pytest.approx(pixels * (3 + 1 + 3 + 1 + 3) + 2 * 20 * 4)
    assert found.gmacs == pytest.approx(2 * 9 * 16 * 8 * 32 / 1e9)  # blocks' colours, interpolated along rows
    precisions = {name: "bf16" if name == "shape_encoder" else "fp32" for name in O_VITON.graphs}
    whole = work_of(tiny_bundle, dict.fromkeys(O_VITON.graphs, "fp32"), 1, 1)
    half = work_of(tiny_bundle, precisions, 1, 1)
    weights = tiny_bundle.manifest.files["shape_encoder.safetensors"].size / 1e6
    assert whole["shape_encoder"].megabytes - half["shape_encoder"].megabytes == pytest.approx(weights)
    assert whole["shape_generator"] == half["shape_generator"]


def test_ceilings_multiply_and_copy(monkeypatch):
    monkeypatch.setattr(ceilings, "SIDE", 64)
    monkeypatch.setattr(ceilings, "COPY_MB", 1)
    contenders = [*ceilings.matrix_products("fp32"), *ceilings.matrix_products("int8"), ceilings.copy()]
    found = take_turns(contenders, StopRule(warm_up=0, least=2, most=2, rest=0))
    assert all(seconds > 0 for samples in found.values() for seconds in samples.seconds)
    assert {name.split()[0] for name in found} >= {"openvino", "numpy", "torch", "copy"}
    openvino, rounded = (next(c for c in contenders if c.name == f"openvino {p}") for p in ("fp32", "int8"))
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((64, 64), np.float32) for _ in range(2))
    assert np.allclose(openvino.run(), (a @ b).max(axis=1), atol=1e-3)
    error = np.abs(rounded.run() - (a @ b).max(axis=1))
    assert 1e-3 < error.max() < 1  # INT8: 64 products of values rounded to 255 steps
    convolution = next(c for c in contenders if "convolution" in c.name)
    assert 1e-3 < abs(convolution.run().item() - (b @ a).max()) < 1  # there the weights come first
