from dataclasses import replace

import numpy as np
import pytest

from oviton import Garment, TryOnRequest
from oviton.data.errors import InputError
from oviton.runtime.refinement import many
from oviton.runtime.refinement.lockstep import take_steps
from oviton.runtime.refinement.options import RefinementOptions

OPTIONS = RefinementOptions(steps=3, views=2, precision="fp32")


@pytest.fixture
def requests(request_of, people):
    person, garments = request_of
    return [
        TryOnRequest(person, garments),
        TryOnRequest(person, Garment.open(people / "ana", wear="upper_clothes")),  # fewer pictures a step
        TryOnRequest(person, garments[1:], "upper_clothes"),
    ]


def test_each_gets_what_it_would_get_alone(tiny_tryon, requests):
    steps = []
    looks = tiny_tryon.refine_many(
        requests, options=OPTIONS, together=2, on_step=lambda number, step: steps.append((number, step.step))
    )
    assert steps == [(0, 1), (1, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 1), (2, 2), (2, 3)]
    for request, look in zip(requests, looks, strict=True):
        alone = tiny_tryon.refine(request.person, request.garments, request.remove, options=OPTIONS)
        assert look.report.refinement.losses_after == pytest.approx(alone.report.refinement.losses_after, rel=1e-3)
        assert np.abs(look.image.astype(int) - alone.image).max() <= 2


def test_one_that_stops_early_does_not_stop_the_other(tiny_tryon, requests):
    """The first is on a plateau at once, since nothing is notable to it."""
    first = tiny_tryon.refinement(requests[0].person, requests[0].garments, options=replace(OPTIONS, patience=1))
    first.refiner._best = 0.0
    second = tiny_tryon.refinement(requests[1].person, requests[1].garments, options=OPTIONS)
    taken = [[step is not None for step in steps] for steps in take_steps([first.refiner, second.refiner])]
    assert taken == [[True, True], [False, True], [False, True]]
    assert (first.refiner.stopped, second.refiner.stopped) == ("plateau", "steps")


def test_as_many_as_fit(tiny_tryon, request_of, monkeypatch):
    refiner = tiny_tryon.refinement(*request_of, options=OPTIONS).refiner
    monkeypatch.setattr(many, "available", lambda device: 0.0)
    assert many.how_many_together(refiner) == 1
    monkeypatch.setattr(many, "available", lambda device: 1e9)
    fit = many.how_many_together(refiner)
    assert 2 < fit < 1000
    monkeypatch.setattr(many, "LARGEST_ON_CPU", 64 * 32 - 1)
    assert many.how_many_together(refiner) == 1


def test_nobody_at_a_time_is_refused(tiny_tryon, requests):
    with pytest.raises(InputError, match="together: 0 given; allowed: at least 1"):
        tiny_tryon.refine_many(requests, together=0)
    assert tiny_tryon.refine_many([]) == []
