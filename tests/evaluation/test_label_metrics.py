import numpy as np
import pytest

from oviton.data.classes import CLASS_IDS
from oviton.evaluation.label_metrics import changed_iou, identity_pixels, iou, mean_iou, visible

TOP, FACE, HAIR, ARM = (CLASS_IDS[name] for name in ("upper_clothes", "face", "hair", "left_arm"))


def test_iou_agrees_with_sets():
    rng = np.random.default_rng(0)
    truth, drawn = (rng.integers(0, 4, (20, 30)).astype(np.uint8) for _ in range(2))
    for c in range(4):
        true, ours = ({tuple(p) for p in np.argwhere(labels == c)} for labels in (truth, drawn))
        assert iou(drawn, truth, c) == pytest.approx(len(true & ours) / len(true | ours))
    assert mean_iou(drawn, truth) == pytest.approx(np.mean([iou(drawn, truth, c) for c in range(4)]))
    assert mean_iou(truth, truth) == 1


def test_small_classes_do_not_count():
    truth = np.zeros((20, 20), np.uint8)
    truth[0, :19] = TOP
    truth[1, :] = FACE
    drawn = np.where(truth == TOP, 0, truth).astype(np.uint8)
    assert visible(truth, (TOP, FACE)) == (FACE,)
    assert mean_iou(drawn, truth) == pytest.approx((361 / 380 + 1) / 2)


def test_identity_is_what_the_outfit_leaves():
    labels = np.array([[0, FACE, HAIR, ARM, ARM, TOP]], np.uint8)
    densepose = np.zeros((1, 6, 3), np.uint8)
    densepose[0, 3:, 0] = (4, 15, 4)  # a hand, an arm, a hand under the top
    source = np.zeros(20, np.int32)
    assert identity_pixels(labels, densepose, source).tolist() == [[True, True, True, True, False, False]]
    source[HAIR] = 1
    assert identity_pixels(labels, densepose, source).tolist() == [[True, True, False, True, False, False]]


def test_what_comes_and_goes_is_compared():
    old = np.array([[1, 1, 2, 2, 0]], np.uint8)
    truth = np.array([[1, 3, 3, 2, 0]], np.uint8)
    assert changed_iou(truth, truth, old) == 1
    assert changed_iou(old, truth, old) == 0
    assert changed_iou(np.array([[1, 3, 4, 2, 0]], np.uint8), truth, old) == 1 / 2  # one is drawn as another class
    assert changed_iou(np.array([[3, 3, 3, 2, 0]], np.uint8), truth, old) == 2 / 3  # one too many
