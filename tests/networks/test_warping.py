import math

import numpy as np
import pytest
import torch
from skimage import transform

from oviton.networks.warping import AffineLimits, Warp, random_affine

H, W = 64, 32


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def _theta_by_hand(degrees, scale, shift):
    # The inverse map, in pixels about the centre, then in affine_grid's units of half the frame.
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) / scale
    units = np.diag([W / 2, H / 2])
    return np.concatenate([np.linalg.inv(units) @ turn @ units, np.array(shift)[:, None] * 2], axis=1)


@pytest.mark.parametrize("samples", [1, 2])
def test_pictures_and_labels_are_warped_as_by_scikit_image(samples):
    """Whether each map has its own photograph, or all have the same."""
    rng = np.random.default_rng(0)
    pictures, labels = rng.random((samples, H, W)), rng.integers(0, 20, (samples, H, W)).astype(np.uint8)
    theta = np.stack([_theta_by_hand(20, 1.3, (0.1, -0.05)), _theta_by_hand(-10, 0.8, (0, 0.1))])
    warp = Warp(torch.tensor(theta, dtype=torch.float32), H, W)
    warped = warp.image(torch.tensor(pictures)[:, None].float())
    moved = warp.labels(torch.tensor(labels))
    bodies = warp.labels(torch.tensor(labels)[..., None].expand(-1, -1, -1, 3))
    assert torch.equal(bodies, moved[..., None].expand(-1, -1, -1, 3))

    units, centre = np.diag([W / 2, H / 2]), np.array([(W - 1) / 2, (H - 1) / 2])
    for number, own in enumerate(theta):
        sample = number % samples
        matrix = np.eye(3)
        matrix[:2, :2] = units @ own[:, :2] @ np.linalg.inv(units)
        matrix[:2, 2] = units @ own[:, 2] + centre - matrix[:2, :2] @ centre
        pixels = transform.AffineTransform(matrix)
        expected = transform.warp(pictures[sample], pixels, order=1, mode="edge")
        assert np.allclose(warped[number, 0].numpy(), expected, atol=1e-4)
        ids = transform.warp(labels[sample].astype(float), pixels, order=0, mode="constant", cval=0)
        assert (moved[number].numpy() == ids).mean() > 0.98  # ties round either way


def test_drawn_maps_stay_within_their_limits_and_are_rotations_in_pixels(generator):
    limits = AffineLimits(rotation=15, shift=0.15, scale=(0.6, 1.6))
    theta = random_affine(limits, 500, H / W, generator).numpy()
    units = np.diag([W / 2, H / 2])
    turns = units @ theta[:, :, :2] @ np.linalg.inv(units)
    scale = 1 / np.sqrt(np.linalg.det(turns))
    angle = np.degrees(np.arctan2(turns[:, 1, 0], turns[:, 0, 0]))
    assert scale.min() >= 0.6 - 1e-6
    assert scale.max() <= 1.6 + 1e-6
    assert 14 < np.abs(angle).max() <= 15.001
    assert 0.28 < np.abs(theta[:, :, 2]).max() <= 0.3
    assert np.allclose(turns @ turns.transpose(0, 2, 1), np.eye(2) / scale[:, None, None] ** 2, atol=1e-5)


def test_no_limits_change_nothing(generator):
    labels = torch.randint(0, 20, (1, H, W), generator=generator).to(torch.uint8)
    body = torch.randint(0, 25, (1, H, W, 3), generator=generator).to(torch.uint8)
    warp = Warp(random_affine(AffineLimits(0, 0, (1, 1)), 1, H / W, generator), H, W)
    assert torch.equal(warp.labels(labels), labels)
    assert torch.equal(warp.labels(body), body)


def test_masks_go_on_beyond_the_frame_as_they_are_told(generator):
    warp = Warp(random_affine(AffineLimits(0, 0, (0.5, 0.5)), 2, H / W, generator), H, W)
    warped = warp.mask(torch.ones(2, 1, H, W), outside=torch.tensor([1.0, 0.0]))
    assert torch.allclose(warped[0], torch.ones(1, H, W))
    assert warped[1, 0, 0, 0] == 0
