import numpy as np
import pytest

from oviton.data.errors import InputError
from oviton.evaluation.shape_scores import ShapeNetworks
from oviton.evaluation.triplets import Triplet, TripletFolder


@pytest.fixture
def triplet(triplets):
    return Triplet.open(TripletFolder.open(triplets).splits["upper"][0])


def test_labels_equal_those_of_the_exported_bundle(triplet, tiny_bundle_folder, tryon):
    drawn = ShapeNetworks(tiny_bundle_folder).labels(triplet)
    expected = tryon(triplet.person, list(triplet.garments), remove=triplet.remove).labels
    assert drawn.shape == expected.shape == (64, 32)
    assert (drawn == expected).mean() > 0.995


def test_scores_lie_between_none_and_all(triplet, tiny_bundle_folder):
    score = ShapeNetworks(tiny_bundle_folder).score(triplet)
    assert (score.split, score.name) == (triplet.split, triplet.name)
    assert set(score.iou) == {"upper_clothes"}
    assert all(0 <= value <= 1 for value in (score.miou, *score.iou.values()))
    assert np.isfinite(score.miou)


def test_folder_without_shape_weights_is_refused(tmp_path):
    with pytest.raises(InputError, match="shape"):
        ShapeNetworks(tmp_path)
