"""Atlases against dictionaries of texels."""

import numpy as np
import pytest
import torch

from oviton.networks.correspondence.atlas import enter, has_coordinates, read_levels, texel_index
from oviton.networks.push_pull import push


@pytest.fixture
def rng():
    return np.random.default_rng(2)


def int32(array):
    return torch.from_numpy(np.asarray(array)).to(torch.int32)


def test_a_pixel_has_coordinates_on_the_body_unless_both_are_zero():
    points = [(0, 0, 0), (0, 9, 9), (3, 0, 0), (3, 0, 1), (24, 255, 0), (24, 255, 255)]
    assert has_coordinates(*int32(points).T).tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("texels", [1, 8, 24, 128])
def test_every_texel_of_every_chart_has_its_own_number(texels):
    chart, u, v = np.meshgrid(np.arange(25), np.arange(256), np.arange(256), indexing="ij")
    found = texel_index(int32(chart), int32(u), int32(v), texels).numpy()
    expected = np.ravel_multi_index((chart, u * texels // 256, v * texels // 256), (25, texels, texels))
    assert np.array_equal(found, expected)


def test_what_is_entered_lies_where_it_was_entered(rng):
    values, index = rng.integers(1, 99, (2, 12)), rng.permuted(np.tile(np.arange(20), (2, 1)), axis=1)[:, :12]
    expected = np.zeros((2, 20), int)
    np.put_along_axis(expected, index, values, axis=1)
    found = enter(int32(values), int32(index), 20)
    assert found.dtype == torch.int32
    assert np.array_equal(found, expected)


def test_of_pixels_on_one_texel_one_stays():
    assert enter(int32([[5, 6, 7]]), int32([[2, 2, 0]]), 4)[0, 2] in (5, 6)


@pytest.mark.parametrize("dtype", [torch.int32, torch.float32])
def test_pixels_read_the_finest_level_that_knows_their_texel(rng, dtype):
    atlas = rng.integers(1, 9, (3, 8, 8)) * (rng.random((3, 8, 8)) < 0.1)
    chart, u, v = rng.integers(0, 3, 500), *rng.integers(0, 256, (2, 500))
    wanted = rng.integers(0, 2, 500)

    def largest(level):
        return level.unflatten(1, (-1, 2)).unflatten(3, (-1, 2)).amax(dim=(2, 4))

    levels = push(torch.from_numpy(atlas).to(dtype), 3, largest)
    texel = [int32(each) for each in (chart, u, v)]
    values, confidence = read_levels(levels, lambda size: texel_index(*texel, size), int32(wanted))
    assert values.dtype == dtype
    assert confidence.dtype == torch.float32
    for pixel in range(500):
        expected = 0, 0
        for level in range(4) if wanted[pixel] else ():
            size = 2**level
            row, column = (each[pixel] * 8 // 256 // size * size for each in (u, v))
            block = atlas[chart[pixel], row : row + size, column : column + size]
            if block.any():
                expected = block.max(), 0.8**level
                break
        assert (values[pixel], confidence[pixel]) == pytest.approx(expected)
