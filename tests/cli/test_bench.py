"""The exit statuses of `oviton bench`, with measuring replaced by a result."""

import json
from pathlib import Path

import pytest

from oviton.benchmarks import run as run_module
from oviton.benchmarks.machine import RESULTS
from oviton.benchmarks.report import BenchReport
from oviton.data.errors import GateError, InputError

BASE, SMALL = RESULTS / "bench-base.json", RESULTS / "bench-small.json"


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


def changed(target, source=SMALL, **values):
    target.write_text(json.dumps(json.loads(source.read_text(encoding="utf-8")) | values), encoding="utf-8")
    return target


def test_the_same_result_is_no_worse(run, measure):
    measure(SMALL)
    status, out, err = run("bench", "--compare", SMALL)
    assert (status, err) == (0, "")
    assert "11 ratios compared: none changed beyond noise" in out


def test_a_worse_headline_is_1(run, measure, tmp_path):
    faster = {"try_on_vs_eager_fp32": {"value": 9, "low": 8.9, "high": 9.1}}
    measure(SMALL)
    status, out, _ = run("bench", "--compare", changed(tmp_path / "old.json", headline=faster))
    assert status == 1
    assert "71 % worse" in out


def test_results_of_other_bundles_have_nothing_in_common(run, measure, tmp_path):
    measure(SMALL)
    status, out, err = run("bench", "--compare", RESULTS / "bench-base-avx2.json", "--json", tmp_path / "new.json")
    assert status == 3
    assert "headlines are not compared: first bundle was base, now small" in out
    assert "none changed" not in out
    (line,) = err.strip().splitlines()
    assert "bench-base-avx2.json: no ratio is in both runs, so nothing was compared; measure its bundles (base)" in line
    assert (tmp_path / "new.json").exists()  # what was measured is not lost


def test_what_both_have_is_compared_where_headlines_are_not(run, measure):
    measure(SMALL)
    status, out, _ = run("bench", "--compare", BASE)
    assert status == 0
    assert "headlines are not compared: first bundle was base, now small" in out
    assert "pre_post_share" not in out.split("note:")[-1]


@pytest.mark.parametrize("values", [{"machine": {}}, {"schema_version": 99}, {"settings": {}}])
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
        (InputError("no engine runs here"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_a_crash_is_no_regression(run, measure, error, status):
    measure(error)
    found, _, err = run("bench", "--compare", SMALL)
    assert found == status
    assert len(err.strip().splitlines()) == 1
