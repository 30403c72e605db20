"""Places of a feature map that attend to each other, or to those of another map."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

HEADS = 4


class Attention(nn.Module):
    """A transformer's block over the places of a feature map, which a depthwise convolution tells apart.

    As in Chu et al., *Conditional Positional Encodings for Vision Transformers*, ICLR 2023. It starts as the identity.
    Linear layers are convolutions here: exporters would write the others' weights transposed, under no name.

    Parameters
    ----------
    channels
        Of the map, a multiple of `HEADS`.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.place = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.norm, self.mixed_norm = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.asked = nn.Conv2d(channels, 3 * channels, 1)
        self.told = nn.Conv2d(channels, channels, 1)
        narrow = nn.Conv2d(2 * channels, channels, 1)
        self.mix = nn.Sequential(nn.Conv2d(channels, 2 * channels, 1), nn.GELU(), narrow)
        for last in (self.place, self.told, narrow):
            for parameter in last.parameters():
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor, others: Tensor | None = None) -> Tensor:
        """Let each place of `[N, C, H, W]` ask all its places, or those of another map `[N, C, h, w]`."""
        x = x + self.place(x)
        query, key, value = self._asked(x)
        if others is not None:
            _, key, value = self._asked(others)
        found = F.scaled_dot_product_attention(query, key, value).transpose(2, 3)
        x = x + self.told(found.reshape(x.shape))
        mixed: Tensor = x + self.mix(_normed(x, self.mixed_norm))
        return mixed

    def _asked(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values of all places, `[N, HEADS, H·W, C / HEADS]`."""
        asked = self.asked(_normed(x, self.norm)).flatten(2).unflatten(1, (3, HEADS, -1))
        query, key, value = asked.transpose(3, 4).unbind(1)
        return query, key, value


def _normed(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    """Normalise the channels of each place."""
    answer: Tensor = norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    return answer
