import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from oviton.runtime.refinement import refiner, worth
from oviton.runtime.refinement.options import SUITED, RefinementOptions


def request(conditioning, **changed):
    options = RefinementOptions(always=changed.pop("always", False))
    found = {
        "options": options,
        "weights": vars(SUITED[conditioning][1]),
        "garments": [1],
        "has_lookup": True,
        "known_share": 0.9,
        "labels": np.zeros((1, 256, 128), np.uint8),
    }
    return SimpleNamespace(**{**found, **changed})


@pytest.mark.parametrize(
    ("problem", "off", "words"),
    [
        (request("codes"), 5.0, ""),
        (request("codes"), 3.0, "draws this garment well already (3.00 off)"),
        (request("codes", known_share=0.33), 5.0, "shows only 33% of what is worn"),
        (request("codes", has_lookup=False), 3.0, ""),  # then only the garment's own photograph teaches
        (request("codes", always=True), 0.1, ""),
        (request("codes", labels=np.zeros((1, 64, 32), np.uint8)), 0.1, ""),
        (request("surface"), 3.0, ""),
        (request("surface"), 1.0, "draws this garment well already (1.00 off)"),
        (request("surface", garments=[]), 0.0, ""),
    ],
)
def test_what_gains_nothing_is_told(problem, off, words):
    found = worth.doubt(problem, off * problem.weights["reference"])
    assert words in found
    assert bool(found) == bool(words)


def test_what_teaches_nothing_is_not_judged_by():
    weights = {**vars(SUITED["codes"][1]), "reference": 0.0}
    assert worth.doubt(request("codes", weights=weights), 0.0) == ""
    assert "only 10%" in worth.doubt(request("codes", weights=weights, known_share=0.1), 0.0)


def test_no_step_is_taken_then(refine, tiny_tryon, request_of, monkeypatch):
    monkeypatch.setattr(refiner, "doubt", lambda problem, reference: "no use")
    look = refine(steps=5)
    told = look.report.refinement
    assert (told.steps, told.stopped, told.accepted, told.reason) == (0, "not worthwhile", False, "no use")
    assert np.array_equal(look.image, tiny_tryon(*request_of).image)


def test_known_share_is_that_of_what_is_worn(matched):
    problem = matched
    worn = np.isin(problem.labels[-1].numpy(), np.flatnonzero(problem.source > 0))
    known = problem.mask[-1, 0].numpy() > 0
    assert problem.known_share == pytest.approx((known & worn).sum() / worn.sum(), abs=1e-6)
    assert 0 < problem.known_share < 1
    assert dataclasses.is_dataclass(problem.options)
