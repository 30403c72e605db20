import pytest

from oviton.networks.config import PRESETS, preset
from oviton.networks.macs import count_gmacs

# Giga multiply-accumulates for one request with one garment. A change here must be meant.
PINNED = {
    ("paper", "codes"): (2.124, 125.853, 9.632, 128.086),
    ("paper", "surface"): (71.507, 2.124, 134.074, 9.632, 148.638),
    ("base", "codes"): (0.130, 0.668, 0.262, 6.759),
    ("base", "surface"): (1.103, 0.130, 0.700, 0.262, 7.724),
    ("small", "codes"): (0.130, 0.500, 1.047, 1.690),
    ("small", "surface"): (1.103, 0.130, 0.532, 1.047, 1.932),
    ("tiny", "codes"): (0.00250, 0.01677, 0.00711, 0.01034),
    ("tiny", "surface"): (0.02310, 0.00250, 0.01804, 0.00711, 0.01485),
}


@pytest.mark.parametrize(("name", "conditioning"), PINNED)
def test_gmacs_are_pinned(name, conditioning):
    counts = count_gmacs(preset(name).with_conditioning(conditioning))
    assert tuple(counts.values())[:-1] == pytest.approx(PINNED[name, conditioning], rel=0.01)
    # It has no network; what it multiplies are the columns of colour errors, interpolated from blocks.
    blocks = preset(name).height // 4 * (preset(name).width // 4)
    assert counts["compositor"] == pytest.approx(9 * blocks * preset(name).width / 1e9)


def test_every_preset_is_pinned():
    assert {name for name, _ in PINNED} == set(PRESETS)


def test_exact_saving_at_paper_size():
    # The naive first convolution over 200 upsampled channels alone costs 82.2 GMACs; all else is about 125.7.
    naive = 200 * 49 * 64 * 512 * 256 / 1e9
    saved = preset("paper")
    assert naive == pytest.approx(82.2, abs=0.1)
    grid = 200 * 9 * 64 * 49 * 32 / 1e9
    assert naive / grid > 400
    assert count_gmacs(saved)["shape_generator"] < 208 - naive + 1


def test_work_grows_with_requests_and_garments():
    one, two = count_gmacs(preset("tiny")), count_gmacs(preset("tiny"), requests=2, garments=3)
    assert two["appearance_generator"] == pytest.approx(2 * one["appearance_generator"])
    # Classes are selected before encoding, so garments add nothing to the shape encoder.
    assert two["shape_encoder"] == pytest.approx(2 * one["shape_encoder"])
    assert two["appearance_encoder"] == pytest.approx(4 * one["appearance_encoder"], rel=0.05)
