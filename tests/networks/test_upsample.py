import pytest
import torch
from torch.nn import functional as F

from oviton.networks.upsample import sort_rows, upsampled_rows


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
