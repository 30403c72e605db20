import numpy as np
import pytest

from oviton.wardrobe.backdrop import BACKDROP_KINDS, Backdrop, sample_backdrop


@pytest.mark.parametrize("kind", BACKDROP_KINDS)
def test_every_kind_is_a_picture_and_looks_the_same_at_any_size(kind):
    for seed in (2, 3):
        backdrop = Backdrop(kind, seed)
        large, small = backdrop.render(256, 128), backdrop.render(128, 64)
        assert large.shape == (256, 128, 3)
        assert large.dtype == np.float32
        assert large.min() >= 0
        assert large.max() <= 1
        averaged = large.reshape(128, 2, 64, 2, 3).mean((1, 3))
        assert np.abs(averaged - small).mean() < 0.01
        np.testing.assert_array_equal(large, Backdrop(kind, seed).render(256, 128))


@pytest.mark.parametrize("size", [(40, 100), (64, 64), (600, 300)])
def test_any_shape_is_filled(size):
    assert Backdrop("room", 4).render(*size).shape == (*size, 3)


def test_sampling_follows_the_generator_and_keeps_evaluation_apart():
    draws = [[sample_backdrop(rng) for _ in range(30)] for rng in (np.random.default_rng(1), np.random.default_rng(1))]
    assert draws[0] == draws[1]
    assert not any(backdrop.held_out for backdrop in draws[0])
    rng = np.random.default_rng(1)
    assert all(sample_backdrop(rng, held_out=True).held_out for _ in range(30))


def test_most_backdrops_are_plain_and_light():
    rng = np.random.default_rng(0)
    kinds = [sample_backdrop(rng).kind for _ in range(400)]
    assert sum(kind in ("seamless", "gradient", "sweep") for kind in kinds) > 180
    light = [Backdrop("seamless", 2 * seed).render(16, 8).mean() for seed in range(30)]
    assert np.median(light) > 0.65
