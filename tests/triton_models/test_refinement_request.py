import json

import pytest

from oviton.data.errors import InputError
from oviton.triton_models.backend.refinement_request import RefinementRequest


def test_defaults():
    request = RefinementRequest.of("")
    assert (request.options.steps, request.options.time_budget, request.keep_outfit) == (40, None, False)


def test_everything_that_can_be_asked_for():
    more = {
        "learning_rate": 0.01,
        "views": 3,
        "patience": 9,
        "precision": "fp32",
        "always": True,
        "weights": {"kept": 0.25},
    }
    given = {
        "steps": 7, "time_budget_ms": 1500, "seed": 5, "preview_every": 2, "keep_outfit": True,
        "options": json.dumps(more), "triton_enable_empty_final_response": True, "timeout": 9,
    }  # fmt: skip
    request = RefinementRequest.of(json.dumps(given))
    options = request.options
    assert (options.steps, options.time_budget, options.seed, options.preview_every) == (7, 1.5, 5, 2)
    assert (options.learning_rate, options.views, options.patience, options.precision) == (0.01, 3, 9, "fp32")
    assert options.always
    assert (options.weights.kept, options.weights.lookup) == (0.25, None)
    assert request.keep_outfit


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"step": 3}, "'step' is unknown; allowed: steps"),
        ({"steps": "3"}, "parameter steps: '3' given; allowed: a value of type int"),
        ({"steps": True}, "a value of type int"),
        ({"steps": 0}, "refinement steps: 0 given"),
        ({"time_budget_ms": -1}, "time budget"),
        ({"options": "{"}, "not JSON"),
        ({"options": "[" * 100_000}, "not JSON"),
        ({"options": '{"always": 1}'}, "always is 1, which is of a wrong type"),
        ({"options": "[]"}, "allowed: a JSON object"),
        ({"options": '{"speed": 1}'}, "'speed' is unknown; allowed: learning_rate"),
        ({"options": '{"views": 1.5}'}, "views is 1.5, which is of a wrong type"),
        ({"options": '{"views": "1"}'}, "wrong type"),
        ({"options": '{"weights": {"kept": true}}'}, "kept is True"),
        ({"options": '{"weights": 3}'}, "allowed: a JSON object"),
        ({"options": '{"learning_rate": NaN}'}, "learning rate"),
    ],
)
def test_what_cannot_be_is_told(given, told):
    with pytest.raises(InputError, match=told.replace("(", r"\(")):
        RefinementRequest.of(json.dumps(given))
