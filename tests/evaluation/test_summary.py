"""The committed results sum up to what they say, by arithmetic of this file's own."""

import json

import numpy as np
import pytest

from oviton.benchmarks.machine import RESULTS
from oviton.evaluation.report import CaseReport
from oviton.evaluation.summary import summarise_refinement, summarise_split

EVALUATION = RESULTS / "evaluation-small-codes.json"
REFINEMENT = RESULTS / "refinement_quality-small-codes.json"


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def models(cases):
    return [CaseReport.model_validate(case) for case in cases]


@pytest.mark.parametrize("split", ["upper", "two"])
def test_a_split_is_the_mean_of_its_cases(split):
    cases = [case for case in load(EVALUATION)["cases"] if case["split"] == split]
    found = summarise_split(models(cases)).model_dump()
    assert found["n"] == len(cases)
    for field in ("miou", "miou_old_labels", "kept_changed", "kept_relabelled"):
        assert found[field] == pytest.approx(np.mean([case[field] for case in cases]), abs=1e-6)
    textured = [case for case in cases if case["textured"]]
    for where, chosen in (
        (found["methods"], [case["methods"] for case in cases]),
        (found["whole"], [case["whole"] for case in cases]),
        (found["textured"]["methods"], [case["methods"] for case in textured]),
    ):
        for method in ("flat", "feed_forward"):
            for score in ("psnr", "ssim", "perceptual"):
                mean = np.mean([case[method][score] for case in chosen])
                assert where[method][score] == pytest.approx(mean, abs=1e-5)
    low, high = found["ci95"]["methods"]["flat"]["psnr"]
    assert low < found["methods"]["flat"]["psnr"] < high
    drawn = [case["iou"]["upper_clothes"] for case in cases if "upper_clothes" in case["iou"]]
    assert found["iou"]["upper_clothes"]["n"] == len(drawn)
    assert found["iou"]["upper_clothes"]["generated"] == pytest.approx(np.mean(drawn, axis=0)[0], abs=1e-6)


def test_refinement_is_summed_up_over_textured_cases():
    results = load(REFINEMENT)["results"]
    cases = results["cases"]
    found = summarise_refinement(models(cases))
    assert json.loads(found.model_dump_json()) == results["summary"]
    textured = [case["methods"] for case in cases if case["textured"]]
    refined, before = (sum(case[m]["perceptual"] for case in textured) for m in ("refined", "feed_forward"))
    assert found.by_feed_forward == pytest.approx(refined / before, abs=1e-4)
    assert found.accepted == pytest.approx(np.mean([case["refinement"]["accepted"] for case in cases]), abs=1e-4)


def test_what_refinement_made_worse_is_named():
    case = load(REFINEMENT)["results"]["cases"][0]
    before = case["methods"]["feed_forward"]["perceptual"]
    for factor, worse in ((1.01, []), (1.03, [f"{case['split']}/{case['name']}"])):
        methods = case["methods"] | {"refined": case["methods"]["refined"] | {"perceptual": before * factor}}
        found = summarise_refinement(models([case | {"methods": methods}]))
        assert [each.name for each in found.worse] == worse
        assert found.not_worse == 1 - len(worse)


def test_without_refinement_there_is_nothing_to_sum_up():
    assert summarise_refinement(models(load(EVALUATION)["cases"])) is None
