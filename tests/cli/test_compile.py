"""`oviton compile` for GPUs, and `oviton bundle`, as a user meets them."""

import errno
import os
import re

import pytest

from oviton.bundle.families import O_VITON
from oviton.engines.plan_cache import PlanCache
from oviton.engines.tensorrt.flavour import TENSORRT_RTX

GRAPHS = list(O_VITON.graphs)
RTX = ("compile", "--engine", "tensorrt-rtx")


@pytest.fixture(autouse=True)
def plans(tmp_path, monkeypatch):
    monkeypatch.setenv("OVITON_CACHE", str(tmp_path / "plans"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "plans"


@pytest.fixture
def rtx():
    if TENSORRT_RTX.version is None:
        pytest.skip("tensorrt-rtx is not made for this kind of machine")


@pytest.mark.more
def test_all_graphs_are_built_for_a_gpu_that_is_not_here_and_found_again(run, rtx, plans):
    command = (*RTX, "--precision", "fp16", "--compute-capability", "8.9")
    first, second = run(*command), run(*command)
    assert first[0] == second[0] == 0
    rows, again = (
        [[cell.strip() for cell in line.strip("│").split("│")] for line in stdout.splitlines() if line[0] == "│"]
        for _, stdout, _ in (first, second)
    )
    assert [row[0] for row in rows] == GRAPHS
    assert [row[2] for row in rows] == ["100%", "100%", "100%", "75%", "100%", "0%"]
    assert all(int(row[1]) > 0 and float(row[3]) > 0 for row in rows)
    assert {row[5] for row in rows} == {"built"}
    assert {row[5] for row in again} == {"cache"}
    assert sum(float(row[4]) for row in again) < 1
    assert [row[:4] for row in again] == [row[:4] for row in rows]
    assert len(list(plans.glob("*.plan"))) == 6


def test_plans_that_cannot_be_kept_are_an_error(run, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("OVITON_CACHE", str(tmp_path / "file"))
    status, stdout, stderr = run("compile", "--engine", "openvino")
    assert (status, stdout) == (2, "")
    assert re.fullmatch(r"oviton: plans would not be kept: .*/file is a file.*; set OVITON_CACHE to .*\n", stderr)


def test_plans_that_could_not_be_kept_are_an_error(run, plans, monkeypatch):
    monkeypatch.setattr(PlanCache, "store", lambda self, path, data: raise_full())
    status, stdout, stderr = run("compile", "--engine", "openvino", "--precision", "fp32")
    assert (status, stdout.count("note: plans are not kept")) == (2, 1)
    assert f"could not be kept: cannot write {plans}: No space left on device" in stderr


def raise_full():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*RTX, "--compute-capability", "9.0"), ["9.0 is unknown to tensorrt-rtx", "allowed: 7.5, 8.0"]),
        ((*RTX, "--compute-capability", "ada"), ["'ada' is no number such as 8.9"]),
        ((*RTX, "--compute-capability", "8.9", "--hardware-compatible"), ["name no compute capability beside"]),
        ((*RTX, "--compute-capability", "8.9", "--precision", "bf16"), ["no precision 'bf16'; allowed: auto, fp16"]),
        ((*RTX, "--compute-capability", "8.9", "--optimum", "two"), ["--optimum 'two' is no NxM"]),
        ((*RTX, "--compute-capability", "8.9", "--version-compatible"), ["no version compatible plans"]),
        (("compile", "--engine", "openvino", "--refittable"), ["these options are for tensorrt and tensorrt-rtx"]),
        (("compile", "--engine", "nobody"), ["'nobody' is unknown; allowed: auto, tensorrt, tensorrt-rtx"]),
        (("bundle", "--edge"), ["name the folder to write with -o DIR"]),
        (("bundle", "-o", "somewhere"), ["--output is for a package; add --edge"]),
        (("bundle", "--edge", "-o", "somewhere", "--target", "toaster"), ["'toaster' is unknown; allowed: rtx"]),
    ],
)
def test_what_cannot_be_is_one_line(run, rtx, plans, arguments, words):
    status, stdout, stderr = run(*arguments)
    assert status == 2
    assert stdout == ""
    (line,) = stderr.splitlines()
    assert all(word in line for word in words), line
    assert not plans.exists()


def test_a_bundle_is_described(run):
    status, stdout, _ = run("bundle")
    assert status == 0
    assert stdout.startswith("small: 256x128, surface, N to 8, M to 8, ")
    assert "verified" in stdout
    assert "identity: " in stdout


def test_a_missing_driver_is_one_line_of_the_doctor(run):
    stdout = run("doctor")[1]
    (line,) = [line for line in stdout.splitlines() if line.startswith("GPU: ")]
    assert "no NVIDIA driver (libcuda is not found); install it" in line or "compute capability" in line
