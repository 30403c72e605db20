"""A bundle with surface conditioning, as the shipped ones are: exported, dressed with, and refined."""

from pathlib import Path

import numpy as np
import pytest
import torch

from oviton import Garment, Person, TryOn
from oviton.bundle.programs import load_program
from oviton.bundle.samples import sample_requests
from oviton.data.classes import CLASS_IDS
from oviton.export.refinement_programs import export_programs
from oviton.export.tracing import TRACED_SIZES
from oviton.networks.config import preset
from oviton.networks.correspondence.places import UNITS
from oviton.networks.correspondence.surface import surface_lookup
from oviton.networks.graphs import graph_specs
from oviton.networks.perceptual import PerceptualBackbone

PEOPLE = Path(__file__).parents[2] / "examples" / "people"


@pytest.fixture(scope="module")
def networks(random_networks):
    return random_networks(preset("tiny").with_conditioning("surface"))


@pytest.fixture(scope="module")
def surface_bundle(export, networks):
    return export(networks)[0]


@pytest.fixture(scope="module")
def outfit():
    return Person.open(PEOPLE / "ana"), [Garment.open(PEOPLE / "hugo", wear="upper_clothes")]


@pytest.mark.more
def test_what_refinement_runs_is_exported_with_its_conditioning(tmp_path, networks, sample_people):
    requests = sample_requests(sample_people, 64, 32, *TRACED_SIZES)
    entries, modules = export_programs(networks, PerceptualBackbone.pretrained(), requests, tmp_path)
    assert {entry.name for entry in entries} == set(modules)
    program = load_program(tmp_path / "appearance_conditioning.pt2", None)
    spec = next(spec for spec in graph_specs(networks.config) if spec.name == "appearance_generator")
    codes = np.random.default_rng(0).normal(size=(2, 20, networks.config.appearance_code)).astype(np.float32)
    named = {**requests, "labels": requests["person_labels"], "appearance_codes": codes}
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in named.items()}
    tensors["places"] = torch.randint(0, UNITS + 1, (2, 3, 3, 32, 16), dtype=torch.int32)
    inputs = [tensors[tensor.name] for tensor in spec.inputs]
    torch.testing.assert_close(program(*inputs), modules["appearance_conditioning"](*inputs))
    lookup = load_program(tmp_path / "surface_lookup.pt2", None)
    inputs = [tensors[name] for name in ("labels", "places", "garment_images", "garment_labels", "source")]
    expected = surface_lookup(*(tensor.to(torch.int32) for tensor in inputs))
    torch.testing.assert_close(lookup(*inputs), expected)
    assert expected[:, 3].max() > 0.5


@pytest.mark.slow
def test_engines_agree_on_it(surface_bundle, outfit):
    looks = {}
    for engine in ("onnxruntime", "openvino", "torch"):
        with TryOn.load(surface_bundle, engine=engine, precision="fp32") as tryon:
            looks[engine] = tryon(*outfit)
    wanted = looks["torch"]
    assert (wanted.labels == CLASS_IDS["upper_clothes"]).any()
    for look in looks.values():
        assert (look.labels == wanted.labels).mean() > 0.999
        assert np.abs(look.image.astype(int) - wanted.image)[look.labels == wanted.labels].mean() < 0.1


@pytest.mark.slow
def test_it_is_refined(surface_bundle, outfit):
    with TryOn.load(surface_bundle, engine="torch", precision="fp32") as tryon:
        plain = tryon(*outfit)
        look = tryon.refine(*outfit, steps=2)
    assert look.report.refinement.steps <= 2
    assert look.image.shape == plain.image.shape
