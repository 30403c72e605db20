import pytest
from oviton.data.errors import InputError
from oviton.engines import registry


def test_a_missing_library_is_told_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(registry, "is_installed", lambda module: module != "torch")
    with pytest.raises(InputError, match=r"torch is not installed; run: pip install 'oviton\[refine\]'"):
        registry.choose("torch")


def test_auto_says_why_not_the_better_ones(monkeypatch):
    monkeypatch.setattr(registry, "is_installed", lambda module: module == "onnxruntime")
    chosen, passed_over = registry.choose("auto")
    assert chosen.candidate.engine == "onnxruntime"
    assert [a.candidate.label for a in passed_over] == ["torch (cuda)", "openvino (cpu)"]
    assert all("not installed" in a.reason for a in passed_over)


def test_nothing_installed_is_an_error_with_every_reason(monkeypatch):
    monkeypatch.setattr(registry, "is_installed", lambda module: False)
    with pytest.raises(InputError, match=r"openvino \(cpu\): .*onnxruntime \(cpu\): .*torch \(cpu\)"):
        registry.choose("auto")
