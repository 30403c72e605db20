import zipfile

import pytest
import torch
from torch import nn

from oviton.bundle.programs import load_program
from oviton.export.programs import save_program, save_weights

X = torch.linspace(-1, 1, 2 * 3 * 8 * 8).reshape(2, 3, 8, 8)


def make():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 4, 3)).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.half())
    return module


@pytest.fixture
def saved(tmp_path):
    module = make()
    save_weights(module, tmp_path / "net.safetensors")
    save_program(torch.export.export(make(), (X,)), tmp_path / "net.pt2")
    return module, tmp_path / "net.pt2", tmp_path / "net.safetensors"


def test_a_program_and_its_weights_are_the_module(saved):
    module, path, weights = saved
    loaded = load_program(path, weights)
    assert torch.equal(loaded(X), module(X))
    loaded(X).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in loaded.parameters())


def test_archives_are_compressed_and_hold_no_pickle(saved):
    _, path, _ = saved
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    assert all(entry.compress_type == zipfile.ZIP_DEFLATED for entry in entries)
    assert sum(entry.compress_size for entry in entries) < sum(entry.file_size for entry in entries) / 3
    assert {entry.filename.split("/")[0] for entry in entries} == {"net"}
    assert not [entry.filename for entry in entries if entry.filename.endswith(".pkl")]


def test_the_same_program_is_the_same_file(saved, tmp_path):
    _, path, _ = saved
    save_program(torch.export.export(make(), (X,)), tmp_path / "again" / "net.pt2")
    assert (tmp_path / "again" / "net.pt2").read_bytes() == path.read_bytes()
