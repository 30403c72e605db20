import numpy as np
import torch

from oviton.runtime.refinement.views import random_views


def photo():
    rng = np.random.default_rng(0)
    image = torch.from_numpy(rng.uniform(-1, 1, (1, 3, 64, 32)).astype(np.float32))
    labels = torch.from_numpy(rng.integers(0, 20, (1, 64, 32)).astype(np.uint8))
    body = torch.from_numpy(rng.integers(0, 25, (1, 64, 32, 3)).astype(np.uint8))
    return image, labels, body


def views(count, seed):
    return random_views(count, (64, 32), torch.Generator().manual_seed(seed), torch.device("cpu"))


def test_the_first_view_is_the_photograph():
    image, labels, body = photo()
    found = views(3, 1)
    assert torch.allclose(found.image(image)[0], image[0], atol=1e-5)
    assert torch.equal(found.labels(labels)[0], labels[0])
    assert torch.equal(found.labels(body)[0], body[0])
    assert len(found.image(image)) == len(found.labels(labels)) == len(found.labels(body)) == 4
    assert not torch.equal(found.labels(labels)[1], found.labels(labels)[2])


def test_views_are_mostly_smaller_and_never_far_away():
    maps = views(400, 2).grid  # where in the photograph each pixel of a view is looked up, from -1 to 1
    wide = maps[1:, 31, 30, 0] - maps[1:, 31, 1, 0]
    factor = (maps[0, 31, 30, 0] - maps[0, 31, 1, 0]) / wide
    assert 0.6 < factor.min() < 0.65
    assert 1.1 < factor.max() < 1.16
    assert factor.median() < 0.9
    assert maps[1:, 31:33, 15:17].mean(dim=(1, 2)).abs().max() <= 0.16 + 1e-5


def test_same_seed_same_views():
    image = photo()[0]
    assert torch.equal(views(2, 7).image(image), views(2, 7).image(image))
    assert not torch.equal(views(2, 7).image(image), views(2, 8).image(image))
