import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from oviton.bundle.manifest import TensorSpec
from oviton.bundle.parity import MAX_PSNR, Limits, compare, psnr
from oviton.data.errors import GateError

LIMITS = Limits(relative=0.01, agreement=0.9, psnr=30)


def check(values, reference):
    names = {("f", 2): ("codes", "float32"), ("u", 3): ("labels", "uint8"), ("u", 4): ("image", "uint8")}
    name, dtype = names[reference.dtype.kind, reference.ndim]
    spec = TensorSpec(name=name, dtype=dtype, shape=("N", *reference.shape[1:]))
    (row,) = compare(
        "graph", (spec,), {name: values}, {name: reference},
        form="new", reference_form="old", requests=2, garments=1, limits=LIMITS,
    )  # fmt: skip
    return row


def test_psnr_is_scikit_images():
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 256, (8, 8, 3)).astype(np.uint8) for _ in range(2))
    assert psnr(a, b) == pytest.approx(peak_signal_noise_ratio(a, b))
    assert psnr(a, a) == MAX_PSNR


def test_small_differences_pass():
    codes = np.linspace(-1, 1, 10, dtype=np.float32).reshape(2, 5)
    row = check(codes + np.float32(0.005), codes)
    assert row.metric == "relative"
    assert row.value == pytest.approx(0.005, rel=1e-3)
    labels = np.zeros((2, 10, 10), np.uint8)
    other = labels.copy()
    other[0, 0, :5] = 1
    assert check(other, labels).value == pytest.approx(0.975)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 5.0])
def test_nan_infinity_and_error_fail(bad):
    codes = np.ones((2, 5), np.float32)
    broken = codes.copy()
    broken[1, 2] = bad
    with pytest.raises(GateError, match=r"graph\.codes: new does not agree with old at N=2, M=1: relative"):
        check(broken, codes)
    with pytest.raises(GateError):
        check(codes, broken)


def test_other_labels_and_pictures_fail():
    labels = np.zeros((2, 10, 10), np.uint8)
    with pytest.raises(GateError, match="agreement 0"):
        check(labels + 1, labels)
    image = np.zeros((2, 4, 4, 3), np.uint8)
    with pytest.raises(GateError, match="psnr"):
        check(image + 20, image)


def test_wrong_shape_fails():
    with pytest.raises(GateError, match="gives"):
        check(np.ones((2, 4), np.float32), np.ones((2, 5), np.float32))
