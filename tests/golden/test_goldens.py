"""What a user sees stays as it is: try-ons of the shipped bundles against committed pictures.

Every change that means to alter pictures rewrites them with ``make goldens``.
"""

import numpy as np
import pytest

from oviton.bundle.bundle import Bundle
from oviton.triton_models.options import RepositoryOptions
from oviton.triton_models.repository import build_repository
from oviton.triton_models.server import ServerOptions, TritonServer

from golden import goldens


def levels_off(found, name):
    known = goldens.committed(name)
    assert np.array_equal(found["labels"], known["labels"])
    return np.abs(found["image"].astype(int) - known["image"])


def assert_same(found, name):
    # Processors round sums in their own order, and with them a place by a sixteenth of a pixel now and then.
    off = levels_off(found, name)
    assert np.quantile(off, 0.999) <= 1
    assert off.max() <= 12


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime", pytest.param("torch", marks=pytest.mark.more)])
def test_every_cpu_engine_dresses_as_before(engine):
    for name, found in goldens.looks(engine).items():
        assert_same(found, name)


@pytest.mark.more
def test_refinement_learns_what_it_learnt():
    # Adam divides gradients by their size, so where they are tiny a rounded sum decides which way a weight goes.
    off = levels_off(goldens.refined(), "refined")
    assert (off > 1).mean() < 0.02
    assert off.max() <= 10


@pytest.mark.more
@pytest.mark.server
def test_triton_answers_as_before(tmp_path):
    bundle = Bundle.open(goldens.ROOT / "bundles" / "small")
    options = RepositoryOptions("openvino", precision="fp32", python=True, embed_bundle=False)
    repository = build_repository(bundle, tmp_path / "repository", options)
    ports = ServerOptions(grpc_port=0, metrics_port=0, stop_seconds=5)
    with TritonServer.start(repository.folder, ports) as server:
        assert_same(goldens.served(server.grpc_address), "small")
