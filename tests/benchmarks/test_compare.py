import json
import math

import pytest

from oviton.benchmarks.compare import compare, read_older, remarks
from oviton.benchmarks.machine import RESULTS
from oviton.benchmarks.report import BenchReport, Machine, Row, Settings
from oviton.data.errors import InputError
from oviton.evaluation.intervals import Interval

MACHINE = Machine(date="2026-11-28", processor="p", capability="c", cores=2, memory_gb=8)
ENGINE = "openvino (cpu) int8"


def around(value, half):
    return Interval(value=value, low=value - half, high=value + half)


def row(bundle, relative, group="engines"):
    return Row(
        suite="try_on",
        group=group,
        what="try_on",
        bundle=bundle,
        rounds=9,
        stable=True,
        ms=around(5, 1),
        relative=relative,
        variant="" if relative else "the reference",
    )


def report(headline=None, relative=None, *, bundles=("b",), engine=ENGINE, quick=False, rows=(), processor="p"):
    return BenchReport(
        machine=MACHINE.model_copy(update={"processor": processor}),
        settings=Settings(bundles=dict.fromkeys(bundles, "0" * 64), default_engine=engine, quick=quick),
        headline=headline or {},
        rows=(*rows, *([row(bundles[0], relative)] if relative else [])),
    )


NAN = math.nan
RATIO = row("b", around(0.4, 0.01)).model_dump(mode="json")


def headline(**values):
    return {"headline": {"pre_post_share": {"value": 0.1, "low": 0.05, "high": 0.2} | values}}


SHARES = ({"pre_post_share": around(0.1, 0.01)}, {"pre_post_share": around(0.2, 0.01)})


@pytest.mark.parametrize(
    ("old", "new", "flagged"),
    [
        ((3.0, 0.1), (2.5, 0.1), True),  # slower, intervals apart
        ((3.0, 0.4), (2.5, 0.4), False),  # slower, but within noise
        ((3.0, 0.001), (2.9, 0.001), False),  # surely slower, but hardly
        ((3.0, 0.1), (3.6, 0.1), False),  # faster
    ],
)
def test_regressions_are_beyond_noise_and_not_small(old, new, flagged):
    (change,) = compare(report({"try_on_vs_eager_fp32": around(*old)}), report({"try_on_vs_eager_fp32": around(*new)}))
    assert change.is_regression is flagged


def test_a_larger_share_is_worse():
    (change,) = compare(*map(report, SHARES))
    assert change.is_regression
    assert change.worse == pytest.approx(1)


def test_rows_are_compared_by_ratio_never_by_time():
    old, new = report(relative=around(0.4, 0.01)), report(relative=around(0.6, 0.01))
    assert compare(old, new)[0].is_regression
    slower = report(relative=around(0.4, 0.01))
    slower = slower.model_copy(update={"rows": (slower.rows[0].model_copy(update={"ms": around(50, 1)}),)})
    assert not any(change.is_regression for change in compare(old, slower))
    assert compare(report(), new) == []


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"bundles": ("a", "b")}, "first bundle was b, now a"),
        ({"engine": "openvino (cpu) bf16"}, "default engine was openvino (cpu) int8, now openvino (cpu) bf16"),
        ({"quick": True}, "--quick was no, now yes"),
    ],
)
def test_headlines_about_something_else_are_not_compared(other, said):
    old, new = report(SHARES[0]), report(SHARES[1], **other)
    assert compare(old, new) == []
    assert remarks(old, new) == [f"headlines are not compared: {said}"]


def test_further_bundles_leave_the_headline_what_it_is():
    old, new = report(SHARES[0], bundles=("b", "c")), report(SHARES[1])
    assert [change.name for change in compare(old, new)] == ["pre_post_share"]
    assert remarks(old, new) == []


def test_ratios_to_another_bundle_are_not_compared():
    def of(first):
        bundles = [row(first, None, "bundles"), row("b", around(0.4, 0.01), "bundles")]
        own = [row("b", None, "garments of b"), row("b", around(0.8, 0.01), "garments of b")]
        return report(rows=(*bundles, *own), bundles=(first, "b"))

    assert len(compare(of("a"), of("a"))) == 2
    assert [change.name for change in compare(of("a"), of("c"))] == ["garments of b / try_on / b / N1 M1"]
    assert any("not compared, since this run has no such ratio: 1 of" in each for each in remarks(of("a"), of("c")))


def test_what_only_the_older_run_has_is_told():
    old = report({**SHARES[0], "fraction_of_floor": around(0.3, 0.01)}, relative=around(0.4, 0.01), processor="q")
    other, missing = remarks(old, report(SHARES[0]))
    assert other == "the older run is of another processor: q, now p"
    assert "2 of the older run's ratios, the first of them engines / try_on / b" in missing


def test_every_kept_result_compares_with_itself():
    kept = sorted(RESULTS.glob("bench-*.json"))
    assert kept
    for path in kept:
        older = read_older(path)
        assert len(compare(older, older)) > 4
        assert remarks(older, older) == []
        assert json.loads(older.model_dump_json(exclude_unset=True)) == json.loads(path.read_text(encoding="utf-8"))


def test_results_of_different_bundles_share_no_headline():
    base, small = (read_older(RESULTS / f"bench-{name}.json") for name in ("base", "small"))
    assert not {change.name for change in compare(base, small)} & set(base.headline)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema_version": 99}, "schema_version 99 is newer than this program's 1; upgrade oviton"),
        ({"schema_version": 99, "machine": 3}, "schema_version 99 is newer"),
        ({"schema_version": 0}, "schema_version 0 is older than this program's 1; measure again"),
        ({"schema_version": "one"}, "not a result of oviton bench: schema_version: "),
        ({"machine": {}}, "not a result of oviton bench: machine.date: Field required"),
        ({"settings": {}}, "not a result of oviton bench: settings.bundles: Field required"),
        ({"headline": {}, "rows": []}, "holds no headline and no ratio to compare with; measure "),
        (headline(value=NAN), "not a result of oviton bench: headline.pre_post_share.value: Input should be a finite"),
        (headline(high=math.inf), "not a result of oviton bench: headline.pre_post_share.high: Input should be a "),
        (headline(low=0.2, high=0.05), "not a result of oviton bench: headline.pre_post_share: 0.1 is not between "),
        ({"rows": [RATIO | {"relative": {"value": 1, "low": NAN, "high": 2}}]}, "not a result of oviton bench: rows."),
        ({"rows": [RATIO | {"ms": {"value": 1, "low": 2, "high": 3}}]}, "not a result of oviton bench: rows.0.ms: 1 "),
        ({"rows": [RATIO | {"stages": {"fit": NAN}}]}, "not a result of oviton bench: rows.0.stages.fit: Input "),
    ],
)
def test_what_cannot_be_compared_with_is_refused_with_its_name(tmp_path, change, said):
    path = tmp_path / "old.json"
    values = report(SHARES[0], around(0.4, 0.01)).model_dump(mode="json") | change
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_older(path)
    assert str(refused.value).startswith(f"{path}: {said}")
