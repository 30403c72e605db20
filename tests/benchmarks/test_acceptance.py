"""The table of targets, and the checks of the house that read files."""

import json
import tomllib

import pytest

from oviton.benchmarks.acceptance import generators, house, photograph, targets
from oviton.benchmarks.acceptance.targets import Target, judge
from oviton.bundle.bundle import SHIPPED_BUNDLES, Bundle


def test_a_missed_target_is_told_and_fails(capsys):
    found = [Target("speed", "1", "2", passed=False), Target("size", "3", "3", passed=True), Target("lines", "", "9")]
    with pytest.raises(SystemExit) as stop:
        judge("all", found)
    assert stop.value.code == "1 of the targets missed"
    printed = capsys.readouterr().out
    assert printed.count("MISSED") == 1
    assert [name in printed for name in ("speed", "size", "lines")] == [True] * 3


def test_information_alone_is_no_miss(capsys):
    with pytest.raises(SystemExit) as stop:
        judge("all", [Target("size", "3", "3", passed=True), Target("lines", "", "9")])
    assert stop.value.code == 0
    assert "met" in capsys.readouterr().out


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Write a result file as of some commit."""
    monkeypatch.setattr(targets, "RESULTS", tmp_path)

    def write(name, found):
        (tmp_path / f"{name}.json").write_text(json.dumps({"machine": {"commit": "abc"}, "results": found}))

    return write


@pytest.mark.parametrize(
    ("seconds", "status", "passed"), [(599, 0, True), (601, 0, False), (10, 2, False)], ids=["quick", "slow", "fails"]
)
def test_clones_are_judged_by_status_and_time(results, seconds, status, passed):
    run = {"status": status, "seconds": seconds, "commit": "abc"}
    good = {"status": 0, "seconds": 60.0, "commit": "abc"}
    results("house-clones", {name: {"try-on": good, "test": run, "test-more": good} for name in house.CLONES})
    found = {target.name: target for target in house.clones()}
    assert found["make test in a clone named 'a b'"].passed == passed
    assert found["make try-on in a clone named 'oviton-main'"].passed
    assert found["CI: make test, then make test-more"].passed == (status == 0)
    assert all("abc" in target.measured for target in found.values())


def test_what_was_not_measured_is_missed(results):
    assert [target.passed for target in (*house.clones(), *house.speed())] == [False] * 8


@pytest.mark.parametrize(("ratio", "passed"), [(0.9, True), (1.02, True), (1.05, False)])
def test_a_slower_headline_is_missed(results, ratio, passed):
    measured = {"value": ratio, "low": ratio - 0.1, "high": ratio + 0.1}
    results(
        "house-bench",
        {"bundle": Bundle.open(SHIPPED_BUNDLES / "base").manifest.digest, "ratios": {"try-on, openvino": measured}},
    )
    (found,) = house.speed()
    assert found.passed == passed
    results("house-bench", {"bundle": "f" * 64, "ratios": {"try-on, openvino": measured}})
    (found,) = house.speed()
    assert not found.passed
    assert "another bundle" in found.measured


@pytest.mark.parametrize(
    ("modules", "passed"),
    [
        (["oviton.data", "oviton.networks | oviton.bundle", "torch"], True),
        (["oviton.runtime.refinement"], True),
        (["oviton.data.classes"], False),
        (["oviton.networks | oviton.bundle.manifest"], False),
        (["oviton.runtime -> oviton.networks.graphs"], False),
    ],
)
def test_contracts_that_name_modules_are_missed(modules, passed):
    project = {"tool": {"importlinter": {"contracts": [{"layers": modules}]}}}
    assert house.contracts(project).passed == passed


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("## One request, step by step\n`data/images.py`, `images.py`, `runtime/`", True),
        ("## One request, step by step\n`data/pictures.py`", False),
        ("## One request, step by step\n`nowhere.py`", False),
        ("`data/images.py`", False),
    ],
)
def test_a_walk_names_files_that_exist(tmp_path, text, passed):
    (tmp_path / "page.md").write_text(text)
    assert house.walk(tmp_path / "page.md").passed == passed


@pytest.mark.parametrize(("lines", "passed"), [(60, True), (61, False), (0, False)])
def test_an_engine_is_no_longer_than_a_page(tmp_path, lines, passed):
    (tmp_path / "page.md").write_text("```python\n" + "x = 1\n" * lines + "```\n")
    assert house.example_length(tmp_path / "page.md").passed == passed


def test_the_page_and_the_contracts_of_today_pass():
    project = tomllib.loads((targets.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert house.walk(targets.ROOT / "docs" / "architecture.md").passed
    assert house.contracts(project).passed


def scores(**changed):
    good = {
        "silhouette": 0.96,
        "accuracy": 0.95,
        "miou": 0.91,
        "part_right": [0.94],
        "delta_u": [0.05],
        "delta_v": [0.05],
    }
    return {**good, **changed}


@pytest.fixture
def measured(results, monkeypatch):
    """Write results in which every target is met but those that are changed."""
    monkeypatch.setattr(photograph, "_digest", lambda: "d" * 64)

    def write(bundle="d" * 64, **changed):
        results(
            photograph.ACCURACY,
            {"bundle": bundle, "street": scores(), "cases": scores(**changed), "rendered": scores()},
        )
        distances = {photograph.FEED_FORWARD: 0.2, photograph.PREPARED: 0.22}
        results(photograph.LOOKS, {"bundle": bundle, "triplets": 9, "refused": 0, "perceptual": distances})
        times = {"maps_ms": 100.0, "maps_peak_mb": 600, "cold_ms": 1200, "warm_ms": 300}
        results(photograph.SPEED, {"bundle": bundle, **times})
        return {target.name: target for target in photograph.targets()}

    return write


def test_photographs_are_judged_number_by_number(measured):
    assert all(target.passed for target in measured().values())
    missed = [
        name for name, target in measured(accuracy=0.93, part_right=[0.9, 0.8, 0.89]).items() if not target.passed
    ]
    assert missed == ["real cases: pixel accuracy", "real cases: body part right"]
    assert "each 0.900, 0.800, 0.890" in measured(part_right=[0.9, 0.8, 0.89])["real cases: body part right"].measured


def test_numbers_of_another_bundle_do_not_count(measured):
    passed = [target.name for target in measured(bundle="e" * 64).values() if target.passed]
    assert passed == ["the prepare bundle"]


@pytest.fixture
def reports(tmp_path, monkeypatch):
    """Write evaluations of the shipped bundles."""
    monkeypatch.setattr(generators, "RESULTS", tmp_path)

    def write(name, bundle, **found):
        identity = Bundle.open(SHIPPED_BUNDLES / bundle).identity if bundle in ("base", "small") else bundle
        (tmp_path / f"{name}.json").write_text(json.dumps({"bundle": {"identity": identity}, **found}))

    swap = {"feed_forward": {"perceptual": 1.4}, "flat": {"perceptual": 1.4}}
    write(generators.BEFORE, "old", self_swap=swap, kid_mobilenetv2={"feed_forward": 0.02})
    return write


def split(ours, n=10, **others):
    return {"n": n, "methods": {"feed_forward": {"perceptual": ours}, "flat": {"perceptual": 1.0}}, **others}


def test_generators_are_judged_by_evaluations_of_the_shipped_bundles(reports):
    upper = split(0.5, iou={"upper_clothes": {"n": 10, "generated": 0.92}})
    reports(
        "evaluation-base",
        "base",
        splits={"upper": upper, "lower": split(0.8, n=5), "thin": split(0.6, changed_iou=0.8)},
    )
    reports("evaluation-small", "e" * 64, splits={"upper": split(0.3)})
    swap = {"feed_forward": {"perceptual": 0.7}, "flat": {"perceptual": 1.4}}
    report = {"bared_limbs": 0.9, "kept_changed": 0.0, "islands": 0.06, "kid_mobilenetv2": {"feed_forward": 0.01}}
    reports("photographs-base", "base", self_swap=swap, **report)
    found = {target.name: target for target in generators.targets()}
    assert found["triplets, perceptual ÷ flat, base"].measured.startswith("0.600, ")
    assert found["triplets, swapped IoU, upper_clothes"].passed
    assert not found["triplets, swapped IoU, dress"].passed
    assert found["thin, perceptual ÷ flat"].passed
    assert not found["thin, IoU of what comes and goes"].passed
    assert "of another bundle" in found["triplets, perceptual ÷ flat, small"].measured
    assert found["photographs, self-swap, perceptual ÷ flat"].passed
    assert found["the same ÷ before"].measured.startswith("0.500, ")
    assert found["bared limbs, IoU with the body map's"].passed
    assert not found["swaps with islands"].passed
    assert found["KID-MobileNetV2 ÷ before"].passed
    assert found["kept pixels repainted"].passed


def test_rules_are_what_reads_places_and_composes_pictures():
    matcher = (targets.ROOT / "networks" / "correspondence" / "matcher.py").read_text().count("\n")
    folder = targets.ROOT / "networks" / "correspondence"
    assert generators.rule_lines() > sum(path.read_text().count("\n") for path in folder.glob("*.py")) - matcher
