from types import SimpleNamespace

import pytest

from oviton.benchmarks import run as run_module
from oviton.benchmarks.bench import Bench, BenchOptions
from oviton.benchmarks.report import Curve
from oviton.benchmarks.run import run_benchmarks
from oviton.benchmarks.suites import refinement
from oviton.bundle.bundle import SHIPPED_BUNDLES
from oviton.data.errors import GateError, InputError, MissingExtraError

SMALL = SHIPPED_BUNDLES / "small"
CANDIDATE = SimpleNamespace(label="an engine (cpu)", device="cpu")


@pytest.fixture
def suites(monkeypatch):
    """Replace all suites, and the engine that users get; returns what runs under which name."""
    engines = SimpleNamespace(chosen=SimpleNamespace(candidate=CANDIDATE), precision="fp32")
    monkeypatch.setattr(Bench, "default", lambda *_: SimpleNamespace(engines=engines))
    found = {}
    monkeypatch.setattr(run_module, "SUITES", found)
    return found


def measuring(bench):
    bench.curves.append(Curve(name="c", seconds=(1,), loss=(1,)))


def raising(error):
    def suite(bench):
        measuring(bench)
        raise error

    return suite


def test_a_failing_suite_leaves_the_others_what_they_measured(suites):
    suites["first"] = measuring
    suites["memory"] = raising(RuntimeError("CUDA out of memory.\nTried to allocate 2 GiB"))
    suites["gate"] = raising(GateError("two forms do not agree"))
    suites["extra"] = raising(MissingExtraError("torch is not installed"))
    suites["last"] = measuring
    report = run_benchmarks(BenchOptions((SMALL,)))
    assert len(report.curves) == 5
    assert report.failed == ("memory", "gate")
    assert report.skipped == {
        "memory": "RuntimeError: CUDA out of memory. Tried to allocate 2 GiB (set OVITON_TRACEBACK=1 to see where)",
        "gate": "two forms do not agree",
        "extra": "torch is not installed",
    }
    assert report.settings.default_engine == "an engine (cpu) fp32"
    assert report.settings.first_bundle == "small"


def test_cancelling_ends_everything(suites):
    suites["first"] = raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run_benchmarks(BenchOptions((SMALL,)))


def test_the_same_bundle_twice_is_refused_before_any_suite(suites):
    ran = []
    suites["first"] = ran.append
    with pytest.raises(InputError, match="name each bundle once"):
        run_benchmarks(BenchOptions((SMALL, SMALL)))
    assert not ran


def test_a_suite_named_twice_runs_once(suites):
    suites["first"] = measuring
    report = run_benchmarks(BenchOptions((SMALL,), ("first", "first")))
    assert len(report.curves) == 1
    assert report.settings.suites == ("first",)


@pytest.mark.parametrize("taken", [0, 1])
def test_a_refinement_without_steps_is_skipped(suites, monkeypatch, taken):
    class Refinement:
        refiner = SimpleNamespace(stopped="time")

        def __iter__(self):
            return iter([SimpleNamespace(seconds=1.0, losses={"loss": 1.0})] * taken)

        def look(self):
            return None

    monkeypatch.setattr(Bench, "default", lambda *_: SimpleNamespace(
        refinement=lambda *_, **__: Refinement(),
        engines=SimpleNamespace(chosen=SimpleNamespace(candidate=CANDIDATE), precision="fp32"),
    ))  # fmt: skip
    suites["refinement"] = refinement.run
    report = run_benchmarks(BenchOptions((SMALL,), quick=True))
    assert report.failed == ()
    assert report.skipped["refinement of small"].startswith(f"{taken} of 3 steps taken (stopped by: time)")
