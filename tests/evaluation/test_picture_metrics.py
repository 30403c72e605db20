"""Each metric against plain loops or another library's."""

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from oviton.evaluation.picture_metrics import MAX_PSNR, perceptual_distances, psnr, ssim_map

RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 256, (32, 16, 3)).astype(np.uint8)
PICTURE = np.clip(TRUTH + RNG.normal(0, 20, TRUTH.shape), 0, 255).astype(np.uint8)
EVERYWHERE = np.ones((32, 16), bool)
MASK = np.zeros((32, 16), bool)
MASK[3:20, 2:11] = True


def test_psnr_agrees_with_scikit_image_and_with_a_loop():
    assert psnr(PICTURE, TRUTH, EVERYWHERE) == pytest.approx(peak_signal_noise_ratio(TRUTH, PICTURE), abs=1e-9)
    squares = [
        ((int(PICTURE[y, x, c]) - int(TRUTH[y, x, c])) / 255) ** 2 for y, x in np.argwhere(MASK) for c in range(3)
    ]
    assert psnr(PICTURE, TRUTH, MASK) == pytest.approx(-10 * np.log10(np.mean(squares)))


def test_psnr_of_a_perfect_picture_is_finite():
    assert psnr(TRUTH, TRUTH, MASK) == MAX_PSNR
    assert psnr(np.zeros_like(TRUTH), np.full_like(TRUTH, 255), MASK) == 0


def test_ssim_map_is_scikit_images():
    similarity = ssim_map(PICTURE, TRUTH)
    assert similarity.shape == (32, 16)
    mean = structural_similarity(
        PICTURE, TRUTH, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert similarity[5:-5, 5:-5].mean() == pytest.approx(mean)  # scikit-image leaves the window's radius out
    assert ssim_map(TRUTH, TRUTH).mean() == pytest.approx(1)


def test_perceptual_distance_agrees_with_a_loop():
    generator = torch.Generator().manual_seed(0)
    taps = [torch.randn(2, 4, 16, 8, generator=generator), torch.randn(2, 6, 8, 4, generator=generator)]
    true = [torch.randn(1, 4, 16, 8, generator=generator), torch.randn(1, 6, 8, 4, generator=generator)]
    found = perceptual_distances(taps, true, [MASK, EVERYWHERE])
    expected = []
    for picture in range(2):
        for mask in (MASK, EVERYWHERE):
            layers = []
            for tap, true_tap in zip(taps, true, strict=True):
                step = 32 // tap.shape[2]
                total = weight = 0.0
                for y in range(tap.shape[2]):
                    for x in range(tap.shape[3]):
                        a, b = tap[picture, :, y, x].numpy(), true_tap[0, :, y, x].numpy()
                        share = mask[y * step : (y + 1) * step, x * step : (x + 1) * step].mean()
                        total += share * ((a / np.linalg.norm(a) - b / np.linalg.norm(b)) ** 2).sum()
                        weight += share
                layers.append(total / weight)
            expected.append(np.mean(layers))
    assert found == pytest.approx(expected, rel=1e-4)


def test_perceptual_distance_of_a_perfect_picture_is_zero():
    tap = torch.randn(1, 4, 16, 8)
    assert perceptual_distances([tap], [tap], [MASK]) == [0.0]
