import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oviton.data.classes import CLASS_IDS
from oviton.runtime.subject import find_subject

TOP, FACE, PANTS, HAT = (CLASS_IDS[name] for name in ("upper_clothes", "face", "pants", "hat"))
SHOES = CLASS_IDS["left_shoe"], CLASS_IDS["right_shoe"]


def figure(labels, left, right, top=10, bottom=90, worn=TOP):
    """Draw somebody with a head."""
    labels[top:bottom, left:right] = worn
    labels[top : top + 8, left:right] = FACE


def body_of(labels, *columns):
    body = np.zeros((*labels.shape, 3), np.uint8)
    for part in columns:
        body[:, part, 0] = np.where(labels[:, part] > 0, 2, 0)
    return body


def test_nobody():
    empty = np.zeros((5, 7), np.uint8)
    assert find_subject(empty, None) is None
    assert find_subject(empty, np.zeros((5, 7, 3), np.uint8)) is None


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_one_figure_is_all_that_is_marked(height, width, seed):
    """Whatever a parser tore apart below or above, or by a crack, is one figure."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((height, width), np.uint8)
    columns = slice(*sorted(rng.choice(width + 1, 2, replace=False)))
    labels[:, columns] = rng.choice([0, 0, TOP], labels[:, columns].shape)
    labels[rng.integers(height), columns] = FACE
    body = np.zeros((height, width, 3), np.uint8)
    body[rng.integers(height), columns, 0] = 1
    marked = (labels > 0) | (body[..., 0] > 0)
    rows = np.flatnonzero(marked.any(axis=1))
    found = find_subject(labels, body)
    assert found.box == (columns.start, rows[0], columns.stop, rows[-1] + 1)
    assert not found.company
    assert found.alone(labels) is labels
    assert found.alone(body) is body


def test_the_larger_of_two_without_a_body_map():
    labels = np.zeros((100, 100), np.uint8)
    figure(labels, 5, 25)
    figure(labels, 60, 90)
    found = find_subject(labels, None)
    assert found.box == (60, 10, 90, 90)
    assert found.company
    alone = labels.copy()
    alone[:, :40] = 0
    assert np.array_equal(found.alone(labels), alone)


@pytest.mark.parametrize(("columns", "box"), [((5, 25), (5, 10, 25, 90)), ((60, 90), (60, 10, 90, 90))])
def test_the_one_whom_the_body_map_marks(columns, box):
    labels = np.zeros((100, 100), np.uint8)
    figure(labels, 5, 25)
    figure(labels, 60, 90)
    assert find_subject(labels, body_of(labels, slice(*columns))).box == box


def test_a_garment_is_taken_from_who_wears_it():
    labels = np.zeros((100, 100), np.uint8)
    figure(labels, 5, 25)
    figure(labels, 60, 90)
    labels[10:12, 5:25] = HAT
    assert find_subject(labels, None, [HAT]).box == (5, 10, 25, 90)
    assert find_subject(labels, body_of(labels, slice(60, 90)), [HAT]).box == (5, 10, 25, 90)
    assert find_subject(labels, body_of(labels, slice(5, 25)), [TOP]).box == (5, 10, 25, 90)


@pytest.mark.parametrize("classes", [(PANTS, PANTS), SHOES])
def test_two_legs_or_shoes_are_not_two_people(classes):
    labels = np.zeros((100, 100), np.uint8)
    labels[:, 10:25], labels[:, 60:80] = classes
    found = find_subject(labels, None)
    assert found.box == (10, 0, 80, 100)
    assert found.alone(labels) is not labels or not found.others


def test_what_has_no_head_goes_with_the_nearest():
    labels = np.zeros((100, 200), np.uint8)
    figure(labels, 10, 30)
    labels[40:50, 40:50] = PANTS
    figure(labels, 100, 140)
    labels[40:50, 80:90] = PANTS
    found = find_subject(labels, None)
    assert found.box == (80, 10, 140, 90)
    left = labels.copy()
    left[:, 60:] = 0
    assert np.array_equal(labels - found.alone(labels), left)


def test_a_speck_is_nobody():
    labels = np.zeros((100, 100), np.uint8)
    figure(labels, 5, 45)
    labels[50, 95] = FACE
    found = find_subject(labels, None)
    assert found.box == (5, 10, 45, 90)
    assert not found.company
    assert find_subject(labels, None, [HAT, FACE]).box == (5, 10, 45, 90)


def test_a_bystander_on_the_body_map_alone_is_no_company():
    labels = np.zeros((100, 100), np.uint8)
    figure(labels, 60, 90)
    body = body_of(labels, slice(60, 90))
    body[10:90, 5:25, 0] = 2
    body[10:20, 5:25, 0] = 23
    found = find_subject(labels, body)
    assert found.box == (60, 10, 90, 90)
    assert not found.company
    assert found.alone(body)[:, :40].max() == 0
    assert np.array_equal(found.alone(body)[:, 40:], body[:, 40:])
