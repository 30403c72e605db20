import numpy as np
import pytest

from oviton.wardrobe.body import HELD_OUT_BODIES, body_model
from oviton.wardrobe.pose import rotation, sample_pose


@pytest.fixture(scope="module")
def model():
    return body_model()


def test_without_rotations_the_pose_is_the_rest_pose(model):
    figure = model.figure(3, {})
    assert np.allclose(figure.pose(figure.rest, model.weights), figure.rest, atol=2e-3)


def test_turning_the_root_turns_the_whole_body_rigidly(model):
    plain = model.figure(5, {})
    turned = model.figure(5, {"root": rotation((0, 0, 1), 90)})
    before, after = plain.pose(plain.rest, model.weights), turned.pose(turned.rest, model.weights)
    some = np.arange(0, 13000, 997)
    distances = [np.linalg.norm(p[some][:, None] - p[some], axis=2) for p in (before, after)]
    assert np.allclose(*distances, atol=5e-3)
    assert np.ptp(after[some, 1]) > 2 * np.ptp(after[some, 0])  # what was wide is now deep


def test_bending_an_elbow_moves_that_arm_only(model):
    figure = model.figure(2, {"lowerarm01.L": rotation((1, 0, 0), -90)})
    moved = np.linalg.norm(figure.pose(figure.rest, model.weights) - figure.rest, axis=1)
    a = model.anatomy
    assert moved[(a.hand > 0.9) & (a.x > 0)].min() > 0.1
    assert moved[(a.x < 0)].max() < 0.01
    assert moved[(a.leg > 0.5)].max() < 0.01


def test_people_differ_in_build_and_some_are_held_out(model):
    heights = [np.ptp(model.figure(i, {}).rest[:13000, 2]) for i in range(0, 40)]
    assert 1.4 < min(heights) < max(heights) < 2.1
    assert max(heights) - min(heights) > 0.15
    assert 0 < HELD_OUT_BODIES < model.people


def test_left_is_left(model):
    a = model.anatomy
    left_wrist = model.bones.index("wrist.L")
    assert (a.x[model.weights[:, left_wrist] > 0.9] > 0).all()


def test_a_skinned_vertex_is_the_weighted_mean_of_its_bones(model):
    figure = model.figure(7, sample_pose(np.random.default_rng(1)))
    found = figure.pose(figure.rest, model.weights)
    for v in range(0, 13000, 1301):
        point = np.append(figure.rest[v], 1)
        expected = sum(w * (figure.transforms[b] @ point)[:3] for b, w in enumerate(model.weights[v]))
        assert np.allclose(found[v], expected, atol=2e-3)


@pytest.mark.parametrize("axis", [(1, 0, 0), (0.3, -2, 1)])
def test_rotations_are_rotations(axis):
    matrix = rotation(axis, 37)
    assert np.allclose(matrix @ matrix.T, np.eye(3))
    assert np.isclose(np.linalg.det(matrix), 1)
    assert np.allclose(matrix @ np.asarray(axis), axis)
    assert np.isclose(np.trace(matrix), 1 + 2 * np.cos(np.radians(37)))
