import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from oviton.networks.push_pull import doubled, halved, pull, push


@pytest.fixture
def picture():
    return np.random.default_rng(0).normal(size=(2, 3, 16, 8)).astype(np.float32)


def test_each_level_averages_the_finer_one(picture):
    pyramid = push(torch.from_numpy(picture), 3)
    assert [tuple(level.shape[2:]) for level in pyramid] == [(16, 8), (8, 4), (4, 2), (2, 1)]
    for halvings, level in enumerate(pyramid):
        size = 2**halvings
        blocks = picture.reshape(2, 3, 16 // size, size, 8 // size, size)
        assert np.allclose(level, blocks.mean(axis=(3, 5)), atol=1e-6)


def test_levels_may_be_made_in_another_way(picture):
    pyramid = push(torch.from_numpy(picture), 2, lambda level: level[..., ::2, 1::2])
    assert np.array_equal(pyramid[2], picture[..., ::4, 3::4])


def test_doubling_interpolates_between_the_middles_of_pixels(picture):
    rows, columns = ((np.arange(2 * n) + 0.5) / 2 - 0.5 for n in (16, 8))
    grid = np.meshgrid(rows.clip(0, 15), columns.clip(0, 7), indexing="ij")
    found = doubled(torch.from_numpy(picture))
    assert np.allclose(found[1, 2], map_coordinates(picture[1, 2], grid, order=1), atol=1e-5)


def test_what_a_level_does_not_know_comes_from_the_next_coarser_one_that_does():
    def repeated(level):
        return level.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3) - 1

    values = [torch.full((1, 1, 8 >> k, 4 >> k), 100.0 * (k + 1)) for k in range(3)]
    known = [torch.zeros_like(each, dtype=torch.bool) for each in values[:2]]
    known[0][..., :2, :2] = True
    known[1][..., :3, :] = True
    filled = pull(list(zip(values[:2], known, strict=True)), values[2], repeated)
    expected = torch.full((8, 4), 298.0)
    expected[:6], expected[:2, :2] = 199.0, 100.0
    assert torch.equal(filled[0, 0], expected)


def test_a_known_level_may_be_one_number(picture):
    fine = torch.from_numpy(picture) > 0
    filled = pull([(1.0, fine)], halved(torch.from_numpy(picture)), lambda level: doubled(level) * 0)
    assert torch.equal(filled, fine.float())
