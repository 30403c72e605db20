import numpy as np
import torch
from skimage.transform import AffineTransform, warp

from oviton.runtime.refinement.views import _affine, random_views


def photo():
    rng = np.random.default_rng(0)
    image = torch.from_numpy(rng.uniform(-1, 1, (3, 64, 32)).astype(np.float32))
    labels = torch.from_numpy(rng.integers(0, 20, (64, 32)).astype(np.uint8))
    body = torch.from_numpy(rng.integers(0, 25, (64, 32, 3)).astype(np.uint8))
    return image, labels, body


def test_the_first_view_is_the_photograph():
    image, labels, body = photo()
    views = random_views(image, labels, body, 3, torch.Generator().manual_seed(1))
    assert torch.allclose(views.image[0], image, atol=1e-5)
    assert torch.equal(views.labels[0], labels)
    assert torch.equal(views.densepose[0], body)
    assert len(views.image) == len(views.labels) == len(views.densepose) == 4
    assert not torch.equal(views.labels[1], views.labels[2])


def test_views_are_affine_maps_of_image_and_labels_alike():
    """Against scikit-image, which maps pixel coordinates."""
    image, labels, body = photo()
    views = random_views(image, labels, body, 2, torch.Generator().manual_seed(4))
    theta = _affine(2, 2.0, torch.Generator().manual_seed(4)).double().numpy()
    half = np.array([[16.0, 0, 15.5], [0, 32.0, 31.5], [0, 0, 1]])  # from [-1, 1] to pixels
    for view in (0, 1):
        normal = np.vstack([theta[view], [0, 0, 1]])
        pixels = AffineTransform(matrix=half @ normal @ np.linalg.inv(half))
        for channel in range(3):
            expected = warp(image[channel].double().numpy(), pixels, order=1, mode="edge")
            assert np.abs(views.image[view + 1, channel].numpy() - expected).max() < 1e-3
        ids = warp(labels.double().numpy(), pixels, order=0, mode="constant", cval=0)
        assert (views.labels[view + 1].numpy() == ids).mean() > 0.98  # ties round either way


def test_same_seed_same_views():
    image, labels, body = photo()
    one, other = (random_views(image, labels, body, 2, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(one.image, other.image)
