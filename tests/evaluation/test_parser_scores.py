"""Scores of a person parser against plain counting."""

import numpy as np
import pytest

from oviton.evaluation.parser_scores import BodyScores, LabelScores, see
from oviton.prepare.preparer import Preparer


def test_labels_are_counted_over_pictures_and_unknown_pixels_are_left_out() -> None:
    rng = np.random.default_rng(3)
    scores = LabelScores()
    pairs = [(rng.integers(0, 4, (40, 50)), rng.choice([0, 1, 2, 255], (40, 50))) for _ in range(2)]
    for seen, truth in pairs:
        scores.add(seen.astype(np.uint8), truth.astype(np.uint8))
    seen, truth = (np.concatenate([pair[i] for pair in pairs]) for i in (0, 1))
    seen, truth = seen[truth != 255], truth[truth != 255]
    assert scores.accuracy == pytest.approx((seen == truth).mean())
    wanted = [((seen == c) & (truth == c)).sum() / ((seen == c) | (truth == c)).sum() for c in range(3)]
    assert list(scores.iou.values()) == pytest.approx(wanted)
    assert list(scores.iou) == ["background", "hat", "hair"]  # the fourth was only seen
    assert scores.miou == pytest.approx(np.mean(wanted))


def test_body_maps_are_compared_where_the_part_is_right() -> None:
    truth = np.zeros((2, 3, 3), np.uint8)
    truth[0] = [(1, 100, 50), (2, 100, 50), (3, 100, 50)]
    seen = truth.copy()
    seen[0, 0] = (1, 151, 50)
    seen[0, 1] = (4, 0, 0)
    seen[1, 1] = (5, 9, 9)
    scores = BodyScores()
    scores.add(seen, truth)
    assert scores.parts == [pytest.approx(2 / 3)]
    assert scores.u == [pytest.approx(51 / 255 / 2)]
    assert scores.v == [0]


def test_the_second_look_comes_back_to_the_person_in_the_photograph() -> None:
    """A parser that takes what is bright for a shirt and for somebody's back labels just that."""

    def parse(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        bright = image[..., 0] > 180
        labels = bright.astype(np.uint8) * np.uint8(5)
        people = np.zeros((5, image.shape[0] // 4, image.shape[1] // 4), np.uint8)
        there = bright[1::4, 1::4]
        rows, columns = np.nonzero(there)
        people[0] = there * np.uint8(255)
        shares = [columns + 0.5 - columns.min(), rows + 0.5 - rows.min()]
        shares += [columns.max() + 0.5 - columns, rows.max() + 0.5 - rows]
        people[1:, rows, columns] = np.rint(np.stack(shares) / people.shape[1] * 255)
        return labels, np.repeat(bright[..., None], 3, axis=2).astype(np.uint8), people

    photograph = np.full((300, 500, 3), 20, np.uint8)
    photograph[100:250, 350:420] = 240
    preparer = Preparer(parse, (256, 160), lambda: None)
    labels, body = see(photograph, preparer)
    person = photograph[..., 0] > 100
    assert ((labels == 5) != person).sum() < 0.02 * person.sum()
    assert ((body[..., 0] == 1) != person).sum() < 0.02 * person.sum()


def test_an_empty_photograph_has_no_person() -> None:
    nothing = (np.zeros((64, 32), np.uint8), np.zeros((64, 32, 3), np.uint8), np.zeros((5, 16, 8), np.uint8))
    labels, body = see(np.zeros((90, 70, 3), np.uint8), Preparer(lambda image: nothing, (64, 32), lambda: None))
    assert labels.shape == (90, 70)
    assert body.shape == (90, 70, 3)
    assert not labels.any()
