"""Batch norms that are put back change nothing, and then learn."""

import copy

import torch

from oviton.networks.mobilenet import fold_batch_norms
from oviton.networks.person_parser import PersonParser
from oviton.training.batch_norms import unfold_batch_norms


def test_a_network_does_the_same_with_its_batch_norms_put_back() -> None:
    torch.manual_seed(0)
    known = PersonParser().eval()
    for norm in (module for module in known.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        norm.running_mean.normal_(0, 0.1)
        norm.running_var.uniform_(0.5, 2)
        norm.weight.data.uniform_(0.5, 2)
        norm.bias.data.normal_(0, 0.3)
    folded = copy.deepcopy(known)
    fold_batch_norms(folded)
    pictures = torch.rand(3, 2, 3, 64, 32) * 2 - 1
    network = PersonParser().eval()
    with torch.inference_mode():
        unfold_batch_norms(folded, network, pictures)
        wanted, found = folded(pictures[0]), network(pictures[0])
        assert torch.allclose(found.labels, wanted.labels, atol=1e-3)
        assert torch.allclose(found.parts, wanted.parts, atol=1e-3)
    norm = network.get_submodule("label.block.1")
    assert isinstance(norm, torch.nn.BatchNorm2d)
    assert norm.running_var.max() > 0
    assert not torch.equal(norm.weight, torch.ones_like(norm.weight))
