import pytest
import torch

from oviton.data.errors import InputError
from oviton.networks.checkpoint import save_checkpoint, untrained_networks
from oviton.networks.config import preset
from oviton.training.options import TrainOptions
from oviton.training.start import copy_weights
from oviton.training.trainer import part_networks


def _networks(part, name, conditioning, tmp_path):
    return part_networks(TrainOptions(part, (tmp_path,), tmp_path, preset=name, conditioning=conditioning, seed=9))


@pytest.mark.parametrize("part", ["shape", "appearance"])
def test_small_weights_start_base(part, tmp_path):
    save_checkpoint(tmp_path, untrained_networks(preset("small"), 1), part, "tried")
    networks = _networks(part, "base", "codes", tmp_path)
    told = copy_weights(tmp_path, networks, part)
    assert "(small, 256x128; tried)" in told
    given = untrained_networks(preset("small"), 1).state_dict()
    assert all(torch.equal(value, given[name]) for name, value in networks.state_dict().items())


def test_surface_starts_as_codes(tmp_path):
    plain = untrained_networks(preset("tiny"), 1)
    save_checkpoint(tmp_path, plain, "appearance", "tried")
    networks = _networks("appearance", "tiny", "surface", tmp_path)
    copy_weights(tmp_path, networks, "appearance")
    wide = torch.randn(1, networks.appearance_generator.stem[1].weight.shape[1], 64, 32)
    mean = wide[:, 20:23]
    wide[:, -3:] = mean  # without a lookup, the guess at the colour is the class's mean
    with torch.no_grad():
        assert torch.allclose(networks.appearance_generator(wide), plain.appearance_generator(wide[:, :50]), atol=1e-5)


def test_other_widths_are_refused(tmp_path):
    save_checkpoint(tmp_path, untrained_networks(preset("small"), 1), "shape", "tried")
    with pytest.raises(InputError, match=r"shape_encoder.* is \[.*\] there and \[.*\] here|built differently"):
        copy_weights(tmp_path, _networks("shape", "tiny", "codes", tmp_path), "shape")


def test_surface_does_not_start_codes(tmp_path):
    surface = preset("tiny").with_conditioning("surface")
    save_checkpoint(tmp_path, untrained_networks(surface, 1), "appearance", "tried")
    with pytest.raises(InputError, match=r"appearance_generator.* here; choose its preset"):
        copy_weights(tmp_path, _networks("appearance", "tiny", "codes", tmp_path), "appearance")


def test_missing_checkpoint_is_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        copy_weights(tmp_path, _networks("shape", "tiny", "codes", tmp_path), "shape")


def test_trained_run_starts_from_a_checkpoint(options, run, listener, tmp_path):
    save_checkpoint(tmp_path / "from", untrained_networks(preset("tiny"), 1), "shape", "tried")
    run(options("shape", init=tmp_path / "from"))
    assert any(note.startswith("starting from") for note in listener.notes)
    listener.notes.clear()
    run(options("shape", init=tmp_path / "from", steps=5))
    assert not any(note.startswith("starting from") for note in listener.notes)


@pytest.mark.parametrize("part", ["shape", "appearance"])
def test_a_bundle_starts_its_own_preset(part, tmp_path, tiny_bundle, tiny_networks):
    networks = _networks(part, "tiny", "codes", tmp_path)
    told = copy_weights(tiny_bundle.path, networks, part)
    assert f"trained for a test of {part}" in told
    given = tiny_networks.state_dict()
    for name, value in networks.state_dict().items():
        assert torch.equal(value, given[name].half().float()), name


def test_a_broken_bundle_is_named(tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(InputError, match=r"manifest\.json: not a bundle"):
        copy_weights(tmp_path, _networks("shape", "tiny", "codes", tmp_path), "shape")
