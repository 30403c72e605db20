"""What installing and importing costs."""

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
