import numpy as np
import pytest
import torch

from oviton.data.classes import CLASS_IDS
from oviton.networks.surface import DECAY, FILL_LEVELS, FINER, fourier_features, surface_lookup, texels_for

TEXELS = 96
TOP = CLASS_IDS["upper_clothes"]


def chart(height, width, part=2):
    """A body map in which every pixel has its own texel."""
    v, u = np.mgrid[0:height, 0:width]
    to_byte = lambda i: np.ceil(i * 255 / (TEXELS - 1)).astype(np.uint8)  # noqa: E731
    return np.stack([np.full((height, width), part, np.uint8), to_byte(u), to_byte(v)], axis=2)


def as_batch(*arrays):
    return [torch.from_numpy(np.ascontiguousarray(a)).to(torch.int32) for a in arrays]


@pytest.fixture
def scene():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, 1, 64, 32, 3))
    labels = np.full((1, 64, 32), TOP)
    body = chart(64, 32)
    source = np.zeros((1, 20))
    source[0, TOP] = 1
    return image, labels, body, source


def lookup(image, labels, body, garment_labels, garment_body, source):
    return surface_lookup(
        *as_batch(labels, body[None], image, garment_labels[:, None], garment_body[None, None], source), TEXELS
    ).numpy()


def test_same_body_map_gives_the_pixel_itself(scene):
    _, labels, body, source = scene
    y, x = np.mgrid[0:64, 0:32]
    waves = [128 + 100 * np.sin(x * a + y * b) for a, b in ((0.3, 0.1), (0, 0.4), (0.2, -0.3))]
    image = np.stack(waves, axis=2)[None, None].round()
    found = lookup(image, labels, body, labels, body, source)[0]
    inner = (slice(None), slice(2, -2), slice(2, -2))
    expected = image[0, 0].transpose(2, 0, 1) / 127.5 - 1
    # It is sampled between pixels twice, so only to the difference of a fraction of a pixel.
    assert np.abs(found[:3][inner] - expected[inner]).mean() < 0.08
    assert np.abs(found[:3][inner] - expected[inner]).max() < 0.3
    assert (found[3][inner[1:]] == 1).all()


def test_a_shifted_person_gets_shifted_pixels(scene):
    image, labels, body, source = scene
    moved = np.roll(body, 3, axis=0)
    same = lookup(image, labels, body, labels, body, source)
    shifted = lookup(image, labels, moved, labels, body, source)
    sure = (shifted[:, 3:] == 1) & (np.roll(same, 3, axis=2)[:, 3:] == 1)
    assert sure.mean() > 0.8
    assert np.array_equal(shifted[sure.repeat(4, 1)], np.roll(same, 3, axis=2)[sure.repeat(4, 1)])


def test_coordinates_are_not_interpolated_from_chart_to_chart():
    """One chart's rim beside another's: what lies between in U is not what lies between in space."""
    labels = np.full((1, 64, 32), TOP)
    body = np.zeros((64, 32, 3), np.uint8)
    body[:, :16, 0], body[:, 16:, 0] = 15, 17
    body[:, :16, 1], body[:, 16:, 1] = np.arange(16), 240 + np.arange(16)
    body[..., 2] = (np.arange(64) * 4)[:, None]
    image = np.zeros((1, 1, 64, 32, 3))
    image[..., 16:, :] = 255
    source = np.zeros((1, 20))
    source[0, TOP] = 1
    middle = body.copy()
    middle[..., 1] = 120  # a place that the photograph does not show
    found = lookup(image, labels, middle, labels, body, source)[0]
    assert (found[3, 8:-8, 8:-8] < 0.95).all()
    ends = lookup(image, labels, body, labels, body, source)[0]
    assert np.allclose(ends[0, 8:-8, 4:12], -1, atol=1e-5)
    assert np.allclose(ends[0, 8:-8, 20:28], 1, atol=1e-5)


def test_nothing_is_looked_up_outside_the_worn_class(scene):
    image, labels, body, source = scene
    other = labels.copy()
    other[:, :, :16] = CLASS_IDS["pants"]
    found = lookup(image, other, body, labels, body, source)
    assert (found[..., :16] == 0).all()
    # A garment photograph whose class is not worn gives nothing.
    assert (lookup(image, labels, body, np.full_like(labels, CLASS_IDS["coat"]), body, source) == 0).all()


def test_other_body_parts_know_nothing(scene):
    image, labels, body, source = scene
    arm = chart(64, 32, part=15)
    assert (lookup(image, labels, arm, labels, body, source) == 0).all()
    assert (lookup(image, labels, np.zeros_like(body), labels, body, source) == 0).all()


def test_holes_are_filled_with_less_confidence(scene):
    image, labels, body, source = scene
    image = np.full_like(image, 255)
    garment_labels = labels.copy()
    garment_labels[:, 20:40, 8:24] = 0
    found = lookup(image, labels, body, garment_labels, body, source)[0]
    hole = found[:, 30, 15]
    assert 0 < hole[3] < 1
    assert np.allclose(hole[:3] / hole[3], 1, atol=1e-5)


def test_cloth_clear_of_the_body_takes_after_its_neighbours(scene):
    _, labels, body, source = scene
    image = np.full((1, 1, 64, 32, 3), 255)
    wide = body.copy()
    wide[:, 20:] = 0  # a loose sleeve: the label goes on, the body does not
    found = lookup(image, labels, wide, labels, body, source)[0]
    assert (found[3, 10:-10, 20:] > 0.2).all()
    assert (found[3, 10:-10, 20:] < 1).all()
    assert np.allclose(found[:3, 10:-10, 20:] / found[3, 10:-10, 20:], 1, atol=1e-5)


