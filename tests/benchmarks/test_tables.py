import pytest

from oviton.benchmarks.report import BenchReport
from oviton.benchmarks.tables import RESULTS, filled, stale
from oviton.data.errors import InputError

PAGE = "before\n<!-- bench: {} -->\nold\n<!-- /bench -->\nafter\n"


def newest():
    return BenchReport.model_validate_json((RESULTS / "bench-small.json").read_bytes())


def test_no_page_quotes_what_was_not_measured():
    assert not stale(), "run: python -m oviton.benchmarks.tables"


def test_a_table_is_replaced_and_the_rest_is_kept():
    text = filled(PAGE.format("headline"), newest(), "page")
    assert text.startswith("before\n<!-- bench: headline -->\n| headline |")
    assert text.endswith("|\n<!-- /bench -->\nafter\n")
    assert "old" not in text
    assert filled(text, newest(), "page") == text


def test_an_unknown_table_is_refused():
    with pytest.raises(InputError, match="'heads' is unknown; allowed: headline, engines"):
        filled(PAGE.format("heads"), newest(), "page")
