import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from oviton.data.classes import CLASS_IDS
from oviton.networks.body import body_channels, body_samples
from oviton.networks.config import preset
from oviton.networks.graphs import ShapeEncoderGraph
from oviton.networks.shape import ShapeGenerator


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


def test_prior_draws_a_clothed_body_before_training():
    torch.manual_seed(0)
    generator = ShapeGenerator(preset("small")).eval()
    densepose = torch.zeros(1, 256, 128, 3, dtype=torch.uint8)
    densepose[:, 40:80, 40:90, 0] = 23
    densepose[:, 80:160, 40:90, 0] = 2
    with torch.no_grad():
        body = body_channels(body_samples(densepose, generator.step), torch.float32)
        labels = generator(torch.zeros(1, 20, 10, 8, 4), body).argmax(1)
    assert labels[0, 10, 10] == CLASS_IDS["background"]
    assert labels[0, 60, 64] == CLASS_IDS["face"]
    assert labels[0, 120, 64] in (CLASS_IDS["coat"], CLASS_IDS["upper_clothes"], CLASS_IDS["dress"])


@pytest.mark.parametrize(("name", "rows"), [("paper", 512), ("base", 256), ("small", 256), ("tiny", 64)])
def test_outlines_are_drawn_at_half_the_frame_or_finer(name, rows):
    config = preset(name)
    with torch.device("meta"):
        generator = ShapeGenerator(config)
        codes = torch.empty(1, 20, config.shape_code, 8, 4)
        body = body_samples(torch.empty(1, config.height, config.width, 3, dtype=torch.int32), generator.step)
        assert generator(codes, body_channels(body, torch.float32)).shape == (1, 20, rows, rows // 2)


def test_outlines_start_as_interpolation():
    torch.manual_seed(0)
    fine, coarse = (
        ShapeGenerator(preset("tiny")),
        ShapeGenerator(dataclasses.replace(preset("tiny"), shape=dataclasses.replace(preset("tiny").shape, finer=1))),
    )
    coarse.load_state_dict(fine.state_dict(), strict=False)
    codes, body = torch.rand(1, 20, 10, 8, 4), torch.rand(1, 27, 64, 32)
    with torch.no_grad():
        expected = F.interpolate(coarse(codes, F.avg_pool2d(body, 2)), scale_factor=2, mode="bilinear")
        torch.testing.assert_close(fine(codes, body), expected)
