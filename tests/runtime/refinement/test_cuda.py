import numpy as np
import pytest
import torch

from oviton import TryOn
from oviton.runtime.refinement.lockstep import take_steps
from oviton.runtime.refinement.options import RefinementOptions
from oviton.runtime.refinement.programs import ProgramsByPrecision

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU that this torch can use"),
]

OPTIONS = RefinementOptions(steps=10, views=2, precision="fp32")


@pytest.fixture(scope="module")
def tryon(tiny_bundle_folder):
    with TryOn.load(tiny_bundle_folder, "torch") as loaded:
        yield loaded


def refined(tryon, request_of, capture):
    refiner = tryon.refinement(*request_of, options=OPTIONS).refiner
    losses = [steps[0].losses["loss"] for steps in take_steps([refiner], capture=capture)]
    return losses, refiner.result()


def test_a_captured_step_does_what_an_eager_one_does(tryon, request_of):
    eager, captured = (refined(tryon, request_of, capture) for capture in (False, True))
    assert captured[0] == pytest.approx(eager[0], rel=1e-4)
    assert captured[1].after == pytest.approx(eager[1].after, rel=1e-3)


def test_same_seed_same_picture(tryon, request_of):
    first, again = (tryon.refine(*request_of, options=OPTIONS) for _ in range(2))
    assert np.array_equal(first.image, again.image)


def test_duplicate_texels_are_settled_as_on_the_cpu(tryon, tiny_tryon, values):
    """The last pixel of a texel wins on both."""
    names = ("labels", "densepose", "garment_images", "garment_labels", "garment_densepose", "source")
    found = []
    for loaded in (tiny_tryon, tryon, tryon):
        programs = ProgramsByPrecision(loaded.engines).load("fp32")
        found.append(programs.look_up(**{name: programs.tensor(values[name]) for name in names}).cpu())
    assert torch.equal(found[1], found[2])
    assert (found[0] - found[1]).abs().max() < 1e-4
