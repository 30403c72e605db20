import math

import pytest

from oviton.data.errors import InputError
from oviton.runtime.refinement.options import RefinementOptions, TermWeights, resolve_options


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"steps": 0}, "steps: 0 given; allowed: 1 to"),
        ({"steps": -3}, "steps: -3 given"),
        ({"time_budget": 0.0}, "0 s given; allowed: more than 0"),
        ({"time_budget": math.nan}, "nan s given"),
        ({"learning_rate": 0.0}, "learning rate: 0 given"),
        ({"views": 0}, "views"),
        ({"precision": "int8"}, "allowed: auto, fp32, bf16"),
    ],
)
def test_wrong_options_are_refused(wishes, words):
    with pytest.raises(InputError, match=words):
        RefinementOptions(**wishes)


def test_what_is_left_open_suits_the_conditioning():
    given = RefinementOptions(steps=7, weights=TermWeights(kept=0.25))
    codes, surface = given.suited_to("codes"), given.suited_to("surface")
    assert (codes.steps, codes.weights.kept, surface.weights.kept) == (7, 0.25, 0.25)
    # A generator that never saw the lookup is taught it above all; one that sees it is not.
    assert (codes.weights.lookup, surface.weights.lookup) == (3.0, 0.0)
    assert RefinementOptions(learning_rate=0.5).suited_to("surface").learning_rate == 0.5
    assert None not in vars(codes.weights).values()


def test_a_negative_weight_is_refused():
    with pytest.raises(InputError, match="weight lookup: -1 given; allowed: 0 or more"):
        TermWeights(lookup=-1)


def test_steps_and_budget_stand_for_options():
    assert resolve_options() == RefinementOptions()
    assert resolve_options(7, 2.5) == RefinementOptions(steps=7, time_budget=2.5)
    given = RefinementOptions(steps=3, seed=9)
    assert resolve_options(options=given) is given


@pytest.mark.parametrize("given", [{"steps": 40}, {"time_budget": 2.0}, {"steps": 5, "time_budget": 2.0}])
def test_nothing_that_is_given_twice_is_dropped(given):
    with pytest.raises(InputError, match=r"one or the other; use RefinementOptions\(") as error:
        resolve_options(**given, options=RefinementOptions())
    assert all(f"{name}={value:g}" in str(error.value) for name, value in given.items())


def test_a_number_out_of_range_is_refused_there_too():
    with pytest.raises(InputError, match="steps: 0 given"):
        resolve_options(steps=0)
