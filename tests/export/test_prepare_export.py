"""A person parser becomes a bundle whose forms agree, and is read back from it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from oviton.bundle.bundle import Bundle
from oviton.bundle.families import PREPARE
from oviton.bundle.samples import read_samples, sample_requests
from oviton.data.errors import InputError
from oviton.engines.engine_set import EngineSet
from oviton.export.exporter import export_bundle
from oviton.networks.person_parser import ParserConfig, PersonParser, PersonParserGraph
from oviton.prepare.preparer import Preparer
from oviton.runtime.try_on import TryOn

pytestmark = pytest.mark.more


@pytest.fixture(scope="module")
def parser() -> PersonParser:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return PersonParser(ParserConfig(64, 32, channels=16), "for a test").eval()


@pytest.fixture(scope="module")
def bundle(parser: PersonParser, people: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("prepare") / "bundle"
    export_bundle(parser, folder, sorted(people.iterdir())[:2], name="tiny")
    return Bundle.open(folder)


def test_the_manifest_says_what_it_is(bundle: Bundle) -> None:
    manifest = bundle.manifest
    assert (manifest.family, manifest.height, manifest.width) == ("prepare", 64, 32)
    assert manifest.trained == {"person_parser": "for a test"}
    assert {row.output for row in manifest.parity} == set(PREPARE.results)
    assert {(row.requests, row.garments) for row in manifest.parity} == {(1, 1), (2, 1), (8, 1)}


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino", "torch"])
def test_every_engine_sees_what_pytorch_sees(bundle: Bundle, parser: PersonParser, engine: str) -> None:
    images = sample_requests(read_samples(bundle.sample_folders), 64, 32, 2, 1)["person_image"]
    with torch.inference_mode():
        wanted = PersonParserGraph(parser)(torch.from_numpy(images))
    with EngineSet.load(bundle, engine, "fp32") as engines:
        found = engines.run({"person_image": images})
    for name, truth in zip(PREPARE.results, wanted, strict=True):
        # The bundle's weights are rounded to FP16.
        assert (np.abs(found[name].astype(int) - truth.numpy()) <= 1).mean() > 0.97


def test_a_network_read_back_from_a_bundle_is_the_same(bundle: Bundle, parser: PersonParser) -> None:
    again, picture = PersonParser.open(bundle.path), torch.rand(1, 3, 64, 32) * 2 - 1
    with torch.inference_mode():
        for found, truth in zip(again(picture).__dict__.values(), parser(picture).__dict__.values(), strict=True):
            assert torch.allclose(found, truth, atol=0.03)
    assert again.trained == "for a test"


def test_it_prepares_and_does_not_dress(bundle: Bundle) -> None:
    with Preparer.load(bundle.path, "onnxruntime") as preparer:
        assert isinstance(preparer.people(np.zeros((100, 80, 3), np.uint8)), list)
    with pytest.raises(InputError, match="family prepare: no try-on, since it sees photographs and dresses nobody"):
        TryOn.load(bundle.path, "onnxruntime")
