import numpy as np
import pytest
import torch
from skimage import morphology

from oviton.data.classes import CLASS_IDS
from oviton.training import augment
from oviton.training.augment import ColourShift, random_zoom

H, W = 64, 32
GARMENT = torch.tensor([[c in (5, 9) for c in range(20)]])


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def labels():
    values = torch.zeros(1, H, W, dtype=torch.uint8)
    values[:, 20:40, 8:20] = CLASS_IDS["upper_clothes"]
    values[:, 40:60, 10:18] = CLASS_IDS["pants"]
    values[:, 5:20, 10:16] = CLASS_IDS["face"]
    return values


@pytest.fixture
def body():
    values = torch.zeros(1, H, W, 3, dtype=torch.uint8)
    values[:, 10:50, 8:24] = torch.tensor([2, 100, 120], dtype=torch.uint8)
    return values


def test_closer_framings_never_leave_the_frame(generator):
    theta = random_zoom(0.4, 1.8, 500, generator)
    factor = 1 / theta[:, 0, 0]
    assert torch.equal(theta[:, 0, 0], theta[:, 1, 1])
    assert factor.min() == 1
    assert 1.7 < factor.max() <= 1.8
    assert 0.3 < (factor > 1).float().mean() < 0.5
    # The corners of the cut lie within [-1, 1], the frame in affine_grid's units.
    assert ((theta[:, :, 2].abs() + theta[:, :1, 0]) <= 1 + 1e-6).all()
    whole = theta[factor == 1]
    assert torch.equal(whole, torch.eye(2, 3).expand(len(whole), 2, 3))


def test_mirrored_labels_swap_sides():
    labels = torch.tensor([[[14, 15, 18, 5]], [[14, 15, 18, 5]]], dtype=torch.uint8)
    mirrored = augment.mirror_labels(labels, torch.tensor([True, False]))
    assert mirrored.tolist() == [[[5, 19, 14, 15]], [[14, 15, 18, 5]]]


def test_mirrored_body_parts_swap_sides():
    pairs = dict([(1, 1), (2, 2), *((a, b) for p in range(3, 25, 2) for a, b in ((p, p + 1), (p + 1, p)))])
    body = torch.zeros(1, 1, 25, 3, dtype=torch.uint8)
    body[0, 0, :, 0] = torch.arange(25)
    mirrored = augment.mirror_body_map(body, torch.tensor([True]))
    assert mirrored[0, 0, :, 0].tolist() == [pairs.get(part, 0) for part in reversed(range(25))]


def test_displaced_pixels_come_from_where_they_are_told():
    rng = np.random.default_rng(1)
    labels, field = rng.integers(0, 20, (2, 9, 7)), rng.uniform(-3, 3, (2, 2, 9, 7))
    moved = augment.displace(torch.tensor(labels), torch.tensor(field)).numpy()
    for n, y, x in np.ndindex(2, 9, 7):
        dx, dy = np.round(field[n, :, y, x]).astype(int)
        assert moved[n, y, x] == labels[n, np.clip(y + dy, 0, 8), np.clip(x + dx, 0, 6)]


def test_wobble_moves_borders_only_and_only_where_told(labels, generator):
    moved = augment.wobble(labels.expand(2, -1, -1), 2.5, torch.tensor([1.0, 0.0]), generator)
    assert torch.equal(moved[1], labels[0])
    changed = (moved[0] != labels[0]).numpy()
    assert changed.any()
    inner = morphology.erosion((labels[0] == 5).numpy(), morphology.footprint_rectangle((7, 7)))
    assert not changed[inner].any()


def test_jitter_moves_coordinates_of_the_body_only_and_not_far(body, generator):
    moved = augment.jitter_coordinates(body.expand(8, -1, -1, -1), generator, drift=6, grain=0)
    assert torch.equal(moved[..., 0], body[..., 0].expand(8, -1, -1))
    assert moved[:, :10].max() == 0
    far = (moved.int() - body.int()).abs().amax()
    assert 2 <= far <= 6


def test_dropped_parts_and_coordinates_are_zero(body):
    gone = torch.zeros(1, 25, dtype=torch.bool)
    gone[0, 2] = True
    assert augment.drop_parts(body, gone).max() == 0
    assert torch.equal(augment.drop_parts(body, ~gone), body)
    flat = augment.drop_coordinates(body, torch.tensor([True]))
    assert torch.equal(flat[..., 0], body[..., 0])
    assert flat[..., 1:].max() == 0


def test_holes_are_rectangles_in_a_share_of_maps(generator):
    full = torch.ones(400, H, W, 3, dtype=torch.uint8)
    holes = (augment.punch_holes(full, 0.25, generator)[..., 0] == 0).numpy()
    hit = [hole for hole in holes if hole.any()]
    assert 60 < len(hit) < 140
    for hole in hit:
        rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
        assert hole.sum() == len(rows) * len(columns)
        assert len(rows) <= 0.3 * H + 1
        assert len(columns) <= 0.3 * W + 1


def test_rough_garments_are_eroded_or_dilated_by_up_to_the_limit(labels, generator):
    worn = (torch.isin(labels, torch.tensor([5, 9])))[0].numpy()
    square = morphology.footprint_rectangle((3, 3))
    allowed = {0: worn}
    for pixels in range(1, 4):
        allowed[pixels] = morphology.dilation(allowed[pixels - 1], square)
        # Beyond the frame nothing is known, so nothing is eroded from there.
        allowed[-pixels] = morphology.erosion(allowed[1 - pixels], square)
    found = set()
    for _ in range(60):
        rough = augment.rough_garments(labels, GARMENT, generator)[0]
        mask = torch.isin(rough, torch.tensor([5, 9])).numpy()
        pixels = next(key for key, expected in allowed.items() if np.array_equal(mask, expected))
        found.add(pixels)
        kept = ~mask & ~worn
        assert torch.equal(rough[torch.from_numpy(kept)], labels[0][torch.from_numpy(kept)])
    assert found == set(range(-3, 4))


def test_colour_shift_is_the_same_for_every_picture(generator):
    shift = ColourShift.random(64, generator)
    picture = torch.rand(64, 3, 4, 4, generator=generator)
    assert torch.equal(shift(picture), shift(picture.clone()))
    assert torch.equal(shift(picture).flip(3), shift(picture.flip(3)))
    permuted = (shift.order != torch.arange(3)).any(dim=1).float().mean()
    assert 0.05 < permuted < 0.4
    assert (shift.order.sort(dim=1).values == torch.arange(3)).all()


def test_colour_shift_by_hand():
    shift = ColourShift(torch.tensor([[0.5, 1.0, 2.0]]), torch.tensor([2.0]), torch.tensor([[2, 0, 1]]))
    changed = shift(torch.tensor([0.2, 0.4, 0.6]).view(1, 3, 1, 1)).flatten()
    assert changed.tolist() == pytest.approx([0.5 * 0.36, 0.04, 2 * 0.16])


def test_soften_stays_close(generator):
    picture = torch.rand(16, 3, H, W, generator=generator)
    softened = augment.soften(picture, generator)
    same = (softened == picture).flatten(1).all(dim=1)
    assert 2 < same.sum() < 14
    assert softened.min() >= 0
    assert softened.max() <= 1


def test_same_generator_same_draw(labels):
    draws = [augment.wobble(labels, 3, torch.ones(1), torch.Generator().manual_seed(4)) for _ in range(2)]
    assert torch.equal(*draws)
