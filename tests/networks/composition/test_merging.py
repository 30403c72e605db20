import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from oviton.data.classes import BACKGROUND, CLASS_IDS, CLASS_NAMES, GARMENTS, HEAD, HEADWEAR, SKIN
from oviton.networks.composition.merging import merge_labels

GOES_BELOW = {
    "upper_clothes": ("pants",),
    "coat": ("upper_clothes", "dress", "pants", "skirt"),
    "scarf": ("upper_clothes", "dress", "pants", "skirt", "coat"),
    "left_arm": ("pants", "skirt"),
    "right_arm": ("pants", "skirt"),
}
FREE = {BACKGROUND, CLASS_IDS["hair"], *SKIN}


def naive_merge(logits, person, source):
    """Pixel by pixel, in plain Python."""
    result = person.copy()
    owned = set(np.unique(person).tolist())
    allowed = [c for c in range(20) if c in FREE or source[c] > 0 or (source[c] == 0 and c in owned)]
    for y, x in np.ndindex(person.shape):
        old = int(person[y, x])
        here = allowed
        if source[old] != 0:
            here = [
                c
                for c in allowed
                if source[c] != 0 or c in HEAD or CLASS_NAMES[old] not in GOES_BELOW.get(CLASS_NAMES[c], ())
            ]
        drawn = max(here, key=lambda c, y=y, x=x: logits[c, y, x])
        may_cover = old not in HEAD or drawn not in GARMENTS or drawn in HEADWEAR
        may_cover &= CLASS_NAMES[drawn] not in GOES_BELOW.get(CLASS_NAMES[old], ())
        if source[old] != 0 or (source[drawn] != 0 and may_cover):
            result[y, x] = drawn
    return result


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_merge_equals_the_naive_rule(seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(1, 20, 6, 5)).astype(np.float32)
    person = rng.choice(rng.integers(0, 20, 6), (1, 6, 5)).astype(np.int32)
    source = rng.choice([0, 0, 0, 1, -1], (1, 20)).astype(np.int32)
    source[:, [c for c in range(20) if c not in GARMENTS]] = 0
    merged = merge_labels(torch.from_numpy(logits), torch.from_numpy(person), torch.from_numpy(source))
    assert merged.dtype == torch.uint8
    assert np.array_equal(merged[0].numpy(), naive_merge(logits[0], person[0], source[0]))


@pytest.mark.parametrize("finer", [2, 4])
def test_coarse_logits_are_upsampled(finer):
    rng = np.random.default_rng(finer)
    logits = rng.normal(size=(1, 20, 8, 4)).astype(np.float32)
    rows, columns = ((np.arange(n * finer) + 0.5) / finer - 0.5 for n in (8, 4))
    grid = np.meshgrid(rows.clip(0, 7), columns.clip(0, 3), indexing="ij")
    fine = np.stack([map_coordinates(each, grid, order=1) for each in logits[0]])
    person = np.full((1, 8 * finer, 4 * finer), CLASS_IDS["upper_clothes"], np.int32)
    source = np.zeros((1, 20), np.int32)
    source[0, list(GARMENTS)] = 1
    merged = merge_labels(torch.from_numpy(logits), torch.from_numpy(person), torch.from_numpy(source))[0].numpy()
    allowed = [c for c in range(20) if c in FREE or c in GARMENTS]
    best = np.sort(fine[allowed], axis=0)
    clear = best[-1] - best[-2] > 1e-4
    assert clear.mean() > 0.95
    assert np.array_equal(merged[clear], np.array(allowed)[fine[allowed].argmax(0)][clear])


def test_an_empty_outfit_changes_no_label():
    person = torch.randint(0, 20, (1, 8, 8), dtype=torch.int32)
    source = torch.zeros(1, 20, dtype=torch.int32)
    assert torch.equal(merge_labels(torch.randn(1, 20, 8, 8), person, source).int(), person)
