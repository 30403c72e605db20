import time

import numpy as np
import pytest

from oviton.bundle.parity import psnr
from oviton.data.errors import EngineError, InputError
from oviton.engines.engine_set import EngineSet
from oviton.engines.loading import Loading
from oviton.engines.plan_cache import PlanCache
from oviton.engines.registry import choose, survey


@pytest.mark.parametrize("name", ["openvino", "onnxruntime", "torch"])
def test_engines_agree_end_to_end(tiny_bundle, tiny_requests, cache, name):
    with (
        EngineSet.load(tiny_bundle, "onnxruntime", "fp32", cache=cache) as reference,
        EngineSet.load(tiny_bundle, name, "fp32", cache=cache) as engines,
    ):
        assert engines.precision == "fp32"
        assert psnr(engines.run(tiny_requests)["image"], reference.run(tiny_requests)["image"]) >= 45


def test_auto_takes_the_first_that_runs(tiny_bundle, cache):
    with EngineSet.load(tiny_bundle, cache=cache) as engines:
        expected = next(a for a in survey() if a.reason is None and a.candidate.auto)
        assert engines.chosen == expected
        assert all(a.reason for a in engines.passed_over)


def test_a_cache_that_cannot_be_written_is_a_note(tiny_bundle, tiny_requests, tmp_path):
    (tmp_path / "file").touch()
    cache = PlanCache(tmp_path / "file")
    with EngineSet.load(tiny_bundle, "openvino", cache=cache) as engines:
        assert any("plans are not kept" in note for note in engines.notes)
        assert engines.run(tiny_requests)["image"].any()


def test_unknown_engine_and_precision_list_what_is_allowed(tiny_bundle, cache):
    with pytest.raises(InputError, match="'triton' is unknown; allowed: auto, tensorrt, tensorrt-rtx, torch, openvino"):
        EngineSet.load(tiny_bundle, "triton", cache=cache)
    with pytest.raises(InputError, match=r"no precision 'int4'.*allowed: auto, fp32"):
        EngineSet.load(tiny_bundle, "torch", "int4", cache=cache)


def test_survey_names_a_reason_or_a_precision():
    for found in survey():
        assert bool(found.reason) != bool(found.precisions)
        assert found.version or "not installed" in found.reason


def test_run_gives_every_tensor(tiny_bundle, tiny_requests, cache):
    with EngineSet.load(tiny_bundle, "onnxruntime", cache=cache) as engines:
        values = engines.run(tiny_requests)
    assert {"shape_codes", "labels", "appearance_codes", "generated", "image"} <= values.keys()
    assert values["labels"].max() < 20
    assert np.isfinite(values["shape_codes"]).all()


def test_auto_goes_on_to_the_next_engine_when_one_fails_and_says_why(tiny_bundle, cache, monkeypatch):
    first, _ = choose("auto")
    monkeypatch.setattr(Loading, "load_all", _failing_for(first.candidate, Loading.load_all))
    with EngineSet.load(tiny_bundle, cache=cache) as engines:
        assert engines.chosen.candidate != first.candidate
        assert engines.passed_over[-1].reason == "the device was lost"
        assert engines.notes[0] == f"{first.candidate.label} is not used: the device was lost"
    with pytest.raises(EngineError, match="the device was lost"):
        EngineSet.load(tiny_bundle, first.candidate.engine, cache=cache)


def _failing_for(candidate, load_all):
    def load(self):
        if self.chosen.candidate == candidate:
            raise EngineError("the device was lost")
        return load_all(self)

    return load


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_one_thread_is_one_thread(tiny_bundle, tiny_requests, cache, engine):
    """By the processor time of the whole process, over what passed on the clock."""
    with EngineSet.load(tiny_bundle, engine, "fp32", cache=cache, threads=1) as one:
        one.run(tiny_requests)
        begun, used = time.perf_counter(), time.process_time()
        for _ in range(10):
            one.run(tiny_requests)
        assert time.process_time() - used < 1.15 * (time.perf_counter() - begun)
