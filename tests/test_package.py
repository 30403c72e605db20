"""What installing and importing costs."""

import importlib.metadata
import json
import subprocess
import sys

import pytest

import oviton

HEAVY = ("torch", "onnx", "onnxruntime", "openvino", "tensorrt", "tritonclient", "cuda")


def loaded_after(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(*sorted(m.split('.')[0] for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split("\n")[-2].split())


@pytest.mark.parametrize(
    "code",
    [
        "import oviton",
        "import oviton; oviton.TryOn, oviton.Person, oviton.Garment, oviton.Bundle",
        "import sys; sys.argv = ['oviton', '--help']\nfrom oviton import cli\ntry: cli.main()\nexcept SystemExit: pass",
    ],
)
def test_nothing_heavy_is_imported(code):
    assert not loaded_after(code) & set(HEAVY)


def test_feed_forward_try_on_needs_no_torch(people):
    code = (
        "from oviton import TryOn, Person, Garment\n"
        f"p = {str(people)!r}\n"
        "t = TryOn.load(engine='onnxruntime')\n"
        "t(Person.open(p + '/ana'), [Garment.open(p + '/ben', wear='upper_clothes')])"
    )
    assert not loaded_after(code) & {"torch", "onnx", "tritonclient"}


def test_public_names_exist():
    for name in oviton.__all__:
        assert getattr(oviton, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Magic'"):
        _ = oviton.Magic


@pytest.mark.more
@pytest.mark.parametrize(("python", "numpy"), [("3.12", "1"), ("3.12", "2"), ("3.13", "2")])
def test_base_and_client_install_without_compiling(python, numpy, tmp_path):
    """By asking the package index, for the Pythons that this one is not."""
    wanted = [text.partition(";") for text in importlib.metadata.requires("oviton")]
    packages = [name for name, _, condition in wanted if not condition or 'extra == "client"' in condition]
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--only-binary=:all:"]
    command += ["--python-version", python, "--target", str(tmp_path / "target"), "--report", str(report)]
    done = subprocess.run([*command, *packages, f"numpy=={numpy}.*"], capture_output=True, text=True, check=False)
    if done.returncode != 0 and "connection broken" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    chosen = {
        item["metadata"]["name"]: item["metadata"]["version"] for item in json.loads(report.read_text())["install"]
    }
    assert chosen["numpy"].startswith(f"{numpy}.")
    assert {"onnxruntime", "openvino", "tritonclient"} <= chosen.keys()
