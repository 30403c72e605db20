import pytest
import torch

from oviton.networks.body import body_channels, body_samples, garment_channels, samples


def test_body_channels_are_one_hot_parts_and_scaled_coordinates():
    densepose = torch.tensor([[[[7, 255, 51]]]], dtype=torch.uint8)
    channels = body_channels(densepose, torch.float32)[0, :, 0, 0]
    assert channels.shape == (27,)
    assert channels[:25].argmax() == 7
    assert channels[:25].sum() == 1
    assert channels[25:].tolist() == pytest.approx([1.0, 0.2])


def test_a_garments_labels_come_behind_its_body():
    densepose, labels = torch.tensor([[[[7, 255, 51]]]], dtype=torch.uint8), torch.tensor([[[5]]], dtype=torch.uint8)
    channels = garment_channels(densepose, labels, torch.float32)
    assert torch.equal(channels[:, :27], body_channels(densepose, torch.float32))
    assert channels[0, 27:, 0, 0].tolist() == [float(c == 5) for c in range(20)]


def test_samples_lie_in_the_middle_of_their_blocks():
    labels = torch.arange(64).reshape(1, 8, 8)
    assert samples(labels, 4).tolist() == [[[18, 22], [50, 54]]]
    assert torch.equal(body_samples(labels.unsqueeze(3), 4)[..., 0], samples(labels, 4))
    assert torch.equal(samples(labels, 1), labels)
