"""Every *Examples* section of the package runs; see `run_examples`."""

import inspect
from pathlib import Path

import pytest

import oviton

ROOT = Path(__file__).parents[1]
PUBLIC = {name: getattr(oviton, name) for name in oviton.__all__ if name != "__version__"}
NEED_A_SERVER = [f"oviton.triton_models.client.{name}" for name in ("async_client", "garment_codes", "try_on_client")]
"""Their examples run in ``tests/triton_models/client/test_examples.py``, where a server is."""


def modules_with_examples():
    """Return the names of the package's modules that hold an example."""
    folders = [init.parent for init in ROOT.glob("[!.]*/__init__.py")]
    files = [ROOT / "__init__.py", *(file for folder in folders for file in folder.rglob("*.py"))]
    places = [file.relative_to(ROOT) for file in sorted(files) if ">>>" in file.read_text(encoding="utf-8")]
    return [".".join(("oviton", *place.with_suffix("").parts)).removesuffix(".__init__") for place in places]


@pytest.mark.parametrize("module", [name for name in modules_with_examples() if name not in NEED_A_SERVER])
def test_examples_run(run_examples, module):
    assert run_examples(module) > 0


@pytest.mark.parametrize("name", [name for name in sorted(PUBLIC) if not issubclass(PUBLIC[name], Exception)])
def test_what_is_public_shows_its_use(name):
    assert ">>>" in inspect.getdoc(PUBLIC[name])
