from pathlib import Path

import pytest

from oviton.data.errors import InputError
from oviton.networks.precision import resolve_precision
from oviton.training.machine import resolve_device
from oviton.training.options import TrainOptions, parse_weights


def test_weights_are_filled_up_with_defaults():
    options = TrainOptions("shape", Path("d"), Path("c"), weights=parse_weights(["dice=0.5", "lsgan = 1e-2"]))
    assert options.weights == {"ce": 1, "dice": 0.5, "lsgan": 0.01, "feature_matching": 0, "perceptual": 0}


@pytest.mark.parametrize("text", ["dice", "dice=", "dice=x"])
def test_weight_that_is_no_number_is_told(text):
    with pytest.raises(InputError, match="not NAME=NUMBER"):
        parse_weights([text])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"weights": {"l1": 1.0}}, "weight 'l1' is unknown; allowed for shape: ce, dice"),
        ({"weights": {"dice": -1.0}}, "weight dice is -1"),
        ({"weights": {"dice": float("nan")}}, "weight dice is nan"),
        ({"weights": {"ce": 0.0, "dice": 0.0}}, "every term of the loss has weight 0"),
        ({"batch": 0}, "batch is 0; allowed: 1 and more"),
        ({"learning_rate": 0.0}, "learning rate 0 given"),
    ],
)
def test_bad_options_are_told(changed, told):
    with pytest.raises(InputError, match=told):
        TrainOptions("shape", Path("d"), Path("c"), **changed)


def test_what_may_change_is_no_setting():
    one = TrainOptions("shape", Path("d"), Path("c"))
    other = TrainOptions("shape", Path("e"), Path("f"), steps=9, threads=3, save_every=1, sheet_every=2, cache_bytes=5)
    assert one.settings() == other.settings()
    assert one.settings() != TrainOptions("shape", Path("d"), Path("c"), batch=2).settings()


@pytest.mark.parametrize(
    ("ask", "told"), [(resolve_device, "device"), (lambda n: resolve_precision(n, "cpu"), "precision")]
)
def test_unknown_machines_are_told(ask, told):
    with pytest.raises(InputError, match=f"{told} 'abacus' is unknown; allowed: auto"):
        ask("abacus")


def test_named_precision_is_kept():
    assert resolve_precision("fp32", "cpu") == "fp32"
    assert resolve_precision("auto", "cpu") in ("fp32", "bf16")
    assert resolve_device("cpu") == "cpu"
