import numpy as np
import pytest
import torch
from torch.nn import functional as F

from oviton.data.classes import CLASS_IDS
from oviton.networks.config import preset
from oviton.networks.graphs import ShapeEncoderGraph
from oviton.networks.shape import ShapeGenerator, body_channels, sampling_step


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return ShapeEncoderGraph(preset("tiny")).eval()


def test_each_class_is_encoded_from_its_own_photograph(encoder):
    rng = np.random.default_rng(0)
    person = torch.from_numpy(rng.integers(0, 20, (2, 64, 32)).astype(np.uint8))
    garments = torch.from_numpy(rng.integers(0, 20, (2, 3, 64, 32)).astype(np.uint8))
    source = torch.from_numpy(rng.integers(-1, 4, (2, 20)).astype(np.int32))
    with torch.no_grad():
        codes = encoder(person, garments, source)
        for n in range(2):
            for c in range(20):
                k = int(source[n, c])
                image = person[n] if k == 0 else garments[n, k - 1]
                mask = (image == c).float()[None, None] if k >= 0 else torch.zeros(1, 1, 64, 32)
                assert torch.allclose(codes[n, c], encoder.shape_encoder(mask)[0], atol=1e-5)


def test_absent_and_removed_classes_have_a_zero_code(encoder):
    person = torch.full((1, 64, 32), 5, dtype=torch.uint8)
    source = torch.zeros(1, 20, dtype=torch.int32)
    with torch.no_grad():
        assert encoder(person, person[:, None], source)[0, 9].abs().max() == 0
        assert encoder(person, person[:, None], source)[0, 5].abs().max() > 0
        source[0, 5] = -1
        assert encoder(person, person[:, None], source).abs().max() == 0


def test_body_channels_are_one_hot_parts_and_scaled_coordinates():
    densepose = torch.tensor([[[[7, 255, 51]]]], dtype=torch.uint8)
    channels = body_channels(densepose, torch.float32)[0, :, 0, 0]
    assert channels.shape == (27,)
    assert channels[:25].argmax() == 7
    assert channels[:25].sum() == 1
    assert channels[25:].tolist() == pytest.approx([1.0, 0.2])


@pytest.mark.parametrize("pool", [2, 4])
def test_pooled_body_channels_are_means_of_blocks(pool):
    rng = np.random.default_rng(pool)
    densepose = torch.from_numpy(rng.integers(0, 25, (2, 16, 8, 3)).astype(np.uint8))
    expected = F.avg_pool2d(body_channels(densepose, torch.float32), pool)
    torch.testing.assert_close(body_channels(densepose, torch.float32, pool), expected)


def test_prior_draws_a_clothed_body_before_training():
    torch.manual_seed(0)
    generator = ShapeGenerator(preset("small")).eval()
    densepose = torch.zeros(1, 256, 128, 3, dtype=torch.uint8)
    densepose[:, 40:80, 40:90, 0] = 23
    densepose[:, 80:160, 40:90, 0] = 2
    with torch.no_grad():
        body = body_channels(densepose, torch.float32, generator.pool)
        labels = generator(torch.zeros(1, 20, 10, 8, 4), body).argmax(1)
    assert labels[0, 5, 5] == CLASS_IDS["background"]
    assert labels[0, 30, 32] == CLASS_IDS["face"]
    assert labels[0, 60, 32] in (CLASS_IDS["coat"], CLASS_IDS["upper_clothes"], CLASS_IDS["dress"])


@pytest.mark.parametrize("name", ["paper", "base", "small", "tiny"])
def test_logits_have_the_working_size_of_the_preset(name):
    config = preset(name)
    scale = config.shape.scale
    step = sampling_step(scale)
    with torch.device("meta"):
        generator = ShapeGenerator(config)
        codes = torch.empty(1, 20, config.shape_code, 8, 4)
        samples = torch.empty(1, config.height // step, config.width // step, 3, dtype=torch.int32)
        body = body_channels(samples, torch.float32, generator.pool)
        assert body.shape == (1, 27, config.height // scale, config.width // scale)
        assert generator(codes, body).shape == (1, 20, config.height // scale, config.width // scale)
