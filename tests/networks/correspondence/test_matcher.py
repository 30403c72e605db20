"""Learned places: what is read at them, and what an untrained network says."""

import pytest
import torch
from torch.nn import functional as F

from oviton.networks.body import BODY_CHANNELS
from oviton.networks.config import MatcherConfig
from oviton.networks.correspondence.matcher import BodyMatcher, grid, sample


@pytest.fixture(scope="module")
def matcher():
    with torch.random.fork_rng():
        torch.manual_seed(2)
        return BodyMatcher(MatcherConfig()).eval().requires_grad_(False)


def test_places_are_read_as_torch_reads_a_grid():
    generator = torch.Generator().manual_seed(1)
    values = torch.rand(2, 3, 7, 5, generator=generator)
    places = torch.rand(2, 2, 4, 6, generator=generator) * 1.4 - 0.2
    wanted = F.grid_sample(values, (2 * places - 1).permute(0, 2, 3, 1), align_corners=False, padding_mode="border")
    torch.testing.assert_close(sample(values, places), wanted, rtol=1e-4, atol=1e-5)


def test_a_picture_read_at_its_own_places_is_itself():
    picture = torch.rand(1, 3, 8, 4, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(sample(picture, grid((8, 4), picture.device)), picture)


def test_gradients_reach_the_places():
    values = torch.arange(5.0).expand(1, 1, 4, 5)
    places = grid((4, 5), values.device).clone().add_(0.05).requires_grad_()
    sample(values, places).sum().backward()
    assert (places.grad[:, 0, :, 1:-1] > 0).all()  # farther right the values are larger


def test_every_size_has_places_within_the_photograph_at_first(matcher):
    person = torch.rand(2, BODY_CHANNELS, 64, 32, generator=torch.Generator().manual_seed(3))
    garments = torch.rand(2, 3, BODY_CHANNELS + 20, 64, 32, generator=torch.Generator().manual_seed(4))
    found = matcher(person, garments)
    assert [tuple(places.shape) for places, _ in found] == [(6, 2, 16, 8), (6, 2, 32, 16), (6, 2, 64, 32)]
    assert [tuple(seen.shape) for _, seen in found] == [(6, 1, 16, 8), (6, 1, 32, 16), (6, 1, 64, 32)]
    assert all(places.min() >= 0 and places.max() <= 1 for places, _ in found)


def test_each_photograph_is_matched_by_itself(matcher):
    person = torch.rand(2, BODY_CHANNELS, 32, 16, generator=torch.Generator().manual_seed(3))
    garments = torch.rand(2, 3, BODY_CHANNELS + 20, 32, 16, generator=torch.Generator().manual_seed(4))
    places, seen = matcher(person, garments)[-1]
    for n in range(2):
        for m in range(3):
            alone = matcher(person[n : n + 1], garments[n : n + 1, m : m + 1])[-1]
            torch.testing.assert_close(places[3 * n + m], alone[0][0], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(seen[3 * n + m], alone[1][0], rtol=1e-4, atol=1e-5)
