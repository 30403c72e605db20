import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oviton.bundle.bundle import Bundle
from oviton.data.errors import InputError


def edit_manifest(folder, change=None, **changes):
    """Change the manifest as somebody would who knows how the digest is made."""
    path = folder / "manifest.json"
    values = json.loads(path.read_text()) | changes
    if change is not None:
        change(values)
    content = {k: v for k, v in values.items() if k != "digest"}
    values["digest"] = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(values))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_one_flipped_byte_is_found_in_any_file(bundle_copy, data):
    files = sorted(p for p in bundle_copy.rglob("*") if p.is_file() and p.name != "manifest.json")
    path = data.draw(st.sampled_from(files))
    original = path.read_bytes()
    at = data.draw(st.integers(0, len(original) - 1))
    damaged = bytearray(original)
    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(damaged)
    try:
        with pytest.raises(InputError, match=rf"{path.name}: sha256 .* it was changed"):
            Bundle.open(bundle_copy)
    finally:
        path.write_bytes(original)


def test_truncated_file_is_named(bundle_copy):
    path = bundle_copy / "appearance_generator.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"appearance_generator\.safetensors: \d+ bytes found, \d+ expected"):
        Bundle.open(bundle_copy)


def test_missing_file_is_named(bundle_copy):
    (bundle_copy / "compositor.onnx").unlink()
    with pytest.raises(InputError, match=r"compositor\.onnx"):
        Bundle.open(bundle_copy)


@pytest.mark.parametrize("name", ["extra.bin", "samples/person_0/image.jpg"])
def test_unlisted_file_is_refused(bundle_copy, name):
    (bundle_copy / name).write_bytes(b"x")
    with pytest.raises(InputError, match="not listed in the bundle's manifest; remove it"):
        Bundle.open(bundle_copy)


def test_hidden_files_of_file_managers_do_no_harm(bundle_copy):
    (bundle_copy / ".DS_Store").write_bytes(b"x")
    Bundle.open(bundle_copy)


def test_newer_schema_says_to_upgrade(bundle_copy):
    edit_manifest(bundle_copy, schema_version=2)
    with pytest.raises(InputError, match="schema_version 2 is newer than this program's 1; upgrade oviton"):
        Bundle.open(bundle_copy)


def test_newer_schema_of_another_shape_says_to_upgrade(bundle_copy):
    (bundle_copy / "manifest.json").write_text('{"schema_version": 7, "graphs": "elsewhere"}')
    with pytest.raises(InputError, match="upgrade oviton"):
        Bundle.open(bundle_copy)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        '{"schema_version": true}',
        '{"schema_version": "1"}',
        '{"schema_version": 1}',
    ],
)
def test_manifest_that_is_none(bundle_copy, text):
    (bundle_copy / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json"):
        Bundle.open(bundle_copy)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_one_flipped_bit_of_the_manifest_is_found_or_means_the_same(bundle_copy, tiny_bundle, data):
    path = bundle_copy / "manifest.json"
    original = (tiny_bundle.path / "manifest.json").read_bytes()
    damaged = bytearray(original)
    damaged[data.draw(st.integers(0, len(original) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(damaged)
    try:
        found = Bundle.open(bundle_copy)
    except InputError:
        return
    assert found.manifest == tiny_bundle.manifest  # white space, or the case of an escape


def move_out(values):
    values["files"]["../secret"] = {"size": 1, "sha256": "0"}


FORGED = {
    "outside": (move_out, "lies outside the bundle"),
    "graph outside": (lambda v: v["graphs"][0]["files"].update(onnx_fp32="../x.onnx"), "not among the files"),
    "unlisted": (lambda v: v["files"].pop("compositor.onnx"), "'compositor.onnx', which is not among the files"),
    "sample outside": (lambda v: v.update(samples=["../samples/p"]), "sample '../samples/p' is not among"),
    "graphs dropped": (lambda v: v["graphs"].pop(), "graphs must be shape_encoder"),
    "graphs reversed": (lambda v: v["graphs"].reverse(), "graphs must be shape_encoder"),
    "other classes": (lambda v: v["classes"].reverse(), "not the 20 CIHP classes"),
    "huge batch": (lambda v: v.update(max_garments=10**9), "field max_garments"),
    "no size": (lambda v: v.update(height=0), "field height"),
    "unknown axis": (lambda v: v["graphs"][0]["inputs"][0].update(shape=["Q", 1, 1]), "field graphs.0.inputs.0.shape"),
    "silent about training": (lambda v: v.update(trained={}), "trained must tell"),
    "extra field": (lambda v: v.update(colour="red"), "field colour"),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_manifest_is_refused_even_with_a_right_digest(bundle_copy, what):
    change, problem = FORGED[what]
    edit_manifest(bundle_copy, change)
    with pytest.raises(InputError, match=f"manifest.json: .*{problem}"):
        Bundle.open(bundle_copy)


def test_a_manifest_without_digest_is_refused(bundle_copy):
    path = bundle_copy / "manifest.json"
    values = json.loads(path.read_text())
    del values["digest"]
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match="no digest"):
        Bundle.open(bundle_copy)


def test_folder_that_is_no_bundle(tmp_path):
    with pytest.raises(InputError, match="not a bundle"):
        Bundle.open(tmp_path)


def test_identity_changes_with_any_weight(tiny_bundle, bundle_copy):
    assert Bundle.open(bundle_copy).identity == tiny_bundle.identity
    edit_manifest(bundle_copy, name="other")
    assert Bundle.open(bundle_copy).identity != tiny_bundle.identity
