import numpy as np
import pytest

from oviton.bundle.families import FAMILIES
from oviton.bundle.samples import sample_requests
from oviton.data.classes import GARMENTS


@pytest.mark.parametrize(("requests", "garments"), [(1, 1), (2, 2), (8, 1), (1, 8), (3, 4)])
def test_every_kind_of_source_occurs(sample_people, requests, garments):
    batch = sample_requests(sample_people, 64, 32, requests, garments)
    assert batch["garment_images"].shape == (requests, garments, 64, 32, 3)
    for labels, worn, source in zip(batch["person_labels"], batch["garment_labels"], batch["source"], strict=True):
        used = set(source.tolist())
        assert {0, 1} <= used <= set(range(-1, garments + 1))
        for index in used - {0, -1}:
            for c in np.flatnonzero(source == index):
                assert c in GARMENTS
                assert (worn[index - 1] == c).any()
        for c in np.flatnonzero(source == -1):
            assert (labels == c).any()
        assert -1 in used


@pytest.mark.parametrize("family", FAMILIES.values())
def test_samples_bring_all_that_a_family_takes(sample_people, family):
    assert set(family.inputs) <= sample_requests(sample_people, 64, 32, 1, 1).keys()


def test_photographs_share_the_classes(sample_people):
    source = sample_requests(sample_people, 64, 32, 1, 4)["source"][0]
    assert set(range(1, 5)) <= set(source.tolist())
