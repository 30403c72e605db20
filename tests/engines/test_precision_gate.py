import re

import pytest

from oviton.bundle.parity import Limits
from oviton.data.errors import GateError
from oviton.engines import precision_gate
from oviton.engines.engine_set import EngineSet
from oviton.engines.openvino_engine import OpenVinoEngine
from oviton.engines.plan_cache import PlanCache

HAS = {"bf16": OpenVinoEngine.has_bf16(), "int8": OpenVinoEngine.has_int8()}

ROWS = {"bf16": 10, "int8": 2}
"""Results of a gate at two sizes: of five graphs, or of the one that is rounded to INT8."""


@pytest.fixture(params=["bf16", "int8"])
def precision(request):
    if not HAS[request.param]:
        pytest.skip(f"this processor has no {request.param}")
    return request.param


@pytest.mark.skipif(not any(HAS.values()), reason="this processor has FP32 only")
def test_auto_is_the_first_reduced_precision_of_this_machine(tiny_bundle, cache):
    with EngineSet.load(tiny_bundle, "openvino", cache=cache) as engines:
        assert engines.precision == next(precision for precision, here in HAS.items() if here)


def test_a_reduced_precision_is_gated_on_this_machine_and_remembered(tiny_bundle, cache, monkeypatch, precision):
    with EngineSet.load(tiny_bundle, "openvino", precision, cache=cache) as engines:
        assert {row.reference for row in engines.gate} == {"onnxruntime fp32"}
        assert all(row.passed for row in engines.gate)
        first = engines.gate
    monkeypatch.setattr(precision_gate, "run_gate", lambda *_: pytest.fail("gated again"))
    with EngineSet.load(tiny_bundle, "openvino", precision, cache=cache) as engines:
        assert engines.gate == first


@pytest.mark.skipif(not any(HAS.values()), reason="this processor has FP32 only")
def test_a_failed_gate_refuses_reduced_precisions_and_says_so(tiny_bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(precision_gate, "REDUCED_PRECISION", Limits(relative=0.0, agreement=1.0, psnr=119))
    cache = PlanCache(tmp_path)
    with EngineSet.load(tiny_bundle, "openvino", cache=cache) as engines:
        assert engines.precision == "fp32"
        refused = [precision for precision, here in HAS.items() if here]
        for note, precision in zip(engines.notes, refused, strict=True):
            assert note.startswith(f"{precision} was refused on this machine")
            assert "demanded" in note
    for precision in refused:
        with pytest.raises(GateError, match=f"openvino {precision} does not agree"):
            EngineSet.load(tiny_bundle, "openvino", precision, cache=cache)


@pytest.mark.parametrize("content", ["[]", "nonsense"])
def test_a_forged_gate_result_is_not_believed(tiny_bundle, tmp_path, content, precision):
    cache = PlanCache(tmp_path)
    EngineSet.load(tiny_bundle, "openvino", precision, cache=cache).close()
    (remembered,) = tmp_path.glob("gate-*.json")
    honest = remembered.read_text()
    failed = re.sub(r'"value":\s*[0-9.e+-]+', '"value": 0.5', honest)  # PSNR and agreement are more where they pass
    for forged in (content, failed):
        remembered.write_text(forged)
        with EngineSet.load(tiny_bundle, "openvino", precision, cache=cache) as engines:
            assert len(engines.gate) == ROWS[precision]
            assert all(row.passed for row in engines.gate)
