"""What layers read and choose, against NumPy."""

import numpy as np
import pytest
import torch

from oviton.networks.operators import block_sums, largest_channel, materialised, quotient, read_rows, read_values


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


@pytest.mark.parametrize("size", [1, 2, 4])
def test_blocks_are_added_up(rng, size):
    x = rng.integers(0, 256, (2, 8, 12, 3)).astype(np.float32)
    expected = x.reshape(2, 8 // size, size, 12 // size, size, 3).sum(axis=(2, 4))
    assert np.array_equal(block_sums(torch.from_numpy(x), size).numpy(), expected)


def test_quotients_of_integers_are_rounded_down_whatever_their_size(rng):
    x, divisor = rng.integers(0, 2**31, (3, 5), dtype=np.int32), rng.integers(1, 2**20, (3, 5), dtype=np.int32)
    assert np.array_equal(quotient(torch.from_numpy(x), torch.from_numpy(divisor)).numpy(), x // divisor)
    assert np.array_equal(quotient(torch.from_numpy(x), 255).numpy(), x // 255)


@pytest.mark.parametrize("shape", [(4, 6), (2, 3, 4, 6), (1, 1, 1)])
def test_what_is_materialised_stays_what_it_is(rng, shape):
    x = torch.from_numpy(rng.integers(-(2**31), 2**31, shape, dtype=np.int64).astype(np.int32))
    kept = materialised(x)
    assert kept.dtype == torch.int32
    assert torch.equal(kept, x)
