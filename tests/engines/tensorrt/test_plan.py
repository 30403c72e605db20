"""Plans in the cache: found again, refused when they do not fit, built by one process while the other waits."""

import dataclasses
import json
import os
import resource
import signal
import subprocess
import sys

import pytest

from oviton.data.errors import InputError
from oviton.engines.plan_cache import PlanCache
from oviton.engines.plan_key import covers_capability
from oviton.engines.tensorrt.device import Gpu
from oviton.engines.tensorrt.flavour import TENSORRT, TENSORRT_RTX
from oviton.engines.tensorrt.options import BuildOptions
from oviton.engines.tensorrt.plan import check_header, check_stored, compile_plans, obtain_plan, plan_key, refusal

ADA = Gpu(0, "NVIDIA GeForce RTX 4090", "8.9", "13.0", 24000)
COMPILE = [sys.executable, "-m", "oviton", "compile", "--engine", "tensorrt-rtx", "--compute-capability", "8.9"]


@pytest.fixture
def cache(tmp_path):
    return PlanCache(tmp_path / "plans")


@pytest.fixture
def stored(builder, shipped, cache):
    """A plan in the cache, with the builder and graph that it came from."""
    made, graph = builder("8.6", "8.9"), shipped.manifest.graph("compositor")
    return made, graph, obtain_plan(made, graph, cache)


