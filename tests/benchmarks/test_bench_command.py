import json
import subprocess
import sys

import pytest

from oviton.benchmarks import bench as bench_module
from oviton.benchmarks import ceilings, run
from oviton.benchmarks.bench import BenchOptions
from oviton.benchmarks.content import file_table
from oviton.benchmarks.report import BenchReport
from oviton.benchmarks.suites import try_on
from oviton.benchmarks.timing import StopRule
from oviton.data.errors import InputError


@pytest.fixture(scope="module")
def measured(tiny_bundle_folder, tmp_path_factory):
    """One run of the command on the tiny bundle, with few rounds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench_module, "QUICK", StopRule(warm_up=1, least=2, most=2, rest=0))
        patch.setattr(ceilings, "SIDE", 128)
        patch.setattr(ceilings, "COPY_MB", 4)
        patch.setattr(try_on, "PHOTOGRAPH_HEIGHT", 512)
        said = []
        suites = ("try_on", "graphs", "scaling", "refinement", "gpu")
        yield run.run_benchmarks(BenchOptions((tiny_bundle_folder,), suites, quick=True), said.append), said


def test_every_headline_is_measured(measured):
    report, said = measured
    assert set(report.headline) == {"try_on_vs_eager_fp32", "fraction_of_floor", "extra_garment", "pre_post_share"}
    for interval in report.headline.values():
        assert interval.low <= interval.value <= interval.high
    assert 0 < report.headline["pre_post_share"].value < 1
    assert any("engines" in each for each in said)


def test_rows_say_what_ran_and_hang_together(measured):
    report, _ = measured
    engines = [row for row in report.rows if row.group == "engines"]
    assert {row.engine for row in engines} >= {"openvino (cpu)", "onnxruntime (cpu)", "torch (cpu)"}
    reference = next(row for row in engines if row.relative is None)
    assert (reference.engine, reference.precision) == ("torch (cpu)", "fp32")
    for row in engines:
        assert sum(row.stages.values()) == pytest.approx(row.ms.value, rel=0.5)
    assert len({row.key for row in report.rows}) == len(report.rows)
    assert {line.along for line in report.slopes} == {"garments", "requests"}
    assert "gpu" in report.skipped  # with a reason
    assert report.curves[0].loss[0] == 1


def test_files_and_large_photographs_are_measured_stage_by_stage(measured):
    report, _ = measured
    rows = [next(row for row in report.rows if row.group == g) for g in ("files", "jpeg", "photographs")]
    for row in rows:
        assert {"decode", "fit", "compositor", "restore", "encode"} <= row.stages.keys()
        assert sum(row.stages.values()) == pytest.approx(row.ms.value, rel=0.5)
    table = file_table(report)
    assert [row[0] for row in table.rows][2] == f"{report.rows[0].bundle}, from photographs of 0.1 Mpx"
    assert report.try_on in report.rows


def test_the_floor_is_the_work_over_the_ceilings(measured):
    report, _ = measured
    products = {c.precision: c.value.value for c in report.ceilings if c.name == "matrix product"}
    *graphs, whole = report.floors
    assert set(products) == {floor.precision for floor in graphs}
    for floor in graphs:
        assert floor.compute_ms == pytest.approx(floor.gmacs / products[floor.precision] * 1000, rel=1e-6)
        assert floor.bound == ("compute" if floor.compute_ms >= floor.memory_ms else "memory")
    assert whole.compute_ms == pytest.approx(sum(floor.compute_ms for floor in graphs))
    assert whole.memory_ms == pytest.approx(sum(floor.memory_ms for floor in graphs))
    assert whole.gmacs == pytest.approx(sum(floor.gmacs for floor in graphs))


def test_the_file_reads_back(measured):
    report, _ = measured
    assert BenchReport.model_validate_json(report.model_dump_json()) == report
    assert report.machine.versions["openvino"]


def test_unknown_suites_are_refused(tiny_bundle_folder):
    with pytest.raises(InputError, match="suite 'speed' is unknown; allowed: try_on"):
        run.run_benchmarks(BenchOptions((tiny_bundle_folder,), ("speed",)))


def _oviton(*arguments, cwd):
    command = [sys.executable, "-m", "oviton", "bench", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_command_compares_and_writes(measured, tiny_bundle_folder, tmp_path):
    report, _ = measured
    better = json.loads(report.model_dump_json())
    for row in better["rows"]:  # an older run that was ten times as fast
        if row["relative"]:
            row["relative"] = {key: value / 10 for key, value in row["relative"].items()}
    (tmp_path / "old.json").write_text(json.dumps(better), encoding="utf-8")
    wanted = ("--quick", "--suite", "try_on", "--bundle", tiny_bundle_folder, "--compare", "old.json")
    done = _oviton(*wanted, "--report", "out", "--json", "new.json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "worse" in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"bench.html", "bench.md", "bench.json"}
    assert (tmp_path / "new.json").read_bytes() == (tmp_path / "out" / "bench.json").read_bytes()


def test_bad_input_is_one_line_before_anything_runs(tiny_bundle_folder, tmp_path):
    (tmp_path / "old.json").write_text("{}", encoding="utf-8")
    done = _oviton("--compare", "old.json", "--json", "new.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "not a result of oviton bench" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "new.json").exists()
