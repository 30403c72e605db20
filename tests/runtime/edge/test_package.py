"""An edge package, packed and started as on a device: without PyTorch, from a folder of its own."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oviton.bundle.bundle import Bundle
from oviton.data.errors import InputError
from oviton.runtime.edge.package import pack_edge
from oviton.runtime.edge.target import TARGETS, Target

DEVICE = """
import sys
sys.modules["torch"] = None
sys.meta_path[:] = [finder for finder in sys.meta_path if "__editable__" not in getattr(finder, "__module__", "")]
"""
"""A device has neither PyTorch nor a checkout of this project."""


@pytest.fixture(scope="module")
def start(packed, tmp_path_factory):
    """Run the start script as on a device; returns the finished process."""
    site = tmp_path_factory.mktemp("site")
    (site / "sitecustomize.py").write_text(DEVICE)

    def run(*arguments):
        command = [sys.executable, packed / "start.py", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(site)}
        return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edge") / "package"
    pack_edge(Bundle.open(), folder, Target.named("cpu"))
    return folder


def test_a_package_holds_what_a_device_needs_and_no_more(packed):
    bundle = Bundle.open(packed / "bundle")
    whole = Bundle.open()
    assert bundle.identity == whole.identity  # outfits refined elsewhere fit
    assert bundle.manifest.digest != whole.manifest.digest
    assert bundle.manifest.programs == ()
    assert not list(packed.rglob("*.pt2"))
    assert {path.name for path in (packed / "oviton").iterdir() if path.is_dir()} == {
        "cli",
        "data",
        "engines",
        "bundle",
        "prepare",
        "runtime",
    }
    assert not list(packed.rglob("__pycache__"))
    size = sum(path.stat().st_size for path in packed.rglob("*") if path.is_file())
    assert size < 15e6
    assert "torch" not in (packed / "requirements.txt").read_text()


def test_the_packed_manifests_digest_is_made_as_documented(packed):
    for folder in (packed / "bundle", Bundle.open().path):
        values = json.loads((folder / "manifest.json").read_text())
        digest = values.pop("digest")
        assert hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest() == digest
        assert ("origin" in values) == (folder == packed / "bundle")


def test_refinement_brings_its_programs_and_pytorch(tmp_path):
    pack_edge(Bundle.open(), tmp_path / "p", Target.named("rtx"), refinement=True)
    names = {program.name for program in Bundle.open(tmp_path / "p" / "bundle").manifest.programs}
    assert {"discriminator", "perceptual"} <= names
    assert "torch==2.13.0" in (tmp_path / "p" / "requirements.txt").read_text()


@pytest.mark.more
def test_started_like_on_a_device_it_compiles_once_and_dresses_a_person(packed, start, people, tmp_path):
    command = ["try-on", people / "ana", "--wear", f"upper_clothes={people / 'ben'}"]
    first = start(*command, "-o", tmp_path / "a.png")
    assert first.returncode == 0, first.stderr
    assert "first start: compiling for this device" in first.stderr
    assert "openvino" in first.stdout
    assert list((packed / "plans").glob("*.plan"))
    second = start(*command, "-o", tmp_path / "b.png")
    assert second.returncode == 0, second.stderr
    assert "first start" not in second.stderr
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_what_the_system_image_should_bring_is_named(packed, tmp_path):
    copy = Path(shutil.copytree(packed, tmp_path / "copy", ignore=shutil.ignore_patterns("plans")))
    about = json.loads((copy / "edge.json").read_text())
    (copy / "edge.json").write_text(json.dumps({**about, "from_system": ["tensorrt_of_nobody"]}))
    done = subprocess.run([sys.executable, copy / "start.py", "doctor"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "oviton: tensorrt_of_nobody is not installed; the system image brings it: sudo apt install python3-libnvinfer\n"
    )


def test_commands_that_stayed_behind_say_so(start, tmp_path):
    done = start("render", "-n", "1", "-o", tmp_path / "people")
    assert done.returncode == 2
    assert "oviton.wardrobe is not part of the edge runtime; use a full installation" in done.stderr


def test_plans_can_be_packed_for_rtx_only(tmp_path):
    with pytest.raises(InputError, match="plans can be built ahead for tensorrt-rtx only, and jetpack6 runs tensorrt"):
        pack_edge(Bundle.open(), tmp_path / "p", Target.named("jetpack6"), capabilities=("8.7",))
    assert not (tmp_path / "p").exists()


def test_a_strangers_folder_is_never_replaced(tmp_path, packed):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds other files"):
        pack_edge(Bundle.open(), tmp_path, Target.named("cpu"))
    assert (tmp_path / "thesis.txt").exists()


def test_targets_are_known_by_name():
    with pytest.raises(InputError, match="target 'toaster' is unknown; allowed: rtx, jetpack6, jetpack7, cpu"):
        Target.named("toaster")
    assert {target.engine for target in TARGETS.values()} == {"tensorrt", "tensorrt-rtx", "openvino"}
