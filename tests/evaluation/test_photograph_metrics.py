"""Numbers of looks of which no truth is known."""

import numpy as np
import pytest
import torch

from oviton.data.classes import CLASS_IDS
from oviton.evaluation.photograph_metrics import (
    bared_limbs,
    colour_difference,
    lookup_over,
    pieces,
    roughness,
    texture_difference,
)

ARM, TOP = CLASS_IDS["left_arm"], CLASS_IDS["upper_clothes"]


def disc(radius=40, size=100):
    y, x = np.mgrid[:size, :size] - size / 2
    return x**2 + y**2 < radius**2


def test_pieces_are_counted_without_specks():
    mask = np.zeros((100, 100), bool)
    mask[10:30, 10:30] = mask[30:40, 30:40] = True  # they touch at a corner
    mask[60:70, 60:70] = True
    mask[90, 90] = True
    assert pieces(mask) == 2
    assert pieces(np.zeros((100, 100), bool)) == 0


def test_a_ragged_outline_is_rougher_than_a_disc():
    assert roughness(disc()) == pytest.approx(4 * np.pi, rel=0.1)
    ragged = disc()
    ragged[::4] &= disc(33)[::4]
    assert roughness(ragged) > 2 * roughness(disc())


def test_a_bared_limb_as_wide_as_the_old_sleeve_is_told():
    body = np.zeros((100, 50, 3), np.uint8)
    body[20:60, 20:25, 0] = 15
    old, exact, wide = (np.zeros((100, 50), np.uint8) for _ in range(3))
    old[20:60, 15:30] = TOP
    exact[20:60, 20:25] = ARM
    wide[20:60, 15:30] = ARM
    assert bared_limbs(exact, old, body) == {"left_arm": 1.0}
    assert bared_limbs(wide, old, body) == {"left_arm": pytest.approx(1 / 3)}
    sleeve = exact.copy()
    sleeve[20:40, 20:25] = TOP  # no arm is expected below it
    assert bared_limbs(sleeve, old, body) == {"left_arm": 1.0}
    assert bared_limbs(exact, exact, body) == {}  # it was bare before


def test_colours_differ_as_cie76_says():
    skimage = pytest.importorskip("skimage")
    one, other = np.full((4, 4, 3), (200, 40, 40), np.uint8), np.full((4, 4, 3), (40, 40, 200), np.uint8)
    everywhere = np.ones((4, 4), bool)
    lab = [skimage.color.rgb2lab(each[0, 0] / 255) for each in (one, other)]
    assert colour_difference(one, everywhere, other, everywhere) == pytest.approx(np.linalg.norm(lab[0] - lab[1]))
    assert colour_difference(one, everywhere, one, everywhere) == 0


def test_texture_is_compared_wherever_it_lies():
    features = torch.zeros(2, 2, 8, 8)
    features[0, 0], features[1, 1] = 1, 1
    left, right = np.zeros((16, 16), bool), np.zeros((16, 16), bool)
    left[:, :8], right[:, 8:] = True, True
    assert texture_difference([features], [left, right]) == pytest.approx(2, rel=1e-4)
    features[1, 0, :, 4:], features[1, 1, :, 4:] = 1, 0
    assert texture_difference([features], [left, right]) == pytest.approx(0, abs=1e-6)


def test_a_lookup_is_painted_where_it_knows_something():
    flat = np.full((2, 2, 3), 100, np.uint8)
    lookup = np.zeros((4, 2, 2), np.float32)
    lookup[:, 0, 0] = (1, 1, 1, 1)
    lookup[:, 0, 1] = (0.5, 0.5, 0.5, 0.5)  # white, half of it
    lookup[:, 1, 0] = (1, 1, 1, 1)
    painted = lookup_over(flat, lookup, np.array([[True, True], [False, True]]))
    assert painted[..., 0].tolist() == [[255, 178], [100, 100]]