def test_each_pixel_reads_its_own_garment():
    body, labels = chart(64, 32), np.full((1, 64, 32), TOP)
    labels[:, 32:] = CLASS_IDS["pants"]
    images = np.stack([np.full((64, 32, 3), 255), np.zeros((64, 32, 3))])[None]
    garment_labels = np.stack([np.full((64, 32), TOP), np.full((64, 32), CLASS_IDS["pants"])])[None]
    source = np.zeros((1, 20))
    source[0, TOP], source[0, CLASS_IDS["pants"]] = 1, 2
    found = surface_lookup(
        *as_batch(labels, body[None], images, garment_labels, np.stack([body, body])[None], source), TEXELS
    ).numpy()[0]
    assert np.allclose(found[0, 2:30, 2:-2], 1)
    assert np.allclose(found[0, 34:-2, 2:-2], -1)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_any_integers_will_do(scene, dtype):
    image, labels, body, source = scene
    arrays = (labels, body[None], image, labels[:, None], body[None, None])
    found = surface_lookup(*(t.to(dtype) for t in as_batch(*arrays)), torch.from_numpy(source).int(), TEXELS)
    assert torch.equal(found, torch.from_numpy(lookup(image, labels, body, labels, body, source)))


def brute_force(image, labels, body, garment_labels, garment_body, source):
    """The lookup with a full atlas, in float64: sampled, scattered, filled and read one texel at a time."""
    height, width = labels.shape

    def bilinear(x, y, fx):  # x at fractional rows and columns, its border repeated
        r0, c0 = int(np.floor(y)), int(np.floor(fx))
        total = 0.0
        for r, wr in ((r0, 1 - (y - r0)), (r0 + 1, y - r0)):
            for c, wc in ((c0, 1 - (fx - c0)), (c0 + 1, fx - c0)):
                total = total + wr * wc * x[min(max(r, 0), x.shape[0] - 1), min(max(c, 0), x.shape[1] - 1)]
        return total

    worn = source[garment_labels] == 1
    worn &= np.array(
        [[worn[max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2].all() for c in range(width)] for r in range(height)]
    )
    atlas = np.zeros((25, TEXELS, TEXELS, 4))
    for column in (-0.25, 0.25):
        for row in (-0.25, 0.25):
            for r, c in zip(*np.nonzero(worn & (garment_body[..., 0] > 0)), strict=True):
                around = garment_body[max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2].astype(int).reshape(-1, 3)
                inside = len(np.unique(around[:, 0])) == 1
                u, v = garment_body[r, c, 1:].astype(float)
                if inside:
                    u, v = (bilinear(garment_body[..., k].astype(float), r + row, c + column) for k in (1, 2))
                i, j = (int(k * (TEXELS - 1) / 255 + 0.5) for k in (u, v))
                atlas[garment_body[r, c, 0], i, j, :3] = bilinear(image / 127.5 - 1, r + row, c + column)
                atlas[garment_body[r, c, 0], i, j, 3] = 1
    charts = fill(torch.from_numpy(atlas).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    found = np.zeros((height, width, 4))
    for r, c in zip(*np.nonzero((source[labels] == 1) & (body[..., 0] > 0)), strict=True):
        part, u, v = body[r, c]
        found[r, c] = bilinear(charts[part], u * (TEXELS - 1) / 255, v * (TEXELS - 1) / 255)
    picture = fill(torch.from_numpy(found).permute(2, 0, 1)[None])[0].numpy()
    return picture * (source[labels] == 1)


def fill(x):
    """Push-pull as it is written down: average, then fill from coarse to fine."""
    pyramid = [x]
    for _ in range(FILL_LEVELS):
        pyramid.append(torch.nn.functional.avg_pool2d(pyramid[-1], 2))
    sure = [level / level[:, 3:].where(level[:, 3:] > 0, torch.ones_like(level[:, 3:])) for level in pyramid]
    filled = sure[-1]
    for level in [*sure[-2:0:-1], x]:
        coarse = torch.nn.functional.interpolate(filled, scale_factor=2.0, mode="bilinear") * DECAY
        filled = level.where(level[:, 3:] > 0, coarse)
    return filled


def test_agrees_with_a_full_atlas():
    rng = np.random.default_rng(4)
    height, width = 64, 32
    image = rng.integers(0, 256, (height, width, 3))
    body, garment_body = chart(height, width), chart(height, width)
    garment_body[:, 20:, 0], body[:, 16:, 0] = 15, 15  # two parts, whose borders differ
    garment_body[..., 1:] = np.roll(garment_body[..., 1:], 2, axis=0)
    body[50:, :8] = 0
    labels = np.full((height, width), TOP)
    labels[:6] = 0
    garment_labels = np.full((height, width), TOP)
    garment_labels[30:44, 6:18] = CLASS_IDS["pants"]
    source = np.zeros(20, int)
    source[TOP] = 1
    expected = brute_force(image, labels, body, garment_labels, garment_body, source)
    found = lookup(image[None, None], labels[None], body, garment_labels[None], garment_body, source[None])[0]
    assert 0.2 < (expected[3] == 1).mean() < 0.8  # some is seen, some filled, some unknown
    assert np.abs(found - expected).max() < 1e-4


def test_charts_match_the_frame():
    assert [texels_for(height) for height in (64, 256, 512)] == [32, 128, 192]
    for height in (64, 256, 512):
        assert 25 * texels_for(height) ** 2 >= FINER**2 * height * height // 2


def test_fourier_features_are_bounded_and_zero_off_the_body():
    body = chart(8, 8)
    body[:, :4, 0] = 0
    features = fourier_features(torch.from_numpy(body)[None].int(), torch.float32)
    assert features.shape == (1, 16, 8, 8)
    assert features.abs().max() <= 1
    assert features[..., :4].abs().max() == 0
