import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from oviton.networks.piecewise_conv import PiecewiseConstantConv2d


def naive(layer, codes, size, stride, padding):
    upsampled = F.interpolate(codes, size=size, mode="nearest")
    padded = F.pad(upsampled, (padding,) * 4, mode="reflect")
    return F.conv2d(padded, layer.weight, stride=stride)


@settings(deadline=None, max_examples=40)
@given(
    kernel_stride=st.sampled_from([(1, 1), (3, 1), (5, 1), (7, 1), (2, 2), (3, 2), (4, 2), (5, 2), (7, 2)]),
    rows=st.integers(1, 5),
    columns=st.integers(1, 4),
    block=st.sampled_from([8, 10, 16]),
)
def test_equals_the_naive_convolution(kernel_stride, rows, columns, block):
    kernel, stride = kernel_stride
    padding = (kernel - stride + 1) // 2
    torch.manual_seed(0)
    size = (rows * block, columns * block)
    layer = PiecewiseConstantConv2d(3, 4, kernel, stride=stride, padding=padding, grid=(rows, columns), size=size)
    codes = torch.randn(2, 3, rows, columns)
    expected = naive(layer, codes, size, stride, padding)
    assert torch.allclose(layer(codes), expected, atol=1e-4, rtol=0)


def test_paper_size_within_1e_4():
    torch.manual_seed(0)
    layer = PiecewiseConstantConv2d(200, 64, 7, stride=1, padding=3, grid=(8, 4), size=(512, 256))
    codes = torch.randn(1, 200, 8, 4)
    with torch.no_grad():
        difference = (layer(codes) - naive(layer, codes, (512, 256), 1, 3)).abs().max()
    assert difference <= 1e-4


def test_weights_get_the_same_gradient():
    torch.manual_seed(0)
    layer = PiecewiseConstantConv2d(2, 3, 7, stride=1, padding=3, grid=(2, 2), size=(16, 16))
    codes, target = torch.randn(1, 2, 2, 2), torch.randn(1, 3, 16, 16)
    (fast,) = torch.autograd.grad(((layer(codes) - target) ** 2).sum(), layer.weight)
    (slow,) = torch.autograd.grad(((naive(layer, codes, (16, 16), 1, 3) - target) ** 2).sum(), layer.weight)
    assert torch.allclose(fast, slow, atol=1e-2, rtol=1e-4)


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 1, 1), (3, 1, 0), (3, 3, 1)])
def test_padding_that_changes_the_size_is_refused(kernel, stride, padding):
    with pytest.raises(ValueError, match="do not suit"):
        PiecewiseConstantConv2d(1, 1, kernel, stride=stride, padding=padding, grid=(2, 2), size=(16, 16))


def test_kernel_too_large_for_the_block_is_refused():
    with pytest.raises(ValueError, match="do not suit blocks of 4"):
        PiecewiseConstantConv2d(1, 1, 7, stride=1, padding=3, grid=(2, 2), size=(8, 8))
