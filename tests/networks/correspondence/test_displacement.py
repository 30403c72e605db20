import numpy as np
import pytest
import torch

from oviton.networks.correspondence.displacement import displaced_pixels, frame_texels

HEIGHT, WIDTH = 64, 32


def body_map(rng, shift=(0, 0), holes=3):
    """A body of two parts beside each other, with smooth coordinates, somewhere in the frame."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    y, x = y - shift[0], x - shift[1]
    body = np.stack([np.where(x < 14, 1, 15), 9 * x % 126 + 60 + y // 4, 3 * y + 20 + x // 3], axis=2)
    body[(y < 4) | (y > 58) | (x < 3) | (x > 26)] = 0
    for _ in range(holes):
        top, left = rng.integers(0, HEIGHT - 8), rng.integers(0, WIDTH - 8)
        body[top : top + 6, left : left + 7] = 0
    return body.clip(0, 255)


def brute_force(wanted, densepose, garment_densepose, worn):
    """The field of one request, pixel by pixel in float64: `[M, 2, H, W]` in pixels, and the confidence."""
    texels = 32

    def texel(pixel):
        part, u, v = (int(each) for each in pixel)
        row, column = (int(each * (texels - 1) / 255 + 0.5) for each in (u, v))
        return (part, row, column) if part and row + column else None

    fields, sures = [], []
    for m in range(len(worn)):
        places = {}
        for y, x in zip(*np.nonzero(worn[m]), strict=True):
            places[texel(garment_densepose[m, y, x])] = (x, y)
        places.pop(None, None)
        found = np.zeros((HEIGHT, WIDTH, 3))
        for y, x in zip(*np.nonzero(wanted == m + 1), strict=True):
            place = places.get(texel(densepose[y, x]))
            if place:
                found[y, x] = place[0] - x, place[1] - y, 1
        levels = []
        for k in range(1, 6):
            size = 2**k
            levels.append(found.reshape(HEIGHT // size, size, WIDTH // size, size, 3).sum(axis=(1, 3)))
        padded = np.pad(levels[0], ((2, 2), (2, 2), (0, 0)))
        h, w = levels[0].shape[:2]
        levels[0] = np.array([[padded[r : r + 5, c : c + 5].sum(axis=(0, 1)) for c in range(w)] for r in range(h)])
        mean = sure = None
        for k in reversed(range(5)):
            seen = levels[k][..., 2] >= (8 if k == 0 else 1)
            own = levels[k][..., :2] / np.maximum(levels[k][..., 2:], 1)
            if mean is None:
                mean, sure = np.where(seen[..., None], own, own[seen].mean(axis=0) if seen.any() else 0), seen * 1.0
            else:
                mean = np.where(seen[..., None], own, twice(mean))
                sure = np.where(seen, 1.0, twice(sure[..., None])[..., 0] * 0.9)
        fields.append(twice(mean).transpose(2, 0, 1))
        sures.append(sure.repeat(2, 0).repeat(2, 1))
    return np.stack(fields), np.stack(sures)


def twice(x):
    """Interpolate `[h, w, C]` to twice the size, the middles of pixels lying a quarter beside the old ones."""
    for axis in (0, 1):
        old = np.arange(x.shape[axis])
        at = (np.arange(2 * len(old)) + 0.5) / 2 - 0.5
        x = np.apply_along_axis(lambda line, at=at, old=old: np.interp(at, old, line), axis, x)
    return x


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_a_search_pixel_by_pixel(seed):
    rng = np.random.default_rng(seed)
    densepose = np.stack([body_map(rng) for _ in range(2)])
    shifts = rng.integers(-6, 7, (2, 2, 2))
    garment_densepose = np.stack([[body_map(rng, shifts[n, m]) for m in range(2)] for n in range(2)])
    wanted = rng.choice([-1, 0, 1, 1, 2, 2], (2, HEIGHT // 8, WIDTH // 8)).repeat(8, 1).repeat(8, 2)
    worn = (rng.random((2, 2, HEIGHT, WIDTH)) < 0.9).astype(int)
    worn[0, 1, :50] = 0
    x, y, confidence = displaced_pixels(
        *(torch.from_numpy(each).to(torch.int32) for each in (wanted, densepose, garment_densepose, worn))
    )
    assert x.dtype == y.dtype == torch.int32
    places = torch.stack([x, y], 1).reshape(2, 2, HEIGHT, WIDTH).numpy() / 16
    confidence = confidence.reshape(2, HEIGHT, WIDTH).numpy()
    here = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)))
    for n in range(2):
        fields, sures = brute_force(wanted[n], densepose[n], garment_densepose[n], worn[n])
        assert (confidence[n][wanted[n] <= 0] == 0).all()
        for m in range(2):
            own = wanted[n] == m + 1
            assert np.abs(confidence[n] - sures[m])[own].max(initial=0) < 1e-5
            expected = (here + fields[m]).clip(0, np.array([WIDTH - 1, HEIGHT - 1])[:, None, None])
            # Every level rounds to a unit.
            assert np.abs(places[n] - expected)[:, own & (sures[m] > 0)].max(initial=0) < 3 / 16
        assert 0.1 < (confidence[n][wanted[n] > 0] == 1).mean() < 0.95


def test_nothing_in_common_is_not_known():
    densepose = torch.from_numpy(body_map(np.random.default_rng(0))).to(torch.int32).unsqueeze(0)
    one = torch.ones(1, HEIGHT, WIDTH, dtype=torch.int32)
    for arguments in (
        (one * 0, densepose, densepose.unsqueeze(1), one.unsqueeze(1)),
        (one, densepose, densepose.unsqueeze(1), one.unsqueeze(1) * 0),
        (one, densepose * 0, densepose.unsqueeze(1), one.unsqueeze(1)),
    ):
        *_, confidence = displaced_pixels(*arguments)
        assert (confidence == 0).all()


def test_charts_hold_more_texels_than_frames_have_pixels():
    sizes = [(64, 32), (256, 128), (512, 256), (512, 512), (1024, 512)]
    assert [frame_texels(*size) for size in sizes] == [32, 64, 96, 128, 192]
    assert all(25 * frame_texels(*size) ** 2 > size[0] * size[1] for size in sizes)
