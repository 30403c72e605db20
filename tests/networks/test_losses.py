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


def test_lsgan_is_zero_for_a_perfect_judge():
    ones, zeros = [[torch.ones(1, 1, 4, 4)]], [[torch.zeros(1, 1, 4, 4)]]
    assert losses.lsgan_discriminator_loss(ones, zeros) == 0
    assert losses.lsgan_discriminator_loss(zeros, ones) == 1
    assert losses.lsgan_generator_loss(ones) == 0
    assert losses.lsgan_generator_loss(zeros) == 1


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


def test_an_empty_mask_gives_zero_not_nan():
    empty = torch.zeros(1, 1, 8, 8)
    assert losses.masked_mean(torch.ones(1, 3, 8, 8), empty).item() == 0


def test_perceptual_loss_is_relative():
    a, b = [torch.full((1, 2, 4, 4), 1.0)], [torch.full((1, 2, 4, 4), 2.0)]
    assert losses.perceptual_loss(a, b).item() == pytest.approx(0.5, rel=1e-3)
    assert losses.perceptual_loss(b, b).item() == 0


def test_perceptual_distance_loss_is_what_evaluation_measures():
    fake = [torch.randn(1, channels, 32 // scale, 16 // scale) for channels, scale in ((16, 2), (24, 4))]
    real = [torch.randn_like(each) for each in fake]
    mask = torch.zeros(1, 1, 32, 16)
    mask[..., 8:24, 4:12] = 1
    wanted = perceptual_distances(fake, real, [mask[0, 0].bool().numpy()])
    assert losses.perceptual_distance_loss(fake, real, mask).item() == pytest.approx(wanted[0], rel=1e-3)


def test_perceptual_distance_loss_has_a_gradient_where_nothing_is_seen():
    fake = torch.zeros(1, 4, 2, 2, requires_grad=True)
    losses.perceptual_distance_loss([fake], [torch.ones(1, 4, 2, 2)]).backward()
    assert fake.grad.isfinite().all()
