import dataclasses

import pytest

from oviton import Garment, Person, TryOn
from oviton.bundle.bundle import SHIPPED_BUNDLES
from oviton.bundle.samples import sample_requests
from oviton.runtime.refinement.options import RefinementOptions
from oviton.runtime.refinement.programs import ProgramsByPrecision
from oviton.runtime.refinement.session import RefinementSession


@pytest.fixture(scope="session")
def tiny_tryon(tiny_bundle_folder, cache):
    with TryOn.load(tiny_bundle_folder, "onnxruntime", cache=cache) as loaded:
        yield loaded


@pytest.fixture(scope="session")
def request_of(people):
    """A person and what they are to wear."""
    person = Person.open(people / "hugo")
    return person, [Garment.open(people / "ana", wear="upper_clothes"), Garment.open(people / "ben", wear="pants")]


@pytest.fixture
def refine(tiny_tryon, request_of):
    """Refine with the tiny bundle; options as keywords."""

    def call(**wishes):
        on_step = wishes.pop("on_step", None)
        options = dataclasses.replace(RefinementOptions(steps=4, views=2, precision="fp32"), **wishes)
        return tiny_tryon.refine(*request_of, options=options, on_step=on_step)

    return call


@pytest.fixture(scope="session")
def matched(cache, request_of):
    """What is refined with a bundle whose networks find people in photographs."""
    with TryOn.load(SHIPPED_BUNDLES / "small-codes", "onnxruntime", "fp32", cache=cache) as loaded:
        yield loaded.refinement(*request_of, options=RefinementOptions(views=1, precision="fp32")).refiner.problem


@pytest.fixture(scope="session")
def programs(tiny_tryon):
    return ProgramsByPrecision(tiny_tryon.engines).load("fp32")


@pytest.fixture(scope="session")
def values(tiny_tryon, sample_people):
    """Every tensor of a feed-forward pass, with two garments."""
    return tiny_tryon.engines.run(sample_requests(sample_people, 64, 32, 1, 2))


@pytest.fixture
def start(tiny_tryon, programs, values):
    """Begin a refinement of those tensors; options as keywords."""

    def call(**wishes):
        options = dataclasses.replace(RefinementOptions(steps=3, views=2, precision="fp32"), **wishes)
        return RefinementSession(tiny_tryon.engines, programs, values, options)

    return call
