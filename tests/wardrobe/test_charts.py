import numpy as np
import pytest

from oviton.data.classes import CLASS_IDS
from oviton.wardrobe.body import body_model
from oviton.wardrobe.charts import body_map, skin_labels

MIRRORED_PARTS = {3: 4, 5: 6, 7: 8, 9: 10, 11: 12, 13: 14, 15: 16, 17: 18, 19: 20, 21: 22, 23: 24}


@pytest.fixture(scope="module")
def skin():
    return body_model().skin.anatomy


def test_every_part_is_there_and_each_on_its_side(skin):
    part = body_map(skin)[:, 0]
    assert set(np.unique(part)) == set(range(1, 25))
    for right, left in MIRRORED_PARTS.items():
        odd_is_right = right not in (5, 15, 17, 19, 21)  # DensePose numbers feet and arms the other way round
        first, second = (right, left) if odd_is_right else (left, right)
        assert (skin.x[part == first] <= 0).all()
        assert (skin.x[part == second] > 0).all()


def test_labels_fit_parts(skin):
    part, label = body_map(skin)[:, 0], skin_labels(skin)
    assert set(label[part == 4]) == {CLASS_IDS["left_arm"]}
    assert set(label[part == 6]) == {CLASS_IDS["right_leg"]}
    assert set(label[np.isin(part, (23, 24))]) == {CLASS_IDS["face"]}
    assert set(label[np.isin(part, (1, 2))]) == {CLASS_IDS["torso_skin"]}


def test_front_and_back_are_told_apart(skin):
    part = body_map(skin)[:, 0]
    assert skin.y[part == 2].mean() < -0.03 < 0.03 < skin.y[part == 1].mean()
    assert skin.y[part == 10].mean() < skin.y[part == 8].mean()


def test_coordinates_tell_places_of_a_part_apart(skin):
    found = body_map(skin).astype(int)
    for part in range(1, 25):
        rows = found[:, 0] == part
        spread = np.ptp(found[rows, 1:], axis=0)
        assert (spread > 60).all(), part
        # Points with nearly equal coordinates lie close together.
        chart, place = found[rows, 1:], skin.values[rows, :3]
        near = np.abs(chart - chart[0]).max(axis=1) <= 4
        assert np.linalg.norm(place[near] - place[0], axis=1).max() < 0.09, part
