"""Regions grow inside a mask, and never across it."""

import numpy as np

from oviton.data.regions import share_out


def test_a_pixel_goes_to_whoever_is_nearer_by_way_of_the_mask():
    mask = np.ones((9, 21), bool)
    mask[:8, 10] = False  # a wall with a gap at the bottom
    mask[0, 19] = mask[1, 20] = False  # nobody reaches the corner
    first, second = np.zeros_like(mask), np.zeros_like(mask)
    first[0, 9] = second[8, 20] = True
    ours, theirs = share_out(first, second, mask)
    assert ours[0, 0]
    assert theirs[0, 11]  # beside the first across the wall, but nearer to the second around it
    assert not (ours & theirs).any()
    assert not (ours | theirs)[0, 20]
    assert ((ours | theirs) == mask).sum() == mask.size - 1
