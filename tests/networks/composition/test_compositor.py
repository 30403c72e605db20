import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oviton.data.classes import BACKGROUND
from oviton.data.rim import clean_rim, rim_of
from oviton.networks.composition.compositor import composite


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_composite_equals_the_naive_rule(seed):
    rng = np.random.default_rng(seed)
    image, generated = (rng.integers(0, 256, (1, 8, 4, 3)).astype(np.int32) for _ in range(2))
    old, new = (rng.choice([0, 5, 13, 14], (1, 8, 4), p=[0.5, 0.2, 0.1, 0.2]).astype(np.int32) for _ in range(2))
    source = np.zeros((1, 20), np.int32)
    source[0, 5] = 1
    found = composite(*(torch.from_numpy(a) for a in (image, old, generated, new, source))).numpy()[0]
    touched = source[0][old[0]] != 0
    kept = (old == new)[0] & ~touched

    def around(y, x):
        return [(j, i) for j in range(max(y - 1, 0), min(y + 2, 8)) for i in range(max(x - 1, 0), min(x + 2, 4))]

    rim = {p for p in np.ndindex(8, 4) if kept[p] and old[0][p] != 13 and any(touched[q] for q in around(*p))}
    for p in np.ndindex(8, 4):
        clean = [q for q in around(*p) if kept[q] and q not in rim]
        if p in rim and not clean and new[0][p] == BACKGROUND:
            continue  # painted and harmonised: tests/networks/composition/test_harmonise.py
        if p in rim and clean:
            mean = np.mean([image[0][q] for q in clean], axis=0)
            assert np.abs(found[p] - mean).max() <= 0.5 + 1e-3
        elif kept[p] or new[0][p] == 5:  # what is worn is as the network painted it
            assert np.array_equal(found[p], (image if kept[p] else generated)[0][p])
    rim_mask = rim_of(old[0], source[0])
    in_a_photograph = clean_rim(image[0].astype(np.uint8), found, old[0] == BACKGROUND, kept, rim_mask)
    assert np.abs(found[kept].astype(int) - in_a_photograph[kept]).max(initial=0) <= 1
