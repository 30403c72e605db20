"""The shipped bundle, and builders of it; nothing here needs a GPU."""

import pytest

from oviton.bundle.bundle import Bundle
from oviton.data.errors import InputError
from oviton.engines.tensorrt.builder import PlanBuilder
from oviton.engines.tensorrt.device import find_gpu
from oviton.engines.tensorrt.flavour import TENSORRT_RTX
from oviton.engines.tensorrt.options import BuildOptions


def why_no_gpu():
    try:
        find_gpu()
    except InputError as error:
        return str(error)
    return None


@pytest.fixture(scope="session")
def shipped():
    return Bundle.open()


@pytest.fixture
def rtx():
    """TensorRT-RTX, which builds here; a machine it is not made for has none."""
    if TENSORRT_RTX.version is None:
        pytest.skip("tensorrt-rtx is not made for this kind of machine")
    return TENSORRT_RTX


@pytest.fixture
def builder(rtx, shipped):
    def make(*capabilities, precision="fp16", bundle=shipped, **options):
        return PlanBuilder(
            bundle, rtx, precision, BuildOptions(compute_capabilities=capabilities or ("8.9",), **options)
        )

    return make


@pytest.fixture
def no_gpu():
    if why_no_gpu() is None:
        pytest.skip("this machine has a GPU; what is said without one cannot be seen")
