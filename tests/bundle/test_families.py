import json

import pytest

from oviton.bundle.bundle import SHIPPED_BUNDLES
from oviton.bundle.families import FAMILIES, O_VITON, Family
from oviton.bundle.manifest import Manifest
from oviton.data.errors import InputError


def read_manifest(**changes):
    values = json.loads((SHIPPED_BUNDLES / "small" / "manifest.json").read_text())
    return Manifest.model_validate({**values, "digest": "", **changes})


@pytest.mark.parametrize("family", FAMILIES.values())
def test_a_familys_entry_hangs_together(family):
    assert {*family.encoders, *family.before, *filter(None, [family.refined])} <= {*family.graphs}
    assert FAMILIES[family.name] is family


def test_graphs_before_and_after_one():
    graphs = O_VITON.graphs
    assert (*O_VITON.until("appearance_encoder"), "appearance_encoder", *O_VITON.after("appearance_encoder")) == graphs
    assert O_VITON.until(graphs[0]) == O_VITON.after(graphs[-1]) == ()


def test_a_bundle_may_lack_what_is_optional_with_its_part():
    assert O_VITON.having(O_VITON.graphs) == O_VITON
    without = O_VITON.having(["shape_encoder", "compositor"])
    assert without.graphs == O_VITON.graphs[1:]
    assert without.parts == ("shape", "appearance")


def test_what_a_family_cannot_do_is_refused_in_one_line():
    one_top = Family("one-top", ("warp",), (), (), (), cannot={"several garments": "its warper takes one"})
    one_top.require("refinement")
    with pytest.raises(InputError, match=r"^family one-top: no several garments, since its warper takes one; choose"):
        one_top.require("several garments")


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match="family 'vton' is unknown; allowed: o-viton"):
        read_manifest(family="vton")


def test_a_manifest_from_before_families_keeps_its_digest():
    old = json.loads((SHIPPED_BUNDLES / "small" / "manifest.json").read_text())
    assert "family" not in old
    assert Manifest.model_validate(old).compute_digest() == old["digest"]
    assert read_manifest(family="o-viton").compute_digest() == old["digest"]


def test_graphs_that_are_not_the_familys_are_refused():
    values = json.loads((SHIPPED_BUNDLES / "small" / "manifest.json").read_text())
    with pytest.raises(ValueError, match="graphs must be correspondence, shape_encoder"):
        read_manifest(graphs=values["graphs"][::-1])
