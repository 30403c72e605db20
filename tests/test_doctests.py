"""Every *Examples* section of the package runs, beside a folder ``person/`` and a folder ``shirt/``."""

import doctest
import importlib
import inspect
import shutil
from pathlib import Path

import numpy as np
import pytest

import oviton

ROOT = Path(__file__).parents[1]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PUBLIC = {name: getattr(oviton, name) for name in oviton.__all__ if name != "__version__"}
NEEDS_A_SERVER = ("triton_models/client",)
"""Examples there run in ``tests/triton_models/client``, where a server is."""


def with_examples():
    """Return the package's modules that hold an example, by the folder that they lie in."""
    for file in sorted(ROOT.rglob("*.py")):
        place = file.relative_to(ROOT)
        if (
            place.parts[0] in ("tests", "examples", "setup.py")
            or place.parts[0].startswith(".")
            or "edge/files" in str(place)
        ):
            continue
        if ">>>" in file.read_text(encoding="utf-8") and not place.as_posix().startswith(NEEDS_A_SERVER):
            yield ".".join(("oviton", *place.with_suffix("").parts)).removesuffix(".__init__")


@pytest.fixture
def photographs(people, tmp_path, monkeypatch):
    """The current folder holds what examples read."""
    shutil.copytree(people / "hugo", tmp_path / "person")
    shutil.copytree(people / "ana", tmp_path / "shirt")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("photographs")
@pytest.mark.parametrize("name", with_examples())
def test_examples_run(name):
    module = importlib.import_module(name)
    known = {"np": np, **PUBLIC, **vars(module)}
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for example in doctest.DocTestFinder(exclude_empty=True).find(module, globs=known):
        runner.run(example)
    assert runner.tries > 0
    assert runner.failures == 0


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_what_is_public_shows_its_use(name):
    """Errors are shown where they are raised."""
    if issubclass(PUBLIC[name], Exception):
        pytest.skip("an error")
    assert ">>>" in inspect.getdoc(PUBLIC[name])
