import pytest
import torch
from torch.nn import functional as F

from oviton.runtime.refinement.layers import instance_norm, reflection_pad


def agree(own, reference, x):
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    found, expected = own(a), reference(b)
    assert torch.allclose(found, expected, atol=1e-5)
    weight = torch.randn_like(expected)
    (found * weight).sum().backward()
    (expected * weight).sum().backward()
    assert torch.allclose(a.grad, b.grad, atol=2e-5)
    return found


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_padding_is_pytorchs(size, layout):
    x = torch.randn(2, 5, 9, 7).contiguous(memory_format=layout)
    found = agree(lambda t: reflection_pad(t, [size] * 4), lambda t: F.pad(t, (size,) * 4, mode="reflect"), x)
    assert found.is_contiguous(memory_format=layout)


def test_padding_takes_the_precision_of_the_convolution_that_follows():
    with torch.autocast("cpu", torch.bfloat16):
        assert reflection_pad(torch.randn(1, 2, 5, 5), [1] * 4).dtype == torch.bfloat16


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_instance_norm_is_pytorchs_and_keeps_the_layout(layout):
    x = (100 + 3 * torch.randn(2, 5, 8, 6)).contiguous(memory_format=layout)
    found = agree(lambda t: instance_norm(t, 1e-5), lambda t: F.instance_norm(t, eps=1e-5), x)
    assert found.is_contiguous(memory_format=layout)


def test_gradients_are_exact():
    x = torch.randn(1, 2, 5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: reflection_pad(t, [2] * 4), x)
    assert torch.autograd.gradcheck(lambda t: instance_norm(t, 1e-5), x)


def test_loaded_programs_use_them(programs):
    for module in (programs._painter, programs.discriminator):
        targets = [node.target for node in module.graph.nodes]
        assert instance_norm in targets
        assert reflection_pad in targets
        assert torch.ops.aten.instance_norm.default not in targets
