import numpy as np
import pytest
import torch

from oviton.data.classes import CLASS_IDS
from oviton.networks.appearance import AppearanceGenerator, codes_conditioning, pool_codes, surface_conditioning
from oviton.networks.body import body_channels
from oviton.networks.config import preset
from oviton.networks.inputs import body_planes
from oviton.networks.operators import one_hot, to_uint8_image


@pytest.fixture(scope="module")
def scene():
    """Features and labels of two requests with a person and two garments each, at a tiny size."""
    rng = np.random.default_rng(0)
    features = torch.from_numpy(rng.normal(size=(2, 3, 8, 4, 5)).astype(np.float32))
    labels = torch.from_numpy(rng.choice([0, 5, 9, 13, 14], (2, 3, 16, 8)).astype(np.uint8))
    source = torch.zeros(2, 20, dtype=torch.int32)
    source[0, 5], source[0, 9], source[1, 5], source[1, 13] = 1, 2, 2, -1
    maps = one_hot(labels.flatten(0, 1), 20, torch.float32).reshape(2, 3, 20, 16, 8)
    return features, labels, maps, source


def test_codes_are_means_under_the_source_images_own_labels(scene):
    features, labels, maps, source = scene
    codes = pool_codes(features, maps, source, borrow_absent=False)
    for n in range(2):
        for c in range(20):
            k = int(source[n, c])
            mask = (labels[n, k] == c).float() if k >= 0 else torch.zeros(16, 8)
            weight = mask.reshape(8, 2, 4, 2).mean((1, 3))  # features are at half size
            expected = (
                (features[n, k] * weight.unsqueeze(2)).sum((0, 1)) / weight.sum() if weight.sum() else torch.zeros(5)
            )
            assert torch.allclose(codes[n, c], expected, atol=1e-5)


def test_a_missing_arm_borrows_from_the_other_arm_and_never_from_clothes(scene):
    features, _, maps, source = scene
    codes = pool_codes(features, maps, source, borrow_absent=True)
    left, right = CLASS_IDS["left_arm"], CLASS_IDS["right_arm"]
    assert torch.allclose(codes[0, right], codes[0, left], atol=0.02)
    assert codes[0, CLASS_IDS["coat"]].abs().max() == 0


def test_fp16_masks_do_not_overflow_the_mean():
    features = torch.full((1, 2, 256, 128, 1), 3.0, dtype=torch.float16)
    maps = one_hot(torch.full((2, 512, 256), 5), 20, torch.float16)[None]
    codes = pool_codes(features, maps, torch.zeros(1, 20, dtype=torch.int32), borrow_absent=False)
    assert codes[0, 5, 0] == pytest.approx(3.0)


@pytest.fixture(scope="module")
def painted():
    """Codes, labels, body maps and lookups of two requests."""
    rng = np.random.default_rng(1)
    codes = torch.from_numpy(rng.normal(size=(2, 20, 7)).astype(np.float32))
    labels = torch.from_numpy(rng.integers(0, 20, (2, 6, 4)))
    densepose = torch.from_numpy(rng.integers(0, 256, (2, 6, 4, 3))).int()
    densepose[..., 0] %= 25
    densepose[0, :3, :, 0] = 0  # off the body
    lookup = torch.from_numpy(rng.uniform(size=(2, 4, 6, 4)).astype(np.float32))
    return codes, labels, densepose, lookup


def test_painting_is_a_lookup_by_label(painted):
    codes, labels, _, _ = painted
    conditioning, guess = codes_conditioning(labels, codes, torch.float32)
    for n in range(2):
        code = codes[n][labels[n]].permute(2, 0, 1)
        assert torch.equal(conditioning[n], torch.cat([one_hot(labels, 20, torch.float32)[n], code]))
        assert torch.equal(guess[n], code[:3])


def test_surface_conditioning_holds_what_each_channel_is(painted):
    codes, labels, densepose, lookup = painted
    conditioning, guess = surface_conditioning(labels, codes, body_planes(densepose), lookup, torch.float32)
    part, u, v = (densepose[..., axis] for axis in range(3))
    on_body = part > 0
    waves = [
        wave(np.pi * frequency * byte / 255) * on_body
        for frequency in (2, 4, 8, 16)
        for wave in (torch.sin, torch.cos)
        for byte in (u, v)
    ]
    expected = torch.cat(
        [
            codes_conditioning(labels, codes, torch.float32)[0],
            body_channels(densepose, torch.float32),
            torch.stack(waves, dim=1),
            lookup,
            lookup[:, :3] + (1 - lookup[:, 3:]) * codes_conditioning(labels, codes, torch.float32)[1],
        ],
        dim=1,
    )
    assert conditioning.shape == expected.shape
    assert torch.allclose(conditioning, expected, atol=1e-5)
    assert torch.equal(guess, conditioning[:, -3:])


def test_gradients_of_codes_are_sums_over_their_pixels(painted):
    codes, labels, densepose, lookup = painted
    codes = codes.clone().requires_grad_()
    conditioning, _ = surface_conditioning(labels, codes, body_planes(densepose), lookup * 0, torch.float32)
    conditioning[:, 20:27].sum().backward()
    pixels = one_hot(labels, 20, torch.float32).sum(dim=(2, 3))
    assert torch.allclose(codes.grad, pixels.unsqueeze(2).expand(-1, -1, 7))


def test_an_untrained_generator_paints_the_mean_colour():
    torch.manual_seed(0)
    generator = AppearanceGenerator(preset("small")).eval()
    codes = torch.zeros(1, 20, 30)
    codes[0, 5, :3] = torch.tensor([0.6, -0.2, -0.5])
    labels = torch.full((1, 256, 128), 5)
    with torch.no_grad():
        picture = generator(codes_conditioning(labels, codes, torch.float32)[0])
    mean = picture.mean((0, 2, 3))
    assert torch.allclose(mean, torch.tensor([0.6, -0.2, -0.5]), atol=0.12)


def test_every_byte_survives_normalisation():
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).expand(-1, -1, -1, 3)
    assert torch.equal(to_uint8_image(levels.permute(0, 3, 1, 2) / 127.5 - 1), levels)
