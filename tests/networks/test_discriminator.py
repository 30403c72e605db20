import torch

from oviton.networks.config import preset
from oviton.networks.discriminator import Discriminator


def test_two_scales_with_features_and_a_path_to_the_picture():
    torch.manual_seed(0)
    discriminator = Discriminator(preset("tiny"))
    image = torch.randn(2, 3, 64, 32, requires_grad=True)
    features = discriminator(image, torch.zeros(2, 64, 32, dtype=torch.uint8))
    assert len(features) == 2
    assert features[0][-1].shape == (2, 1, 16, 8)
    assert features[1][-1].shape == (2, 1, 8, 4)
    assert len(features[0]) == preset("tiny").discriminator.layers + 2
    features[1][-1].sum().backward()
    assert image.grad.abs().sum() > 0


def test_labels_matter():
    torch.manual_seed(0)
    discriminator = Discriminator(preset("tiny"))
    image = torch.randn(1, 3, 64, 32)
    labels = torch.zeros(1, 64, 32, dtype=torch.uint8)
    labels[:, 20:40] = 5
    a, b = discriminator(image, labels), discriminator(image, torch.zeros_like(labels))
    assert (a[0][-1] - b[0][-1]).abs().max() > 1e-4
