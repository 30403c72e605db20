import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from oviton.data.classes import CLASS_IDS
from oviton.data.rim import clean_rim, near, rim_of, rim_reach


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_near_is_pillows_maximum(height, width, reach, seed):
    mask = np.random.default_rng(seed).random((height, width)) < 0.1
    wide = np.pad(mask, reach).astype(np.uint8)
    wanted = np.asarray(Image.fromarray(wide).filter(ImageFilter.MaxFilter(2 * reach + 1)))
    assert np.array_equal(near(mask, reach), wanted[reach:-reach, reach:-reach] > 0)


@pytest.mark.parametrize("reach", [1, 2])
def test_the_outline_of_what_is_taken_off_goes(reach):
    """Half of the garment's colour in the pixels beside it: what a camera makes of an outline."""
    taken = np.zeros((20, 20), bool)
    taken[5:15, 5:15] = True
    image = np.full((20, 20, 3), 200, np.uint8)
    image[near(taken, reach)] = 110
    image[taken] = 20
    found = clean_rim(image, image, taken, ~taken, near(taken, reach) & ~taken, reach)
    assert (found[~taken] == 200).all()
    assert (found[taken] == 20).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_a_rim_takes_the_mean_of_the_clean_pixels_around_it(height, width, reach, seed):
    rng = np.random.default_rng(seed)
    image, painted = rng.integers(0, 256, (2, height, width, 3)).astype(np.uint8)
    paintable, kept, rim = rng.random((3, height, width)) < np.array([0.5, 0.6, 0.4])[:, None, None]
    wanted = image.copy()
    for y, x in zip(*np.nonzero(kept & rim), strict=True):
        window = np.s_[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
        around = image[window][(kept & ~rim)[window]].astype(int)
        if len(around):
            wanted[y, x] = (around.sum(axis=0) + len(around) // 2) // len(around)
        elif paintable[y, x]:
            wanted[y, x] = painted[y, x]
    assert np.array_equal(clean_rim(image, painted, paintable, kept, rim, reach), wanted)


def test_a_strand_without_a_clean_neighbour_stays_and_a_speck_is_painted():
    image = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    painted = image + np.uint8(100)
    kept, speck = np.zeros((3, 3), bool), np.zeros((3, 3), bool)
    kept[:, 1] = speck[1] = True
    found = clean_rim(image, painted, speck, kept, kept)
    assert np.array_equal(found[1, 1], painted[1, 1])
    found[1, 1] = image[1, 1]
    assert np.array_equal(found, image)


def test_nothing_taken_changes_nothing():
    image = np.random.default_rng(0).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    everywhere = np.ones((6, 5), bool)
    found = clean_rim(image, 255 - image, everywhere, everywhere, ~everywhere)
    assert np.array_equal(found, image)


def test_the_head_is_no_rim():
    labels = np.full((6, 6), CLASS_IDS["torso_skin"], np.uint8)
    labels[:, 3] = CLASS_IDS["upper_clothes"]
    labels[:2, 2] = CLASS_IDS["face"]
    source = np.zeros(20, np.int32)
    source[CLASS_IDS["upper_clothes"]] = 1
    found = rim_of(labels, source)
    wanted = np.zeros((6, 6), bool)
    wanted[2:, 2] = wanted[:, 4] = True
    assert np.array_equal(found, wanted)


def test_the_rim_is_as_wide_at_any_size():
    assert [rim_reach(height) for height in (64, 256, 384, 512, 1024)] == [1, 1, 2, 2, 4]
