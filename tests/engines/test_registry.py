import dataclasses

import pytest

from oviton.data.errors import EngineError, InputError
from oviton.engines import engine as engine_module
from oviton.engines import registry
from oviton.engines.onnxruntime_engine import OnnxRuntimeEngine


def test_auto_and_lists_are_in_this_order():
    assert [(spec.label, spec.auto) for spec in registry.specs()] == [
        ("tensorrt (cuda)", True),
        ("tensorrt-rtx (cuda)", True),
        ("torch (cuda)", True),
        ("openvino (cpu)", True),
        ("onnxruntime (cpu)", True),
        ("torch (cpu)", True),
        ("torch-tensorrt (cuda)", False),
        ("torch-compile (cuda)", False),
        ("torch-compile (cpu)", False),
    ]


def test_a_missing_library_is_told_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(registry, "is_installed", lambda module: module != "torch")
    with pytest.raises(EngineError, match=r"torch is not installed; run: pip install torch=="):
        registry.choose("torch")


def test_auto_says_why_not_the_better_ones(monkeypatch):
    monkeypatch.setattr(registry, "is_installed", lambda module: module == "onnxruntime")
    chosen, passed_over = registry.choose("auto")
    assert chosen.candidate.engine == "onnxruntime"
    assert [a.candidate.label for a in passed_over] == [
        "tensorrt (cuda)",
        "tensorrt-rtx (cuda)",
        "torch (cuda)",
        "openvino (cpu)",
    ]
    assert all("not installed" in a.reason for a in passed_over)


def test_nothing_installed_is_an_error_with_every_reason(monkeypatch):
    monkeypatch.setattr(registry, "is_installed", lambda module: False)
    with pytest.raises(EngineError, match=r"openvino \(cpu\): .*onnxruntime \(cpu\): .*torch \(cpu\)"):
        registry.choose("auto")


def test_a_broken_installation_is_a_reason_not_a_crash(monkeypatch):
    def broken(*_, **__):
        raise OSError("libsomething.so: cannot open shared object file")

    monkeypatch.setattr(engine_module, "require", broken)
    found = {a.candidate.label: a.reason for a in registry.survey()}
    assert "cannot be imported (OSError: libsomething.so" in found["torch (cpu)"]
    assert "cannot be imported" in found["onnxruntime (cpu)"]


def test_what_failed_before_is_passed_over_with_its_reason():
    first, _ = registry.choose("auto")
    second, passed_over = registry.choose("auto", [dataclasses.replace(first, reason="no memory left")])
    assert second.candidate != first.candidate
    assert passed_over[-1].candidate == first.candidate
    assert passed_over[-1].reason == "no memory left"


def test_a_name_that_is_taken_is_refused():
    (spec,) = OnnxRuntimeEngine.specs
    with pytest.raises(InputError, match=r"onnxruntime \(cpu\) of .*: the name is taken by oviton.*; choose another"):
        registry.register(spec)(type("Mine", (OnnxRuntimeEngine,), {"__module__": "mine"}))
    assert registry.class_of(spec) is OnnxRuntimeEngine


def test_an_engine_that_takes_no_other_weights_says_so(tiny_bundle):
    (spec,) = OnnxRuntimeEngine.specs

    class Fixed(OnnxRuntimeEngine):
        specs = (dataclasses.replace(spec, engine="fixed", refits=False),)

    with (
        Fixed(tiny_bundle, tiny_bundle.manifest.graph("compositor"), "fp32") as engine,
        pytest.raises(InputError, match="engine fixed takes no weights but the bundle's; choose another engine"),
    ):
        engine.refit({})
