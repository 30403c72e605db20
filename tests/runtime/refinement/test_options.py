import math

import pytest

from oviton.data.errors import InputError
from oviton.runtime.refinement.options import RefinementOptions


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
