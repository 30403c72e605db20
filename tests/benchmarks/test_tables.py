import shutil
from pathlib import Path

import pytest

from oviton.benchmarks.evaluation_tables import BUNDLES, read_evaluations
from oviton.benchmarks.machine import RESULTS
from oviton.benchmarks.markdown import render
from oviton.benchmarks.report import BenchReport
from oviton.benchmarks.tables import NOTHING, filled, stale
from oviton.data.errors import InputError

PAGE = "before\n<!-- bench: {} -->\nold\n<!-- /bench -->\nafter\n"


RESULT = Path(__file__).with_name("report.json")


def newest():
    return BenchReport.model_validate_json(RESULT.read_bytes())


def test_no_page_quotes_what_was_not_measured():
    assert not stale(), "run: python -m oviton.benchmarks.tables"


def test_a_table_is_replaced_and_the_rest_is_kept():
    text = filled(PAGE.format("headline"), newest(), {}, "page")
    assert text.startswith("before\n<!-- bench: headline -->\n| headline |")
    assert text.endswith("|\n<!-- /bench -->\nafter\n")
    assert "old" not in text
    assert filled(text, newest(), {}, "page") == text


def test_without_headlines_there_is_no_table_of_them():
    nothing = newest().model_copy(update={"headline": {}, "rows": ()})
    assert filled(PAGE.format("headline"), nothing, {}, "page") == PAGE.format("headline").replace("old", NOTHING)
    assert "| headline |" not in render(nothing)


def test_an_unknown_table_is_refused():
    with pytest.raises(InputError, match="'heads' is unknown; allowed: machine, headline, engines"):
        filled(PAGE.format("heads"), newest(), {}, "page")


def test_evaluations_fill_tables_too():
    evaluations = read_evaluations(RESULTS)
    assert list(evaluations) == [name for name in BUNDLES if name in evaluations]
    name, report = next(iter(evaluations.items()))
    upper = report.splits["upper"]
    text = filled(PAGE.format("appearance"), None, evaluations, "page")
    assert f"| split | `{name}` ({report.conditioning}) | with true labels |" in text
    share = upper.methods["feed_forward"].perceptual / upper.methods["flat"].perceptual
    assert f"| upper | {share:.2f} |".replace("0.", ".") in text
    drawn, flat = (
        sum(scores.n * scores.methods[method].perceptual for scores in report.splits.values())
        for method in ("feed_forward", "flat")
    )
    assert f"| all triplets | {drawn / flat:.2f} |".replace("0.", ".") in text
    text = filled(PAGE.format("shape"), None, evaluations, "page")
    upper = max(evaluations.values(), key=lambda each: len(each.cases)).splits["upper"]
    drawn = f"{upper.iou['upper_clothes'].generated:.2f}".removeprefix("0")
    assert f"| upper | {upper.n} | " in text
    assert f"upper clothes {drawn} (" in text
    assert "dB | upper | lower" in filled(PAGE.format("gain"), None, evaluations, "page")
    assert NOTHING in filled(PAGE.format("shape"), None, {}, "page")


def test_a_page_is_stale_until_it_says_what_the_results_say(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(PAGE.format("engines"), encoding="utf-8")
    text = stale(tmp_path, tmp_path)[page]
    assert NOTHING in text  # there are no results
    shutil.copy(RESULT, tmp_path / "bench-base.json")
    text = stale(tmp_path, tmp_path)[page]
    assert NOTHING not in text
    assert "openvino (cpu) bf16" in text
    page.write_text(text, encoding="utf-8")
    assert stale(tmp_path, tmp_path) == {}
