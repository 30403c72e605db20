"""The engine of docs/extending.md as a stranger's package: one file, found by its entry point."""

import json
import os
import subprocess
import sys

import pytest

NAME = "onnx-reference"


@pytest.fixture
def packaged(tmp_path):
    """Return a function that installs a module under the entry point, and then runs the command line."""

    def install(code, *arguments):
        (tmp_path / "stranger.py").write_text(code)
        about = tmp_path / "stranger-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[oviton.engines]\n{NAME} = stranger\n")
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, "-m", "oviton", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": path}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return install


def test_an_engine_is_one_short_file(example_code):
    assert len(example_code.splitlines()) <= 60


def test_doctor_lists_it_last(packaged, example_code):
    done = packaged(example_code, "doctor", "--json")
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout)["engines"][-1]
    assert (last["engine"], last["device"], last["runs"], last["precisions"]) == (NAME, "cpu", True, ["fp32"])
    assert last["version"]


def test_it_dresses_a_person_by_name(packaged, example_code, tiny_bundle_folder, people, out):
    wear = ["--wear", f"upper_clothes={people / 'ben'}", "--bundle", tiny_bundle_folder]
    done = packaged(example_code, "try-on", people / "ana", *wear, "-o", out / "look.png", "--engine", NAME)
    assert done.returncode == 0, done.stderr
    assert f"{NAME} fp32 on cpu" in done.stdout
    assert (out / "look.png").exists()


def test_one_that_cannot_be_imported_is_listed_with_the_reason(packaged):
    done = packaged("import nobody_at_all", "doctor", "--json")
    assert done.returncode == 0, done.stderr
    *others, last = json.loads(done.stdout)["engines"]
    assert last["engine"] == NAME
    assert last["reason"] == "cannot be imported (ModuleNotFoundError: No module named 'nobody_at_all')"
    assert any(other["runs"] for other in others)
