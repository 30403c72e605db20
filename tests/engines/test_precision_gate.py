import pytest

from oviton.data.errors import GateError
from oviton.engines import precision_gate
from oviton.engines.engine_set import EngineSet
from oviton.engines.openvino_engine import OpenVinoEngine
from oviton.engines.plan_cache import PlanCache
from oviton.export.parity import Limits

pytestmark = pytest.mark.skipif(not OpenVinoEngine.has_bf16(), reason="this processor has no bf16")


def test_bf16_is_gated_on_this_machine_and_remembered(tiny_bundle, cache, monkeypatch):
    with EngineSet.load(tiny_bundle, "openvino", cache=cache) as engines:
        assert engines.precision == "bf16"
        assert {row.reference for row in engines.gate} == {"onnxruntime fp32"}
        assert all(row.passed for row in engines.gate)
        first = engines.gate
    monkeypatch.setattr(precision_gate, "run_gate", lambda *_: pytest.fail("gated again"))
    with EngineSet.load(tiny_bundle, "openvino", cache=cache) as engines:
        assert engines.gate == first


def test_a_failed_gate_refuses_bf16_and_says_so(tiny_bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(precision_gate, "REDUCED_PRECISION", Limits(relative=0.0, agreement=1.0, psnr=119))
    cache = PlanCache(tmp_path)
    with EngineSet.load(tiny_bundle, "openvino", cache=cache) as engines:
        assert engines.precision == "fp32"
        assert engines.notes[0].startswith("bf16 was refused on this machine")
        assert "demanded" in engines.notes[0]
    with pytest.raises(GateError, match="openvino bf16 does not agree"):
        EngineSet.load(tiny_bundle, "openvino", "bf16", cache=cache)


@pytest.mark.parametrize("content", ["[]", "nonsense"])
def test_a_forged_gate_result_is_not_believed(tiny_bundle, tmp_path, content):
    cache = PlanCache(tmp_path)
    EngineSet.load(tiny_bundle, "openvino", "bf16", cache=cache).close()
    (remembered,) = tmp_path.glob("gate-*.json")
    honest = remembered.read_text()
    failed = honest.replace('"metric":"relative","value":', '"metric":"relative","value":9')
    for forged in (content, failed):
        remembered.write_text(forged)
        with EngineSet.load(tiny_bundle, "openvino", "bf16", cache=cache) as engines:
            assert len(engines.gate) == 10
            assert all(row.passed for row in engines.gate)