def leftovers(folder):
    return [path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_the_second_time_is_a_hit_with_all_that_was_noted(stored, cache):
    builder, graph, first = stored
    second = obtain_plan(builder, graph, cache)
    assert (first.hit, second.hit) == (False, True)
    assert second.data == first.data
    assert second.details == json.loads(json.dumps(first.details))


def test_a_truncated_plan_is_built_again(stored, cache):
    builder, graph, first = stored
    first.path.write_bytes(first.data[: len(first.data) // 2])
    again = obtain_plan(builder, graph, cache)
    assert not again.hit
    assert len(again.data) > len(first.data) // 2
    assert obtain_plan(builder, graph, cache).hit


@pytest.mark.parametrize(
    ("built", "wanted", "serves"),
    [
        ("8.9", "8.9", True),
        ("8.6,8.9", "8.9", True),
        ("8.6,8.9", "8.6,8.9", True),
        ("8.6", "8.9", False),
        ("8.0+", "12.0", True),
        ("8.0+", "8.6,8.9", True),
        ("8.0+", "7.5", False),
        ("8.9", "8.0+", False),
        ("x86_64 avx2", "8.9", False),
        ("8.0+", "x86_64 avx2", False),
    ],
)
def test_a_plan_serves_the_gpus_it_was_built_for(built, wanted, serves):
    assert covers_capability(built, wanted) is serves


@pytest.mark.parametrize(
    ("change", "unmet"),
    [
        ({"capability": "8.9"}, set()),
        ({"capability": "8.6"}, set()),
        ({"capability": "12.0"}, {"capability"}),
        ({"device": "NVIDIA L4"}, set()),
        ({"engine_version": "1.8.0.1"}, {"engine_version"}),
        ({"onnx": "another"}, {"onnx"}),
        ({"weights": "another"}, {"weights"}),
        ({"profile": "N=1..4,M=1..8"}, {"profile"}),
        ({"options": {"refittable": "yes"}}, {"options"}),
    ],
)
def test_what_keeps_a_stored_plan_from_being_used_is_named(stored, cache, change, unmet):
    builder, graph, _ = stored
    wanted = dataclasses.replace(plan_key(builder, graph), **change)
    assert set(cache.unmet_of_newest(wanted)) == unmet
    found = cache.find(wanted, accept_covering=True)
    assert (found is None) == bool(unmet)
    if unmet:
        message = str(refusal(cache, wanted))
        (field,) = unmet
        assert f"{field}: " in message
        assert "wanted; compile the bundle again" in message


def test_more_options_than_wanted_serve_too(builder, shipped, cache):
    graph = shipped.manifest.graph("compositor")
    obtain_plan(builder(workspace_mb=64), graph, cache)
    wanted = plan_key(builder(), graph)
    assert cache.find(wanted) is None
    assert cache.find(wanted, accept_covering=True).options == {"workspace_mb": "64"}


def test_version_compatible_plans_serve_later_versions_of_the_same_major(shipped):
    graph = shipped.manifest.graph("compositor")
    from oviton.engines.plan_key import PlanKey

    def key(version, options):
        return PlanKey.of(shipped, graph, "tensorrt", "fp16", options, version=version, target=(ADA.name, "8.9"))

    stored = dataclasses.asdict(key("10.8.0", {"version_compatible": "yes"}))
    assert not key("10.13.2", {}).unmet(stored)
    assert set(key("11.0.0", {}).unmet(stored)) == {"engine_version"}
    assert set(key("10.3.0", {}).unmet(stored)) == {"engine_version"}
    assert set(key("10.13.2", {}).unmet(dataclasses.asdict(key("10.8.0", {})))) == {"engine_version"}


def test_no_plan_at_all_names_the_command_that_makes_one(builder, shipped, cache):
    key = plan_key(builder(), shipped.manifest.graph("compositor"))
    assert "run: oviton compile --engine tensorrt-rtx --precision fp16" in str(refusal(cache, key))


def test_where_building_is_not_wanted_what_differs_is_said(rtx, stored, shipped, cache):
    options = BuildOptions(compute_capabilities=("12.0",))
    with pytest.raises(InputError, match=r"no plan of correspondence for compute capability 12\.0 lies in"):
        compile_plans(shipped, rtx, "fp16", options, cache, on_mismatch="refuse")
    builder, graph, _ = stored
    check_stored(cache, plan_key(builder, graph), "refuse")
    other = dataclasses.replace(plan_key(builder, graph), capability="12.0")
    check_stored(cache, other, "rebuild")
    with pytest.raises(
        InputError, match=r"does not fit here: capability: 8\.6,8\.9 in the plan, 12\.0 wanted; compile"
    ):
        check_stored(cache, other, "refuse")


def test_headers_tell_truncation_and_the_wrong_flavour(stored):
    *_, plan = stored
    check_header(plan.data, TENSORRT_RTX, "p")
    with pytest.raises(InputError, match="it is tensorrt-rtx plan, and tensorrt is to run it"):
        check_header(plan.data, TENSORRT, "p")
    with pytest.raises(InputError, match="it is no tensorrt-rtx plan, and tensorrt-rtx is to run it"):
        check_header(b"ftrt" + plan.data[4:], TENSORRT_RTX, "p")
    with pytest.raises(InputError, match=rf"bytes found, {len(plan.data)} expected; it is truncated"):
        check_header(plan.data[:-1], TENSORRT_RTX, "p")
    with pytest.raises(InputError, match="10 bytes are no plan"):
        check_header(plan.data[:10], TENSORRT_RTX, "p")


def test_a_plan_that_cannot_be_kept_is_an_error_when_compiling(rtx, shipped, tmp_path):
    (tmp_path / "file").touch()
    options = BuildOptions(compute_capabilities=("8.9",))
    with pytest.raises(InputError, match=r"correspondence was built but could not be kept: .*is a file, not a folder"):
        compile_plans(shipped, rtx, "fp16", options, PlanCache(tmp_path / "file"))


def test_a_full_disk_is_one_line_and_nothing_half_written(rtx, tmp_path):
    """The system itself refuses to write more than 1 MB a file; the first plan is larger."""
    done = subprocess.run(
        COMPILE,
        env={**os.environ, "OVITON_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20)),
    )
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert "the plan of correspondence was built but could not be kept: cannot write" in last
    assert "free space, or set OVITON_CACHE" in last
    assert leftovers(tmp_path) == []


@pytest.mark.more
def test_of_two_processes_one_builds_and_the_other_waits(rtx, tmp_path):
    environment = {**os.environ, "OVITON_CACHE": str(tmp_path), "COLUMNS": "200"}
    both = [
        subprocess.Popen(COMPILE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=240) for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    together = "".join(stdout for stdout, _ in printed)
    assert (together.count("built"), together.count("cache")) == (6, 6)
    assert len([name for name in leftovers(tmp_path) if name.endswith(".plan")]) == 6


def test_ctrl_c_cancels_a_build_and_leaves_whole_plans_only(rtx, tmp_path):
    environment = {**os.environ, "OVITON_CACHE": str(tmp_path)}
    # A shell ignores SIGINT in what it runs in the background, and so would we.
    command = ["env", "--default-signal=INT", *COMPILE]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:  # early, so that on a busy machine the builds do not end before the signal comes
        if line.startswith("[2/6]"):
            break
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130, rest
    assert rest.splitlines()[-1] == "oviton: cancelled"
    names = leftovers(tmp_path)
    graphs = {name.split("-")[0] for name in names}
    assert "correspondence" in graphs
    assert len(graphs) < 6
    assert len(names) == 2 * len(graphs)  # each plan beside its sidecar, nothing else
