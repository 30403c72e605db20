"""The network that sees a photograph: shapes, strides, and the graph from pictures to maps."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from oviton.networks.person_parser import PersonParser, PersonParserGraph


@pytest.fixture(scope="module")
def network() -> PersonParser:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return PersonParser().eval().requires_grad_(False)


def test_every_head_has_its_shape_for_any_multiple_of_32(network: PersonParser) -> None:
    for height, width in ((64, 32), (96, 128)):
        seen = network(torch.zeros(2, 3, height, width))
        assert seen.labels.shape == (2, 20, height // 2, width // 2)
        assert seen.parts.shape == (2, 25, height // 4, width // 4)
        assert seen.coordinates.shape == (2, 24, 2, height // 4, width // 4)
        assert seen.presence.shape == (2, 1, height // 4, width // 4)
        assert seen.box.shape == (2, 4, height // 4, width // 4)


def test_fits_into_eight_megabytes_as_fp16(network: PersonParser) -> None:
    assert 2 * sum(value.numel() for value in network.state_dict().values()) < 8_000_000


def test_graph_takes_the_likeliest_class_and_the_coordinates_of_its_part(network: PersonParser) -> None:
    image = torch.randint(0, 256, (2, 64, 96, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(5))
    labels, densepose, people = PersonParserGraph(network)(image)
    seen = network(image.permute(0, 3, 1, 2) / 127.5 - 1)

    def full(x: torch.Tensor) -> np.ndarray:
        return F.interpolate(x, (64, 96), mode="bilinear", align_corners=False).numpy()

    assert np.array_equal(labels, full(seen.labels).argmax(axis=1))
    parts = full(seen.parts).argmax(axis=1)
    assert np.array_equal(densepose[..., 0], parts)
    coordinates = full(seen.coordinates.flatten(1, 2)).reshape(2, 24, 2, 64, 96)
    for n, y, x in np.argwhere(parts > 0)[::97]:
        wanted = coordinates[n, parts[n, y, x] - 1, :, y, x] * 255
        assert np.abs(densepose[n, y, x, 1:].numpy() - wanted).max() <= 0.51
    assert not densepose[..., 1:].numpy()[parts == 0].any()
    assert people.dtype == torch.uint8
    assert people.shape == (2, 5, 16, 24)
