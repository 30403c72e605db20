import importlib.metadata
import os
import shutil
import subprocess
import sys

import pytest

from oviton.data.errors import MissingExtraError
from oviton.data.optional import install_command, require

TRY_ON = """
from oviton import Garment, Person, TryOn
person, photo = Person.open({people!r} + "/ana"), Garment.open({people!r} + "/ben", wear="upper_clothes")
for engine in ("onnxruntime", "openvino"):
    with TryOn.load(engine=engine, precision="fp32") as tryon:
        tryon(person, [photo])
"""
WATCHED = """
import sys
sys.addaudithook(lambda event, arguments: event.startswith("socket.") and sys.exit(f"{event} {arguments}"))
"""


def test_a_hint_names_the_extras_packages_and_nothing_that_a_stranger_could_own():
    for extra in importlib.metadata.metadata("oviton").get_all("Provides-Extra"):
        command = install_command("module", extra)
        assert command.startswith("pip install ")
        assert "oviton" not in command
        assert "module" not in command.split()
    assert "torch==" in install_command("torch", "refine")
    assert '"matplotlib>=' in install_command("torch", "refine"), "a shell would take > for a redirection"


@pytest.mark.parametrize("extra", [None, "unheard-of"])
def test_without_an_extra_the_library_is_named(extra):
    assert install_command("openvino", extra) == "pip install openvino"


def test_what_runs_without_being_installed_names_the_library(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", missing)
    assert install_command("torch", "refine") == "pip install torch"


def test_a_missing_library_is_one_line():
    with pytest.raises(MissingExtraError, match=r"magic needs wand, which is not installed; run: pip install wand$"):
        require("wand", purpose="magic")


@pytest.fixture
def home(tmp_path):
    """Return the environment of a user who has no files yet, outside of CI, where libraries tell nothing."""
    (tmp_path / "home").mkdir()
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    return kept | {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home" / "cache")}


def test_a_try_on_opens_no_socket_and_leaves_nothing_at_home(people, home, tmp_path):
    watch, trace = [], tmp_path / "trace"
    if shutil.which("strace"):  # sees the sockets of libraries too, not Python's alone
        watch = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=socket,connect", "-o", str(trace)]
    done = subprocess.run(
        [*watch, sys.executable, "-c", WATCHED + TRY_ON.format(people=str(people))],
        check=False, env=home, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    opened = [line for line in trace.read_text().splitlines() if "socket(" in line] if watch else []
    assert not opened
    assert not list((tmp_path / "home").rglob("*"))
