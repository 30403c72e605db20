"""The exit statuses of `oviton bench`, with measuring replaced by a result."""

import json
import math
import sys
from pathlib import Path

import pytest

from oviton.benchmarks import run as run_module
from oviton.benchmarks.machine import RESULTS
from oviton.benchmarks.report import BenchReport, read_report
from oviton.data.errors import EngineError, GateError, InputError

SMALL = RESULTS / "bench-small.json"
FASTER = {"try_on_vs_eager_fp32": {"value": 90, "low": 89, "high": 91}}


@pytest.fixture
def measure(monkeypatch):
    """Let the command find what a result file says, or raise."""

    def use(found):
        def measured(options, say):
            if isinstance(found, BaseException):
                raise found
            return found

        if isinstance(found, Path):
            found = BenchReport.model_validate_json(found.read_bytes())
        monkeypatch.setattr(run_module, "run_benchmarks", measured)

    return use


def of_another_bundle(target):
    target.write_text(SMALL.read_text(encoding="utf-8").replace("small", "other"), encoding="utf-8")
    return target


def changed(target, source=SMALL, **values):
    target.write_text(json.dumps(json.loads(source.read_text(encoding="utf-8")) | values), encoding="utf-8")
    return target


def test_the_same_result_is_no_worse(run, measure):
    measure(SMALL)
    status, out, err = run("bench", "--compare", SMALL)
    assert (status, err) == (0, "")
    assert " ratios compared: none changed beyond noise" in out


def test_a_worse_headline_is_1(run, measure, tmp_path):
    measure(SMALL)
    status, out, _ = run("bench", "--compare", changed(tmp_path / "old.json", headline=FASTER))
    assert status == 1
    assert "% worse" in out


def test_every_file_that_is_asked_for_is_written(run, measure, tmp_path):
    measure(SMALL)
    status, told, err = run("bench", "--report", tmp_path / "out", "--json", tmp_path / "new.json")
    assert (status, err) == (0, "")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"bench.html", "bench.md", "bench.json"}
    assert (tmp_path / "new.json").read_bytes() == (tmp_path / "out" / "bench.json").read_bytes()
    assert read_report(tmp_path / "new.json") == read_report(SMALL)
    assert "59.0 ms a try-on (57.8 to 59.4): small, two garments" in told
    assert all(name in told for name in ("bench.html", "bench.md", "bench.json", "new.json"))


def test_without_what_draws_the_page_nothing_is_measured(run, measure, tmp_path, monkeypatch):
    measure(AssertionError("it measured"))
    monkeypatch.setitem(sys.modules, "jinja2", None)
    status, _, err = run("bench", "--report", tmp_path / "out")
    assert status == 2
    assert "the report's page needs jinja2" in err


def test_results_of_other_bundles_have_nothing_in_common(run, measure, tmp_path):
    measure(SMALL)
    old, new = of_another_bundle(tmp_path / "old.json"), tmp_path / "new.json"
    status, out, err = run("bench", "--compare", old, "--json", new)
    assert status == 3
    assert "headlines are not compared: first bundle was other, now small" in out
    assert "none changed" not in out
    (line,) = err.strip().splitlines()
    assert "old.json: no ratio is in both runs, so nothing was compared; measure its bundles (other)" in line
    assert new.exists()  # what was measured is not lost


def test_what_both_have_is_compared_where_headlines_are_not(run, measure, tmp_path):
    settings = json.loads(SMALL.read_text(encoding="utf-8"))["settings"]
    full = changed(tmp_path / "old.json", headline=FASTER, settings=settings | {"quick": not settings["quick"]})
    measure(SMALL)
    status, out, _ = run("bench", "--compare", full)
    assert status == 0
    assert "headlines are not compared: --quick was" in out
    assert " ratios compared: none changed beyond noise" in out


NO_NUMBER = {"try_on_vs_eager_fp32": {"value": math.nan, "low": math.nan, "high": math.nan}}
INVERTED = {"try_on_vs_eager_fp32": {"value": 2.4, "low": 1e9, "high": -1e9}}


@pytest.mark.parametrize(
    "values",
    [{"machine": {}}, {"schema_version": 99}, {"settings": {}}, {"headline": NO_NUMBER}, {"headline": INVERTED}],
)
def test_an_unusable_file_is_refused_before_measuring(run, measure, tmp_path, values):
    measure(AssertionError("it measured"))
    status, out, err = run("bench", "--compare", changed(tmp_path / "old.json", **values))
    assert (status, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert "old.json: " in err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyError("processor"), 4),
        (GateError("two forms do not agree"), 4),
        (OSError(28, "No space left on device"), 4),
        (EngineError("no engine runs here"), 4),
        (InputError("suite 'speed' is unknown"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_a_crash_is_no_regression(run, measure, error, status):
    measure(error)
    found, _, err = run("bench", "--compare", SMALL)
    assert found == status
    assert len(err.strip().splitlines()) == 1


def test_a_failed_suite_is_4_and_what_was_measured_is_kept(run, measure, tmp_path):
    found = BenchReport.model_validate_json(SMALL.read_bytes())
    found = found.model_copy(update={"skipped": {"gpu": "CUDA out of memory"}, "failed": ("gpu",)})
    measure(found)
    for extra in ((), ("--compare", SMALL), ("--compare", of_another_bundle(tmp_path / "other.json"))):
        status, out, err = run("bench", "--json", tmp_path / "new.json", *extra)
        assert status == 4
        assert "failed: gpu: CUDA out of memory" in out
        assert err.startswith("oviton: failed: gpu; ")
        assert read_report(tmp_path / "new.json") == found
    assert run("bench", "--compare", changed(tmp_path / "old.json", headline=FASTER))[0] == 1
