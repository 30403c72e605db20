import pytest
import torch

from oviton.data.classes import CLASS_IDS
from oviton.networks.composition.harmonise import harmonise

FACE, ARM, TOP = CLASS_IDS["face"], CLASS_IDS["left_arm"], CLASS_IDS["upper_clothes"]


@pytest.fixture
def scene():
    """A wall and a person whose arm is bared; the middle of the frame is not kept."""
    labels = torch.zeros(1, 64, 32, dtype=torch.int64)
    labels[:, 8:20, 8:24] = FACE
    labels[:, 20:40, 8:24] = ARM
    labels[:, 40:, 8:24] = TOP
    kept = torch.ones(1, 1, 64, 32)
    kept[:, :, 20:44] = 0
    colours = torch.zeros(20, 3)
    colours[0], colours[FACE], colours[ARM], colours[TOP] = (
        torch.tensor(c) for c in ([200.0, 210, 220], [150.0, 100, 80], [150.0, 100, 80], [10.0, 20, 200])
    )
    return labels, kept, colours[labels].permute(0, 3, 1, 2)


def test_a_constant_error_of_each_group_is_taken_off(scene):
    labels, kept, photo = scene
    wrong = torch.zeros(20, 3)
    wrong[0], wrong[TOP] = torch.tensor([-9.0, 4, 1]), torch.tensor([30.0, 0, 0])
    wrong[FACE] = wrong[ARM] = torch.tensor([0.0, 12, -20])  # skin is skin, kept or bared
    generated = photo + wrong[labels].permute(0, 3, 1, 2)
    torch.testing.assert_close(
        harmonise(generated, photo, labels, kept, torch.ones_like(kept)), photo, atol=1e-3, rtol=0
    )


def test_a_smooth_error_is_followed_into_the_hole(scene):
    labels, kept, photo = scene
    slope = torch.linspace(-20, 20, 64).view(1, 1, -1, 1).expand_as(photo)
    wall = (labels == 0).unsqueeze(1) & (kept == 0)
    left = (harmonise(photo + slope, photo, labels, kept, torch.ones_like(kept)) - photo).abs()
    assert left.masked_select(wall).mean() < 0.3 * slope.abs().masked_select(wall).mean() + 1


def test_texture_is_not_carried_along(scene):
    labels, kept, photo = scene
    noise = torch.randn(photo.shape, generator=torch.Generator().manual_seed(0)) * 30
    found = harmonise(photo, photo + noise, labels, kept, torch.ones_like(kept))
    hole = (kept == 0).expand_as(photo) & (labels == 0).unsqueeze(1)
    assert (found - photo)[hole].std() < 0.35 * noise.std()


def test_a_group_without_a_kept_pixel_is_as_it_was(scene):
    labels, kept, photo = scene
    kept = kept * (labels != FACE).unsqueeze(1)
    generated = photo + 17
    found = harmonise(generated, photo, labels, kept, torch.ones_like(kept))
    arm = (labels == ARM).unsqueeze(1).expand_as(photo)
    assert torch.equal(found[arm], generated[arm])


@pytest.mark.parametrize("size", [(64, 32), (24, 12), (40, 20), (8, 4)])
def test_any_frame_of_a_network(size):
    labels = torch.zeros(2, *size, dtype=torch.int64)
    kept = torch.ones(2, 1, *size)
    kept[:, :, size[0] // 2] = 0
    photo = torch.full((2, 3, *size), 100.0)
    torch.testing.assert_close(
        harmonise(photo + 5, photo, labels, kept, torch.ones_like(kept)), photo, atol=1e-3, rtol=0
    )
