import dataclasses

import pytest
import torch

from oviton.data.errors import InputError
from oviton.networks.checkpoint import load_checkpoint, parts_of, save_checkpoint, untrained_networks
from oviton.networks.config import PRESETS, NetworkConfig, preset


@pytest.fixture
def folder(tmp_path, tiny_networks):
    for part in parts_of(tiny_networks.config):
        save_checkpoint(tmp_path, tiny_networks, part, f"{part} for a test")
    return tmp_path


def test_round_trip(folder, tiny_networks):
    loaded = load_checkpoint(folder)
    assert loaded.config == tiny_networks.config
    assert loaded.training_notes == {part: f"{part} for a test" for part in ("shape", "appearance")}
    for (name, a), b in zip(tiny_networks.state_dict().items(), loaded.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_a_bundle_is_read_like_the_checkpoint_that_it_came_from(tiny_bundle_folder, tiny_networks):
    loaded = load_checkpoint(tiny_bundle_folder)
    assert loaded.config == tiny_networks.config
    assert loaded.training_notes == {part: f"trained for a test of {part}" for part in parts_of(loaded.config)}
    for (name, a), b in zip(tiny_networks.state_dict().items(), loaded.state_dict().values(), strict=True):
        assert torch.equal(a.half().float() if a.is_floating_point() else a, b), name


def test_same_seed_same_weights_and_global_state_untouched():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    a, b, c = (untrained_networks(preset("tiny"), seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    weights = [n.shape_encoder.last[1].weight for n in (a, b, c)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert a.training_notes["shape"] == "untrained (seed 1)"


def test_missing_part_is_named(folder):
    (folder / "shape.safetensors").unlink()
    with pytest.raises(InputError, match=r"shape\.safetensors: no such file"):
        load_checkpoint(folder)


def test_damaged_part_is_named(folder):
    path = folder / "appearance.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"appearance\.safetensors: not a safetensors checkpoint"):
        load_checkpoint(folder)


def test_parts_of_different_sizes_are_refused(folder, tmp_path):
    save_checkpoint(folder, untrained_networks(preset("small"), 0), "shape", "other")
    with pytest.raises(
        InputError, match="shape was trained at 256x128, scale 1/2, and does not fit appearance at 64x32"
    ):
        load_checkpoint(folder)


def test_small_shape_networks_serve_base(tmp_path):
    small, base = untrained_networks(preset("small"), 0), untrained_networks(preset("base"), 1)
    save_checkpoint(tmp_path, small, "shape", "tried small")
    save_checkpoint(tmp_path, base, "appearance", "tried base")
    networks = load_checkpoint(tmp_path)
    assert networks.config == preset("base")
    codes, body = torch.randn(1, 20, 10, 8, 4), torch.rand(1, 27, 256, 128)
    with torch.no_grad():
        assert torch.equal(networks.shape_generator(codes, body), small.shape_generator(codes, body))


@pytest.mark.parametrize("name", PRESETS)
def test_config_survives_json(name):
    config = preset(name)
    assert NetworkConfig.from_json(config.to_json()) == config


def test_unknown_config_field_is_told():
    values = preset("tiny").to_json() | {"colour": "red"}
    with pytest.raises(InputError, match="colour"):
        NetworkConfig.from_json(values)


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [("appearance", "conditioning", "surfce"), ("shape", "scale", 0), ("generator", "stem_stride", 3)],
)
def test_wrong_config_values_list_what_is_allowed(part, field, value):
    values = preset("tiny").to_json()
    (values["shape"]["generator"] if part == "generator" else values[part])[field] = value
    with pytest.raises(InputError, match=f"{field} is {value!r}; allowed: "):
        NetworkConfig.from_json(values)


def test_frame_that_misses_the_code_grid_is_refused():
    with pytest.raises(InputError, match="does not end on the 8x4 code grid"):
        dataclasses.replace(preset("tiny"), height=128)


def test_unknown_preset_lists_the_known():
    with pytest.raises(InputError, match="'huge' is unknown; allowed: paper, base, small, tiny"):
        preset("huge")
