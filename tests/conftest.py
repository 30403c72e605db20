"""Shared fixtures: the example people, a tiny bundle exported once a session, a private plan cache."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from oviton import cli
from oviton.bundle.bundle import SHIPPED_BUNDLES, Bundle
from oviton.bundle.samples import read_samples, sample_requests
from oviton.engines.plan_cache import PlanCache

ROOT = Path(__file__).resolve().parent.parent
PEOPLE = ROOT / "examples" / "people"


def pytest_collection_modifyitems(items):
    """Tests that need the tiny bundle come last: it is exported meanwhile, which keeps a core busy for a minute."""
    items.sort(key=_needs_export)


def pytest_collection_finish(session):
    if any(map(_needs_export, session.items)) and not session.config.option.collectonly:
        from oviton.networks.config import preset

        folder = Path(tempfile.mkdtemp(prefix="oviton-export-"))
        session.config.stash[EXPORT] = Export(folder, make_random_networks(preset("tiny")))


def pytest_unconfigure(config):
    if (begun := config.stash.get(EXPORT, None)) is not None:
        begun.process.kill()
        begun.process.wait()
        shutil.rmtree(begun.folder, ignore_errors=True)


def _needs_export(item):
    return "exported" in getattr(item, "fixturenames", ())


class Export:
    """Networks that are being exported by the command line, in a process beside the tests."""

    def __init__(self, folder, networks):
        from oviton.networks.checkpoint import PARTS, save_checkpoint

        self.folder = folder
        for part in PARTS:
            save_checkpoint(folder / "checkpoint", networks, part, f"trained for a test of {part}")
        command = [sys.executable, "-m", "oviton", "export", "checkpoint", "-o", "bundle", "--samples", str(PEOPLE)]
        with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as errors:
            self.process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=errors)

    def result(self):
        """Return the bundle's folder and what was printed, once it is there."""
        status = self.process.wait()
        assert status == 0, (self.folder / "stderr").read_text()
        return self.folder / "bundle", (self.folder / "stdout").read_text()


EXPORT = pytest.StashKey[Export]()


def make_random_networks(config):
    import torch

    from oviton.networks.checkpoint import untrained_networks

    networks = untrained_networks(config, seed=3)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in networks.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.02)
    return networks


@pytest.fixture(autouse=True, scope="session")
def plan_cache_folder(tmp_path_factory):
    """No test reads or writes the user's own plan cache."""
    folder = tmp_path_factory.mktemp("plans")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVITON_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True, scope="session")
def default_bundle():
    """Tests that name no bundle take the small shipped one, which answers four times as fast as the default."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVITON_BUNDLE", str(SHIPPED_BUNDLES / "small"))
        yield


@pytest.fixture(scope="session")
def cache(plan_cache_folder):
    return PlanCache(plan_cache_folder)


@pytest.fixture(scope="session")
def people() -> Path:
    return PEOPLE


@pytest.fixture(scope="session")
def sample_people():
    return read_samples(sorted(PEOPLE.iterdir())[:4])


@pytest.fixture(scope="session")
def random_networks():
    """Return a function that makes untrained networks whose every weight is random, so that no path is silent."""
    return make_random_networks


@pytest.fixture(scope="session")
def export(tmp_path_factory):
    """Return a function that saves networks as a checkpoint and exports them by the command line.

    It returns the bundle's folder and what was printed.
    """
    return lambda networks: Export(tmp_path_factory.mktemp("export"), networks).result()


@pytest.fixture(scope="session")
def tiny_networks(random_networks):
    from oviton.networks.config import preset

    return random_networks(preset("tiny"))


@pytest.fixture(scope="session")
def exported(request):
    """The tiny networks' bundle, and what its export printed."""
    return request.config.stash[EXPORT].result()


@pytest.fixture(scope="session")
def tiny_bundle_folder(exported) -> Path:
    return exported[0]


@pytest.fixture(scope="session")
def tiny_bundle(tiny_bundle_folder) -> Bundle:
    return Bundle.open(tiny_bundle_folder)


@pytest.fixture
def bundle_copy(tmp_path, tiny_bundle_folder) -> Path:
    """A tiny bundle to damage."""
    return Path(shutil.copytree(tiny_bundle_folder, tmp_path / "copy"))


@pytest.fixture(scope="session")
def tiny_requests(sample_people):
    """Two requests of two garments each, at the tiny size."""
    return sample_requests(sample_people, 64, 32, 2, 2)


@pytest.fixture
def person_copy(tmp_path) -> Path:
    """A person folder to damage."""
    return Path(shutil.copytree(PEOPLE / "ana", tmp_path / "ana"))


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process; returns exit status, stdout and stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["oviton", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return call


@pytest.fixture
def out(tmp_path) -> Path:
    """An empty folder to write into."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def read_picture():
    def read(path):
        with Image.open(path) as image:
            return np.asarray(image)

    return read
