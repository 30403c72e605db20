import numpy as np
import pytest
import torch

from oviton.evaluation.picture_metrics import perceptual_distances
from oviton.networks import losses


def features(seed, requires_grad=False):
    generator = torch.Generator().manual_seed(seed)
    return [
        [torch.randn(2, c, s, s, generator=generator, requires_grad=requires_grad) for c, s in ((4, 8), (1, 4))]
        for _ in range(2)
    ]


def sums_by_loops(values, mask):
    """Weighted sum and weight of each picture, at the values' size."""
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
        found.append((total, weight))
    return np.array(found).T


@pytest.fixture
def mask():
    m = torch.zeros(2, 1, 8, 8)
    m[0, 0, 2:7, 1:5] = 1
    m[1, 0, :, 4:] = 0.5
    return m


@pytest.mark.parametrize("size", [8, 4, 2])
def test_masked_means_are_what_loops_find(mask, size):
    values = torch.randn(2, 3, size, size)
    totals, weights = sums_by_loops(values.numpy(), mask.numpy())
    assert np.allclose(losses.masked_mean(values, mask, "none"), totals / weights, atol=1e-5)
    assert losses.masked_mean(values, mask).item() == pytest.approx(totals.sum() / weights.sum(), abs=1e-5)
    assert np.allclose(losses.masked_mean(values, None, "none"), values.numpy().mean(axis=(1, 2, 3)), atol=1e-6)
    assert losses.masked_mean(values, None).item() == pytest.approx(values.mean().item(), abs=1e-6)


def test_an_empty_mask_gives_zero_and_no_gradient():
    picture = torch.randn(2, 3, 8, 8, requires_grad=True)
    for reduction in ("mean", "none"):
        loss = losses.l1_loss(picture, torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 8, 8), reduction).sum()
        assert loss.item() == 0
        loss.backward()
        assert picture.grad.abs().max() == 0


def test_pictures_do_not_mix(mask):
    a, b = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)
    both = losses.l1_loss(a, b, mask, "none")
    each = [losses.l1_loss(a[i : i + 1], b[i : i + 1], mask[i : i + 1], "none") for i in range(2)]
    assert torch.allclose(both, torch.cat(each))


def test_lsgan_is_zero_for_a_perfect_judge(mask):
    ones, zeros = [[torch.ones(2, 1, 4, 4)]], [[torch.zeros(2, 1, 4, 4)]]
    assert losses.lsgan_discriminator_loss(ones, zeros) == 0
    assert losses.lsgan_discriminator_loss(zeros, ones) == 1
    assert losses.lsgan_generator_loss(ones) == 0
    assert losses.lsgan_generator_loss(zeros) == 1
    assert torch.equal(losses.lsgan_generator_loss(ones, mask, "none"), torch.zeros(2))
    assert torch.allclose(losses.lsgan_generator_loss(zeros, mask, "none"), torch.ones(2))


def test_feature_matching_is_the_mean_over_layers_and_spares_the_score():
    fake, real = features(0, requires_grad=True), features(1, requires_grad=True)
    expected = np.mean([(f[0] - r[0]).abs().mean().item() for f, r in zip(fake, real, strict=True)])
    loss = losses.feature_matching_loss(fake, real)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert fake[0][0].grad.abs().sum() > 0
    assert real[0][0].grad is None
    assert fake[0][-1].grad is None


def test_a_mask_limits_a_loss_to_its_pixels():
    fake = torch.zeros(1, 3, 8, 8)
    real = torch.zeros(1, 3, 8, 8)
    real[..., :4, :] = 2.0
    upper, lower = torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)
    upper[..., :8, :], lower[..., 8:, :] = 1, 1
    assert losses.feature_matching_loss([[fake, fake]], [[real, real]], upper).item() == pytest.approx(2.0)
    assert losses.feature_matching_loss([[fake, fake]], [[real, real]], lower).item() == 0


def test_perceptual_loss_is_relative():
    a, b = [torch.full((1, 2, 4, 4), 1.0)], [torch.full((1, 2, 4, 4), 2.0)]
    assert losses.perceptual_loss(a, b).item() == pytest.approx(0.5, rel=1e-3)
    assert losses.perceptual_loss(b, b).item() == 0


def test_directions_have_length_one_and_nothing_has_none():
    tap = torch.randn(2, 5, 3, 3) * 40
    tap[0, :, 0, 0] = 0
    tap.requires_grad_()
    (found,) = losses.directions([tap], shortest=1e-2)
    length = found.norm(dim=1)
    assert length[0, 0, 0] == 0
    assert torch.allclose(length[1], torch.ones(3, 3), atol=1e-2)
    found.sum().backward()
    assert torch.isfinite(tap.grad).all()


def test_perceptual_distance_is_the_mean_over_layers(mask):
    own = [torch.randn(2, 5, 4, 4), torch.randn(2, 7, 2, 2)]
    other = [torch.randn(2, 5, 4, 4), torch.randn(2, 7, 2, 2)]
    layers = []
    for a, b in zip(own, other, strict=True):
        totals, weights = sums_by_loops(((a - b) ** 2).numpy(), mask.numpy())
        layers.append(a.shape[1] * totals / weights)
    assert np.allclose(losses.perceptual_distance(own, other, mask, "none"), np.mean(layers, axis=0), atol=1e-4)


def test_perceptual_distance_is_what_evaluation_measures():
    fake = [torch.randn(1, channels, 32 // scale, 16 // scale) for channels, scale in ((16, 2), (24, 4))]
    real = [torch.randn_like(each) for each in fake]
    mask = torch.zeros(1, 1, 32, 16)
    mask[..., 8:24, 4:12] = 1
    wanted = perceptual_distances(fake, real, [mask[0, 0].bool().numpy()])
    found = losses.perceptual_distance(losses.directions(fake), losses.directions(real), mask)
    assert found.item() == pytest.approx(wanted[0], rel=1e-5)


def test_perceptual_distance_has_a_gradient_where_nothing_is_seen():
    fake = torch.zeros(1, 4, 2, 2, requires_grad=True)
    losses.perceptual_distance(losses.directions([fake]), losses.directions([torch.ones(1, 4, 2, 2)])).backward()
    assert fake.grad.isfinite().all()
