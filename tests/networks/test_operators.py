"""Engine idioms against NumPy, or what PyTorch offers for the same."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from oviton.data.classes import TOPS
from oviton.networks.operators import (
    block_sums,
    class_mask,
    crop,
    largest_channel,
    neighbour_sums,
    numbered,
    one_hot,
    pick,
    planes,
    quotient,
    read_flat,
    read_rows,
    read_values,
    reflect,
    sort_rows,
    to_uint8_image,
    upsampled_rows,
)


@pytest.fixture
def rng():
    return np.random.default_rng(4)


@pytest.mark.parametrize("levels", [2, 5, 1_000_000])
def test_the_largest_channel_is_the_first_of_equals(rng, levels):
    x = rng.integers(-levels, levels, (2, 20, 9, 7)).astype(np.float32)
    x[:, 3] = -1e4
    allowance = rng.integers(-levels, levels, (2, 9, 7)).astype(np.float32)
    found = largest_channel(torch.from_numpy(x), {5: torch.from_numpy(allowance)})
    x[:, 5] += allowance
    assert found.dtype == torch.int32
    assert np.array_equal(found.numpy(), x.argmax(axis=1))


def test_the_largest_of_equal_channels_is_the_first():
    assert not largest_channel(torch.full((1, 20, 2, 2), -1e4), {}).any()


def test_values_are_read_from_one_table_or_each_requests_own(rng):
    index = rng.integers(0, 6, (3, 4, 5), dtype=np.uint8)
    one, own = rng.random(6, np.float32), rng.random((3, 6), np.float32)
    assert np.array_equal(read_values(torch.from_numpy(one), torch.from_numpy(index)), one[index])
    expected = np.stack([table[places] for table, places in zip(own, index, strict=True)])
    assert np.array_equal(read_values(torch.from_numpy(own), torch.from_numpy(index)), expected)


def test_rows_are_read_from_each_requests_table(rng):
    index, table = rng.integers(0, 6, (3, 4, 5)), rng.random((3, 6, 2), np.float32)
    expected = np.stack([rows[places] for rows, places in zip(table, index, strict=True)])
    assert np.array_equal(read_rows(torch.from_numpy(table), torch.from_numpy(index)), expected)
    assert np.array_equal(read_rows(torch.from_numpy(table[:1]), torch.from_numpy(index)), table[0][index])


@pytest.mark.parametrize("size", [1, 2, 4])
def test_blocks_are_added_up(rng, size):
    x = rng.integers(0, 256, (2, 8, 12, 3)).astype(np.float32)
    expected = x.reshape(2, 8 // size, size, 12 // size, size, 3).sum(axis=(2, 4))
    assert np.array_equal(block_sums(torch.from_numpy(x), size).numpy(), expected)


def test_quotients_of_integers_are_rounded_down_whatever_their_size(rng):
    x, divisor = rng.integers(0, 2**31, (3, 5), dtype=np.int32), rng.integers(1, 2**20, (3, 5), dtype=np.int32)
    assert np.array_equal(quotient(torch.from_numpy(x), torch.from_numpy(divisor)).numpy(), x // divisor)
    assert np.array_equal(quotient(torch.from_numpy(x), 255).numpy(), x // 255)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_rows_of_each_requests_table_are_numbered_through(rng, dtype):
    index = rng.integers(0, 7, (3, 4, 5)).astype(dtype)
    found = numbered(torch.from_numpy(index), torch.zeros(3, 7, 2))
    assert found.dtype == torch.int32
    assert np.array_equal(found, index + np.arange(3)[:, None, None] * 7)


def test_a_table_of_any_shape_is_read_as_if_flat(rng):
    table, index = rng.random((3, 4, 5), np.float32), rng.integers(0, 60, (2, 6))
    assert np.array_equal(read_flat(torch.from_numpy(table), torch.from_numpy(index)), table.ravel()[index])


def test_each_request_picks_among_its_own_photographs(rng):
    photographs, number = rng.integers(0, 99, (3, 4, 2, 5)), rng.integers(0, 4, (3, 7))
    expected = np.stack([own[numbers] for own, numbers in zip(photographs, number, strict=True)])
    assert np.array_equal(pick(torch.from_numpy(photographs), torch.from_numpy(number)), expected)


def test_labels_become_a_one_at_their_class(rng):
    labels = rng.integers(0, 20, (2, 4, 3), dtype=np.uint8)
    found = one_hot(torch.from_numpy(labels), 20, torch.float16)
    assert found.dtype == torch.float16
    assert np.array_equal(found.permute(0, 2, 3, 1), np.eye(20)[labels])


def test_a_class_mask_holds_its_classes():
    mask = class_mask(TOPS, torch.device("cpu"))
    assert mask.shape == (1, 20)
    assert set(torch.nonzero(mask[0]).flatten().tolist()) == set(TOPS)


def test_planes_are_channels_by_themselves(rng):
    x = torch.from_numpy(rng.integers(0, 99, (2, 4, 5, 3)))
    assert torch.equal(planes(x), torch.stack([x[..., 0], x[..., 1], x[..., 2]]))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.float16])
def test_any_two_axes_are_padded_by_reflection(rng, dtype):
    x = rng.integers(0, 99, (2, 6, 5, 3))
    found = reflect(torch.from_numpy(x).to(dtype), 3, (1, 2))
    assert np.array_equal(found, np.pad(x, ((0, 0), (3, 3), (3, 3), (0, 0)), mode="reflect"))
    assert torch.equal(reflect(found, 0, (1, 2)), found)


def test_what_is_padded_can_be_cropped(rng):
    x = torch.from_numpy(rng.random((2, 3, 6, 5)))
    assert torch.equal(crop(F.pad(x, (2, 2, 2, 2)), 2), x)
    assert torch.equal(crop(x, 0), x)


@pytest.mark.parametrize(("axis", "count"), [(1, 1), (1, 3), (2, 5)])
def test_neighbours_along_an_axis_are_added(rng, axis, count):
    x = rng.integers(0, 99, (2, 7, 6))
    expected = np.lib.stride_tricks.sliding_window_view(x, count, axis).sum(axis=-1)
    assert np.array_equal(neighbour_sums(torch.from_numpy(x), axis, count), expected)


def test_colours_are_rounded_to_the_nearest_byte_and_clipped():
    levels = torch.tensor([-2.0, -1.0, -1 + 0.4 / 127.5, -1 + 0.6 / 127.5, 0.0, 1.0, 3.0]).view(1, 1, 1, 7)
    found = to_uint8_image(levels.expand(1, 3, 1, 7))
    assert found.dtype == torch.uint8
    assert found[0, 0, :, 0].tolist() == [0, 0, 0, 1, 128, 255, 255]


@pytest.mark.parametrize("finer", [2, 3, 4, 8])
@pytest.mark.parametrize("size", [(1, 3, 6, 5), (2, 1, 1, 1), (2, 4, 2, 9)])
def test_rows_in_order_equal_bilinear_interpolation(finer, size):
    x = torch.randn(size, generator=torch.Generator().manual_seed(finer))
    found = sort_rows(upsampled_rows(x, finer), axis=2)
    expected = F.interpolate(x, scale_factor=float(finer), mode="bilinear", align_corners=False)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_each_part_holds_every_so_manieth_row():
    x = torch.arange(12.0).view(1, 1, 4, 3)
    expected = F.interpolate(x, scale_factor=4.0, mode="bilinear")
    for k, rows in enumerate(upsampled_rows(x, 4)):
        torch.testing.assert_close(rows, expected[:, :, k::4])


def test_gradients_pass():
    x = torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: sort_rows(upsampled_rows(x, 2), axis=2), x)
