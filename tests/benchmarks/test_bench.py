import shutil

import pytest

from oviton.benchmarks.bench import Bench, BenchOptions
from oviton.bundle.bundle import SHIPPED_BUNDLES, Bundle
from oviton.data.errors import InputError


def test_bundles_of_one_name_are_told_apart(monkeypatch):
    shipped = Bundle.open(SHIPPED_BUNDLES / "small")

    def opened(path):
        manifest = shipped.manifest.model_copy(update={"name": path.parent.name, "origin": path.name * 64})
        return Bundle(path, manifest)

    monkeypatch.setattr(Bundle, "open", opened)
    paths = [shipped.path / name for name in ("x/a", "x (2)/b", "x/c", "y/d", "x/e")]
    with Bench(BenchOptions(tuple(paths))) as bench:
        names = [bench.name(bundle) for bundle in bench.bundles]
    assert names == ["x", "x (2)", "x (3)", "y", "x (4)"]


def test_one_bundle_is_not_given_twice(tmp_path):
    small = SHIPPED_BUNDLES / "small"
    copy = shutil.copytree(small, tmp_path / "copy")
    identity = Bundle.open(small).identity
    for second in (small, small / ".." / "small", copy):
        with Bench(BenchOptions((small, second))) as bench, pytest.raises(InputError) as refused:
            bench.bundles  # noqa: B018
        assert str(refused.value) == (
            f"--bundle {second} is the same as {small}, small of identity {identity[:12]}; name each bundle once"
        )
