"""What each library can build here, and what is said when it cannot."""

import dataclasses

import pytest

from oviton.data.errors import EngineError, InputError
from oviton.engines.engine_set import EngineSet
from oviton.engines.tensorrt.builder import PlanBuilder
from oviton.engines.tensorrt.device import Gpu, check_driver, find_gpu
from oviton.engines.tensorrt.flavour import TENSORRT
from oviton.engines.tensorrt.options import BuildOptions

ADA = Gpu(0, "NVIDIA GeForce RTX 4090", "8.9", "13.0", 24000)


@pytest.mark.parametrize(
    ("text", "parsed"), [("8.9", ("8.9",)), ("12.0, 8.6,8.9,8.6", ("8.6", "8.9", "12.0")), ("8.6,", ("8.6",))]
)
def test_capabilities_are_sorted_and_single(text, parsed):
    assert BuildOptions.parse_capabilities(text) == parsed


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"compute_capabilities": ("89",)}, "'89' is no number such as 8.9"),
        ({"compute_capabilities": ("8.9",), "hardware_compatible": True}, "name no compute capability beside"),
        ({"workspace_mb": 0}, "workspace 0 MB is too small; allowed: 1 or more"),
        ({"opt_requests": 0}, "optimum of N is 0; allowed: 1 or more"),
    ],
)
def test_options_that_cannot_be_are_refused(options, problem):
    with pytest.raises(InputError, match=problem):
        BuildOptions(**options)


def test_nothing_to_parse_is_refused():
    with pytest.raises(InputError, match="--compute-capability is empty"):
        BuildOptions.parse_capabilities(" , ")


def test_only_what_differs_from_the_default_is_in_the_key():
    assert BuildOptions().key == {}
    options = BuildOptions(refittable=True, workspace_mb=256, opt_garments=2)
    assert options.key == {"refittable": "yes", "workspace_mb": "256", "optimum": "N=1,M=2"}


def test_gpus_that_can_be_named_are_the_librarys_own(rtx):
    known = rtx.known_capabilities()
    assert {"7.5", "8.0", "8.6", "8.9", "12.0"} <= set(known)
    with pytest.raises(InputError, match=r"9\.0 is unknown to tensorrt-rtx 1\.\S+; allowed: 7\.5, 8\.0"):
        rtx.target(BuildOptions(compute_capabilities=("8.9", "9.0")))


def test_without_a_gpu_its_targets_must_be_named(rtx, no_gpu):
    with pytest.raises(InputError, match=r"no GPU here to build for: no NVIDIA driver .*--compute-capability 8\.9"):
        rtx.target(BuildOptions())


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (BuildOptions(refittable=True), "plans with --refittable only where there is a GPU: no NVIDIA driver"),
        (BuildOptions(strip_weights=True), "plans with --strip-weights only where there is a GPU: no NVIDIA driver"),
        (BuildOptions(version_compatible=True), "no version compatible plans"),
    ],
)
def test_what_rtx_cannot_build_here_is_said_before_it_tries(rtx, no_gpu, options, problem):
    with pytest.raises(InputError, match=problem):
        rtx.check(options)


def test_a_missing_driver_is_one_line(no_gpu):
    with pytest.raises(InputError) as error:
        find_gpu()
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(("no NVIDIA driver (libcuda is not found)", "the NVIDIA driver"))


@pytest.mark.parametrize(("needed", "fits"), [(None, True), (12, True), (13, True), (14, False)])
def test_a_driver_that_is_too_old_is_named_with_what_is_needed(needed, fits):
    if fits:
        check_driver(ADA, needed)
        return
    with pytest.raises(InputError, match=r"RTX 4090 supports CUDA 13\.0, and CUDA 14 is needed; update the driver"):
        check_driver(ADA, needed)


def test_a_missing_library_names_its_extra(shipped):
    absent = dataclasses.replace(TENSORRT, module="tensorrt_of_nobody", distributions=())
    assert absent.version is None
    with pytest.raises(InputError, match=r"tensorrt is not installed; run: pip install \"tensorrt[<>]"):
        PlanBuilder(shipped, absent, "fp16", BuildOptions())


def test_type_stubs_alone_are_no_library():
    """The development install brings TensorRT's stubs, a folder of its very name."""
    try:
        import tensorrt  # noqa: F401 - a namespace without code, or the library itself
    except ImportError:
        pytest.skip("no stubs are installed")
    if hasattr(__import__("tensorrt"), "Builder"):
        pytest.skip("TensorRT itself is installed")
    with pytest.raises(InputError, match="tensorrt is not installed"):
        TENSORRT.check_installed()


def test_engines_that_cannot_run_here_say_why(rtx, no_gpu, shipped, cache):
    with pytest.raises(EngineError, match=r"'tensorrt-rtx' cannot run here: tensorrt-rtx \(cuda\): no NVIDIA driver"):
        EngineSet.load(shipped, "tensorrt-rtx", cache=cache)


def test_build_options_are_refused_by_engines_that_build_nothing(shipped, cache):
    with pytest.raises(InputError, match="build options are for tensorrt and tensorrt-rtx, not for onnxruntime"):
        EngineSet.load(shipped, "onnxruntime", cache=cache, build_options=BuildOptions())
