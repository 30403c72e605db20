import dataclasses
import hashlib
import json
import os
import re
import stat
import subprocess
from pathlib import Path

import platformdirs
import pytest

from oviton.bundle.bundle import Bundle
from oviton.engines.openvino_engine import OpenVinoEngine
from oviton.engines.plan_cache import PlanCache, default_cache_folder
from oviton.engines.plan_key import PlanKey


@pytest.fixture
def key(tiny_bundle):
    return PlanKey.of(tiny_bundle, tiny_bundle.manifest.graph("compositor"), "openvino", "fp32", {"HINT": "f32"})


@pytest.fixture
def any_key():
    return PlanKey("graph", "hash", "", "engine", "1", "fp32", "processor", "avx2", "N=1", {})


@pytest.fixture(scope="module")
def shipped():
    return Bundle.open()


@pytest.fixture
def cache(tmp_path):
    return PlanCache(tmp_path / "plans")


def test_second_time_is_a_hit(cache, key):
    first = cache.get_or_build(key, lambda: b"plan")
    second = cache.get_or_build(key, lambda: pytest.fail("built again"))
    assert (first.hit, second.hit, second.data) == (False, True, b"plan")


@pytest.mark.parametrize("field", ["onnx", "weights", "engine_version", "device", "capability", "profile", "options"])
def test_a_mismatch_is_reported_field_by_field(cache, key, field):
    cache.get_or_build(key, lambda: b"old")
    new = {"HINT": "bf16"} if field == "options" else "another"
    plan = cache.get_or_build(dataclasses.replace(key, **{field: new}), lambda: b"new")
    assert not plan.hit
    assert plan.data == b"new"
    assert plan.stale == {field: (str(getattr(key, field)), str(new))}


def test_other_graphs_and_precisions_are_not_stale(cache, key):
    cache.get_or_build(key, lambda: b"old")
    other = dataclasses.replace(key, precision="bf16")
    assert cache.get_or_build(other, lambda: b"new").stale == {}


@pytest.mark.parametrize("damage", ["plan", "sidecar", "sidecar-type", "sidecar-depth", "no-sidecar"])
def test_damage_is_rebuilt(cache, key, damage):
    cache.get_or_build(key, lambda: b"plan")
    (plan,), (sidecar,) = cache.root.glob("*.plan"), cache.root.glob("*.json")
    if damage == "plan":
        plan.write_bytes(b"plam")
    elif damage == "sidecar":
        sidecar.write_text("{")
    elif damage == "sidecar-type":
        sidecar.write_text("[]")
    elif damage == "sidecar-depth":
        sidecar.write_text("[" * 100_000)
    else:
        sidecar.unlink()
    again = cache.get_or_build(key, lambda: b"plan")
    assert not again.hit
    assert cache.get_or_build(key, lambda: b"").hit


def test_failed_build_leaves_nothing(cache, key):
    def fail():
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        cache.get_or_build(key, fail)
    assert not [path for path in cache.root.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_openvino_loads_its_plan_from_the_cache(cache, tiny_bundle, tiny_requests):
    graph = tiny_bundle.manifest.graph("shape_encoder")
    inputs = {spec.name: tiny_requests[spec.name] for spec in graph.inputs}
    with (
        OpenVinoEngine(tiny_bundle, graph, "fp32", cache) as first,
        OpenVinoEngine(tiny_bundle, graph, "fp32", cache) as second,
    ):
        assert (first.plan.hit, second.plan.hit) == (False, True)
        a, b = first(**inputs)["shape_codes"], second(**inputs)["shape_codes"]
    assert (a == b).all()
    sidecar = json.loads(next(cache.root.glob("*.json")).read_text())
    assert sidecar["key"]["engine"] == "openvino"


def test_a_whole_file_that_is_no_plan_is_rebuilt(cache, shipped):
    graph = shipped.manifest.graph("shape_encoder")
    with OpenVinoEngine(shipped, graph, "fp32", cache) as engine:
        path = engine.plan.path
    stored = json.loads(path.with_suffix(".json").read_text())
    path.write_bytes(b"no plan of OpenVINO")
    stored["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps(stored))
    with OpenVinoEngine(shipped, graph, "fp32", cache) as engine:
        assert not engine.plan.hit
    with OpenVinoEngine(shipped, graph, "fp32", cache) as engine:
        assert engine.plan.hit


def test_a_folder_that_cannot_be_written_costs_a_build_and_is_told(any_key, tmp_path):
    (tmp_path / "file").touch()
    plan = PlanCache(tmp_path / "file").get_or_build(any_key, lambda: b"plan")
    assert plan.data == b"plan"
    assert plan.not_kept.endswith("is a file, not a folder; set OVITON_CACHE to a folder of your own")


def test_a_new_folder_is_its_users_alone(any_key, tmp_path):
    cache = PlanCache(tmp_path / "new" / "plans")
    assert not cache.root.exists()
    assert cache.get_or_build(any_key, lambda: b"plan").not_kept is None
    assert stat.S_IMODE(cache.root.stat().st_mode) == 0o700


def test_what_other_users_may_write_is_neither_read_nor_written(any_key, tmp_path):
    assert PlanCache(tmp_path).get_or_build(any_key, lambda: b"planted").not_kept is None
    before = sorted(tmp_path.rglob("*"))
    tmp_path.chmod(0o777)
    plan = PlanCache(tmp_path).get_or_build(any_key, lambda: b"own")
    assert (plan.data, plan.hit) == (b"own", False)
    assert re.fullmatch(f"{tmp_path} may be written by other users, .*; set OVITON_CACHE to .*", plan.not_kept)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.getuid() != 0, reason="only the superuser mounts")
def test_a_disk_that_is_full_or_read_only_costs_a_build_and_is_told(any_key, tmp_path):
    if subprocess.call(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "none", tmp_path]) != 0:
        pytest.skip("no disk can be mounted here")
    try:
        plan = PlanCache(tmp_path).get_or_build(any_key, lambda: b"x" * 100_000)
        assert len(plan.data) == 100_000
        assert plan.not_kept.startswith(f"cannot write {tmp_path}: No space left on device; free space, or set OVITON_")
        subprocess.run(["mount", "-o", "remount,ro", tmp_path], check=True)
        plan = PlanCache(tmp_path).get_or_build(any_key, lambda: b"plan")
        assert (plan.data, plan.not_kept.count(str(tmp_path))) == (b"plan", 1)
        assert plan.not_kept.endswith("set OVITON_CACHE to a folder of your own")
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_who_has_no_home_folder_is_told(any_key, monkeypatch):
    def homeless(*_, **__):
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("OVITON_CACHE")
    monkeypatch.setattr(platformdirs, "user_cache_path", homeless)
    plan = PlanCache().get_or_build(any_key, lambda: b"plan")
    assert plan.not_kept == "this user has no home folder; set OVITON_CACHE to a folder of your own"
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: Path("~/.cache/oviton"))
    assert PlanCache().refusal == plan.not_kept


def test_the_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("OVITON_CACHE", str(tmp_path / "elsewhere"))
    assert default_cache_folder() == tmp_path / "elsewhere"


def test_fp16_and_fp32_of_one_graph_have_their_own_onnx(tiny_bundle):
    graph = tiny_bundle.manifest.graph("appearance_generator")
    keys = [PlanKey.of(tiny_bundle, graph, "onnxruntime", precision, {}) for precision in ("fp32", "fp16")]
    assert keys[0].onnx != keys[1].onnx
