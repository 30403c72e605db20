import numpy as np
import pytest
import torch
from torch.nn import functional as F

from oviton.networks.correspondence.matcher import grid
from oviton.networks.correspondence.places import SUBPIXELS, UNITS, enlarged, in_pixels, to_units


@pytest.mark.parametrize("finer", [1, 2, 4, 8])
def test_enlarging_rounds_what_torch_interpolates(finer):
    x = torch.from_numpy(np.random.default_rng(finer).integers(0, UNITS + 1, (2, 3, 5, 4))).to(torch.int32)
    found = enlarged(x, finer)
    expected = F.interpolate(x.double(), scale_factor=float(finer), mode="bilinear") if finer > 1 else x
    assert found.dtype == torch.int32
    assert (found - expected).abs().max() <= 1  # rounded once an axis


def test_a_pixels_own_place_is_itself():
    height, width = 64, 32
    places = to_units(grid((16, 8), torch.device("cpu")), torch.ones(1, 1, 16, 8))
    column, row, seen = enlarged(places, 4)[0]
    inside = (slice(2, -2), slice(2, -2))  # beyond the last middles a place is repeated
    x, y = in_pixels(column, width), in_pixels(row, height)
    assert np.abs(x[inside] / SUBPIXELS - torch.arange(width)[2:-2]).max() <= 1 / SUBPIXELS
    assert np.abs(y[inside] / SUBPIXELS - torch.arange(height).unsqueeze(1)[2:-2]).max() <= 1 / SUBPIXELS
    assert (seen == UNITS).all()


def test_places_stay_within_the_picture():
    assert to_units(torch.tensor([-0.1, 1.2]).view(1, 2, 1, 1), torch.tensor([[[[2.0]]]])).flatten().tolist() == [
        0, UNITS, UNITS,
    ]  # fmt: skip
    assert in_pixels(torch.tensor([0, UNITS], dtype=torch.int32), 2560).tolist() == [0, 2559 * SUBPIXELS]
