import numpy as np
import pytest
import torch
from torch.nn import functional as F

from oviton.runtime.refinement.terms import adversarial_term, directions, matching_term, perceptual_term, pixel_term


def naive_masked(values, mask):
    """Loops, at the values' size."""
    found = []
    for picture, m in zip(values, mask, strict=True):
        height, width = picture.shape[1:]
        step = m.shape[1] // height
        total = weight = 0.0
        for y in range(height):
            for x in range(width):
                share = m[0, y * step : (y + 1) * step, x * step : (x + 1) * step].mean()
                total += picture[:, y, x].mean() * share
                weight += share
        found.append(total / max(weight, 1e-3))
    return np.array(found)


@pytest.fixture
def mask():
    m = torch.zeros(2, 1, 8, 8)
    m[0, 0, 2:7, 1:5] = 1
    m[1, 0, :, 4:] = 0.5
    return m


def test_pixel_term_is_what_loops_find(mask):
    a, b = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)
    assert np.allclose(pixel_term(a, b, mask), naive_masked((a - b).abs().numpy(), mask.numpy()), atol=1e-5)


def test_perceptual_and_matching_terms_are_means_over_layers(mask):
    own = [torch.randn(2, 5, 4, 4), torch.randn(2, 7, 2, 2)]
    other = [torch.randn(2, 5, 4, 4), torch.randn(2, 7, 2, 2)]
    squares = [a.shape[1] * naive_masked(((a - b) ** 2).numpy(), mask.numpy()) for a, b in zip(own, other, strict=True)]
    assert np.allclose(perceptual_term(own, other, mask), np.mean(squares, axis=0), atol=1e-4)
    layers = [naive_masked((a - b).abs().numpy(), mask.numpy()) for a, b in zip(own, other, strict=True)]
    # The score, last, is not matched.
    assert np.allclose(
        matching_term([[*own, own[0]]], [[*other, own[0] * 9]], mask), np.mean(layers, axis=0), atol=1e-5
    )


def test_directions_have_length_one_and_nothing_has_none():
    tap = torch.randn(2, 5, 3, 3) * 40
    tap[0, :, 0, 0] = 0
    tap.requires_grad_()
    (found,) = directions([tap])
    length = found.norm(dim=1)
    assert length[0, 0, 0] == 0
    assert torch.allclose(length[1], torch.ones(3, 3), atol=1e-2)
    found.sum().backward()
    assert torch.isfinite(tap.grad).all()


def test_adversarial_term_is_zero_for_what_looks_real(mask):
    real = [[torch.zeros(2, 3, 4, 4), torch.ones(2, 1, 4, 4)]]
    assert torch.equal(adversarial_term(real, mask), torch.zeros(2))
    fake = [[torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 4, 4)]]
    assert torch.allclose(adversarial_term(fake, mask), torch.ones(2))


def test_an_empty_mask_gives_zero_and_no_gradient():
    picture = torch.randn(1, 3, 8, 8, requires_grad=True)
    term = pixel_term(picture, torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 8, 8))
    assert term.item() == 0
    term.sum().backward()
    assert picture.grad.abs().max() == 0


def test_pictures_do_not_mix(mask):
    a, b = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)
    both = pixel_term(a, b, mask)
    each = torch.cat([pixel_term(a[i : i + 1], b[i : i + 1], mask[i : i + 1]) for i in range(2)])
    assert torch.allclose(both, each)
    assert F.l1_loss(both, each) < 1e-6
