import dataclasses
import json

import pytest

from oviton.engines.openvino_engine import OpenVinoEngine
from oviton.engines.plan_cache import PlanCache, default_cache_folder
from oviton.engines.plan_key import PlanKey


@pytest.fixture
def key(tiny_bundle):
    return PlanKey.of(tiny_bundle, tiny_bundle.manifest.graph("compositor"), "openvino", "fp32", {"HINT": "f32"})


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


@pytest.mark.parametrize("damage", ["plan", "sidecar", "sidecar-type", "no-sidecar"])
def test_damage_is_rebuilt(cache, key, damage):
    cache.get_or_build(key, lambda: b"plan")
    (plan,), (sidecar,) = cache.root.glob("*.plan"), cache.root.glob("*.json")
    if damage == "plan":
        plan.write_bytes(b"plam")
    elif damage == "sidecar":
        sidecar.write_text("{")
    elif damage == "sidecar-type":
        sidecar.write_text("[]")
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


def test_a_folder_that_cannot_be_written_costs_a_build_and_is_told(key, tmp_path):
    (tmp_path / "file").touch()
    plan = PlanCache(tmp_path / "file").get_or_build(key, lambda: b"plan")
    assert plan.data == b"plan"
    assert "is a file, not a folder" in plan.not_kept


def test_the_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("OVITON_CACHE", str(tmp_path / "elsewhere"))
    assert default_cache_folder() == tmp_path / "elsewhere"


def test_fp16_and_fp32_of_one_graph_have_their_own_onnx(tiny_bundle):
    graph = tiny_bundle.manifest.graph("appearance_generator")
    keys = [PlanKey.of(tiny_bundle, graph, "onnxruntime", precision, {}) for precision in ("fp32", "fp16")]
    assert keys[0].onnx != keys[1].onnx
