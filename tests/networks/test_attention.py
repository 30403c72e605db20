"""Attention over the places of feature maps, against torch's own."""

import pytest
import torch

from oviton.networks.attention import HEADS, Attention


@pytest.mark.parametrize("cross", [False, True])
def test_it_starts_as_the_identity_and_is_that_of_torch(cross: bool) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        block, x = Attention(32).requires_grad_(False), torch.randn(2, 32, 6, 4)
        others = torch.randn(2, 32, 3, 5) if cross else None
        assert torch.equal(block(x, others), x)
        for parameter in block.parameters():
            parameter.normal_(0, 0.1)
        reference = torch.nn.MultiheadAttention(32, HEADS, batch_first=True).requires_grad_(False)
    reference.load_state_dict(
        {
            "in_proj_weight": block.asked.weight.flatten(1),
            "in_proj_bias": block.asked.bias,
            "out_proj.weight": block.told.weight.flatten(1),
            "out_proj.bias": block.told.bias,
        }
    )
    placed = x + block.place(x)
    asked, told = (
        block.norm(each.flatten(2).transpose(1, 2)) for each in (placed, placed if others is None else others)
    )
    wanted = placed + reference(asked, told, told)[0].transpose(1, 2).reshape(x.shape)
    mixed = block.mixed_norm(wanted.movedim(1, 3)).movedim(3, 1)
    torch.testing.assert_close(block(x, others), wanted + block.mix(mixed), rtol=1e-4, atol=1e-4)
