import importlib.util
import sys
import sysconfig

import pytest

from oviton.data.errors import InputError, MissingExtraError
from oviton.triton_models import installation


def test_without_a_server_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(installation, "CONTAINER", tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install .*nvidia-pytriton=="):
        installation.find_triton(tmp_path)


def test_a_container_comes_first(monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tritonserver").touch()
    for name in ("tensorrt", "python"):
        (tmp_path / "backends" / name).mkdir(parents=True)
    monkeypatch.setattr(installation, "CONTAINER", tmp_path)
    found = installation.find_triton()
    assert found.binary == tmp_path / "bin" / "tritonserver"
    assert found.backend_names == ("python", "tensorrt")


def test_without_a_shared_python_the_way_out_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: str(tmp_path) if name == "LIBDIR" else None)
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    monkeypatch.setattr(installation.ctypes.util, "find_library", lambda name: None)
    with pytest.raises(InputError, match=r"needs libpython3\.\d+\.so\.1\.0, .* apt-get install libpython3"):
        installation.shared_python_library()
    library = tmp_path / f"libpython{installation.PYTHON}.so.1.0"
    library.touch()
    assert installation.shared_python_library() == library


def test_model_processes_find_what_this_process_found():
    environment = installation.find_triton().environment()
    assert environment["PATH"].startswith(str(installation.Path(sys.executable).parent))
    assert all(path in environment["OVITON_PATH"] for path in sys.path if path)
    assert environment["ORT_DISABLE_TELEMETRY"] == "1"


def test_the_wheels_server_is_linked_once(tmp_path):
    first = installation.find_triton(tmp_path)
    stub = first.backends / "python" / "triton_python_backend_stub"
    assert first.backend_names == ("python",)
    assert stub.is_symlink()
    assert stub.is_file()
    written = stub.lstat().st_mtime_ns
    assert installation.find_triton(tmp_path) == first
    assert stub.lstat().st_mtime_ns == written
    assert [path.name for path in tmp_path.iterdir()] == [first.backends.name]


@pytest.mark.parametrize("planted", ["triton_python_backend_stub", "another"])
def test_what_others_planted_is_not_run(tmp_path, planted):
    folder = installation.find_triton(tmp_path).backends / "python"
    (folder / planted).unlink(missing_ok=True)
    (folder / planted).write_text("#!/bin/sh\n")
    assert all(path.is_symlink() for path in (installation.find_triton(tmp_path).backends / "python").iterdir())


@pytest.mark.parametrize("below", ["", "python"])
def test_a_cache_that_others_may_write_is_refused(tmp_path, below):
    backends = installation.find_triton(tmp_path).backends
    (backends / below if below else tmp_path).chmod(0o777)
    with pytest.raises(InputError, match=r"other users may write there.* set OVITON_CACHE"):
        installation.find_triton(tmp_path)
