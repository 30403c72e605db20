"""What try-ons of the shipped bundles look like: made here, compared by the tests, rewritten by ``make goldens``.

``python tests/golden/goldens.py`` writes the committed pictures anew. With a folder it writes every array there, for a
comparison bit for bit on one machine: run it before and after a change that must change nothing, and compare with
``--same-as``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from oviton import Garment, Person, TryOn
from oviton.runtime.refinement.options import RefinementOptions

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PEOPLE = ROOT / "examples" / "people"
PICTURES = HERE / "pictures"
ENGINES = ("openvino", "onnxruntime", "torch")
"""CPU engines in FP32; their pictures differ by a rounded level, and labels where two classes are as likely."""

REFINEMENT_STEPS = 4


def requests():
    """Return person, garments and removed classes by name: a top; three garments and a coat off; a large photograph."""
    two = [Garment.open(PEOPLE / "ben", wear="upper_clothes"), Garment.open(PEOPLE / "eva", wear="skirt,shoes")]
    return {
        "top": (Person.open(PEOPLE / "hugo"), [Garment.open(PEOPLE / "ana", wear="upper_clothes")], ()),
        "outfit": (Person.open(PEOPLE / "dev"), two, ("coat",)),
        "dress": (_enlarged(Person.open(PEOPLE / "finn")), [Garment.open(PEOPLE / "chloe", wear="dress")], ()),
    }


def looks(engine, bundle="base"):
    """Dress every request on one engine in FP32; returns picture and labels by name."""
    with TryOn.load(ROOT / "bundles" / bundle, engine, "fp32") as tryon:
        return {name: _arrays(tryon(*request)) for name, request in requests().items()}


def refined():
    """Refine the first request with the bundle whose generator sees codes only."""
    person, garments, _ = requests()["top"]
    with TryOn.load(ROOT / "bundles" / "small-codes", "openvino", "fp32") as tryon:
        options = RefinementOptions(steps=REFINEMENT_STEPS, precision="fp32")
        return _arrays(tryon.refine(person, garments, options=options))


def served(address):
    """Ask a Triton server of bundle ``small``, by the command line, for the first request."""
    with tempfile.TemporaryDirectory() as folder:
        look, labels = Path(folder, "look.png"), Path(folder, "labels.png")
        command = [sys.executable, "-m", "oviton", "try-on", PEOPLE / "hugo", "--wear", f"upper_clothes={PEOPLE}/ana"]
        command += ["--server", f"grpc://{address}", "-o", look, "--labels-out", labels]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return {"image": read(look), "labels": read(labels)}


def read(path):
    """Read a PNG file as an array."""
    with Image.open(path) as image:
        return np.asarray(image)


def committed(name):
    """Return the committed picture and labels of a name."""
    return {kind: read(PICTURES / f"{name}.{kind}.png") for kind in ("image", "labels")}


def _arrays(look):
    return {"image": look.image, "labels": look.labels}


def _enlarged(person):
    """Return a person in a photograph of another size and shape, so that results are fitted back into it."""
    height, width = person.labels.shape
    size = (width * 7 // 4, height * 7 // 4)
    arrays = (
        np.asarray(Image.fromarray(array).resize(size, kernel))
        for array, kernel in (
            (person.image, Image.Resampling.BICUBIC),
            (person.labels, Image.Resampling.NEAREST),
            (person.densepose, Image.Resampling.NEAREST),
        )
    )
    sides = ((0, 0), (60, 40))
    image, labels, densepose = (
        np.pad(array, sides if array.ndim == 2 else (*sides, (0, 0)), mode="edge" if kind == 0 else "constant")
        for kind, array in enumerate(arrays)
    )
    return Person(image, labels, densepose, "enlarged")


def everything():
    """Return every array that this machine makes without a server, by name."""
    found = {f"{engine}.{name}": arrays for engine in ENGINES for name, arrays in looks(engine).items()}
    return {**found, "small": looks("openvino", "small")["top"], "refined": refined()}


def main():
    """Write the committed pictures, or all arrays into a folder, or compare with such a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, help="write every array here instead")
    parser.add_argument("--same-as", type=Path, help="compare with what --into wrote, bit for bit")
    options = parser.parse_args()
    found = everything()
    if options.into:
        options.into.mkdir(parents=True, exist_ok=True)
        np.savez(options.into / "goldens.npz", **_flat(found))
    elif options.same_as:
        known = np.load(options.same_as / "goldens.npz")
        flat = _flat(found)
        other = [name for name in known if not np.array_equal(known[name], flat[name])]
        sys.exit(f"other than before: {', '.join(other)}" if other else 0)
    else:
        PICTURES.mkdir(exist_ok=True)
        kept = {name: found[f"onnxruntime.{name}"] for name in requests()}
        for name, arrays in {**kept, "small": found["small"], "refined": found["refined"]}.items():
            for kind, array in arrays.items():
                Image.fromarray(array).save(PICTURES / f"{name}.{kind}.png", optimize=True)


def _flat(found):
    return {f"{name}.{kind}": array for name, arrays in found.items() for kind, array in arrays.items()}


if __name__ == "__main__":
    main()
