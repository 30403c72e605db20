import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oviton.data.errors import InputError
from oviton.export.bundle import Bundle


def edit_manifest(folder, **changes):
    path = folder / "manifest.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | changes))


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


def test_newer_schema_says_to_upgrade(bundle_copy):
    edit_manifest(bundle_copy, schema_version=2)
    with pytest.raises(InputError, match="schema_version 2 is newer than this program's 1; upgrade oviton"):
        Bundle.open(bundle_copy)


def test_newer_schema_of_another_shape_says_to_upgrade(bundle_copy):
    (bundle_copy / "manifest.json").write_text('{"schema_version": 7, "graphs": "elsewhere"}')
    with pytest.raises(InputError, match="upgrade oviton"):
        Bundle.open(bundle_copy)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema_version": "1"}', '{"schema_version": 1}'])
def test_manifest_that_is_none(bundle_copy, text):
    (bundle_copy / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json"):
        Bundle.open(bundle_copy)


def test_path_out_of_the_bundle_is_refused(bundle_copy):
    values = json.loads((bundle_copy / "manifest.json").read_text())
    values["files"]["../secret"] = {"size": 1, "sha256": "0"}
    (bundle_copy / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match="outside the bundle"):
        Bundle.open(bundle_copy)


def test_folder_that_is_no_bundle(tmp_path):
    with pytest.raises(InputError, match="not a bundle"):
        Bundle.open(tmp_path)


def test_identity_changes_with_any_weight(tiny_bundle, bundle_copy):
    assert Bundle.open(bundle_copy).identity == tiny_bundle.identity
    edit_manifest(bundle_copy, name="other")
    assert Bundle.open(bundle_copy).identity != tiny_bundle.identity
