import math

import pytest

from oviton.data.errors import InputError
from oviton.runtime.refinement.options import SUITED, RefinementOptions, TermWeights


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
    assert codes.weights.lookup == SUITED["codes"][1].lookup
    assert RefinementOptions(learning_rate=0.5).suited_to("surface").learning_rate == 0.5
    assert None not in vars(codes.weights).values()


def test_a_negative_weight_is_refused():
    with pytest.raises(InputError, match="weight lookup: -1 given; allowed: 0 or more"):
        TermWeights(lookup=-1)
