from dataclasses import astuple

import numpy as np

from oviton.wardrobe.skin import sample_complexion


def test_colours_are_colours_and_follow_the_generator():
    for held_out in (False, True):
        first = sample_complexion(np.random.default_rng(4), held_out)
        assert first == sample_complexion(np.random.default_rng(4), held_out)
        values = np.array(astuple(first))
        assert values.shape == (5, 3)
        assert values.min() >= 0
        assert values.max() <= 1
    assert sample_complexion(np.random.default_rng(4), True) != sample_complexion(np.random.default_rng(4), False)


def test_tones_range_from_fair_to_deep_and_look_like_skin():
    rng = np.random.default_rng(0)
    skin = np.array([sample_complexion(rng).skin for _ in range(400)])
    assert skin.mean(1).min() < 0.3
    assert skin.mean(1).max() > 0.75
    assert (skin[:, 0] > skin[:, 1]).all()  # redder than green, greener than blue
    assert (skin[:, 1] > skin[:, 2] - 0.02).all()


def test_lips_are_redder_than_skin():
    rng = np.random.default_rng(0)
    for _ in range(50):
        person = sample_complexion(rng)
        assert person.lips[0] / person.lips[1] > person.skin[0] / person.skin[1]
