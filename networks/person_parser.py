"""The network that sees a photograph: CIHP labels, a DensePose body map, and where people are.

A MobileNetV2 (Sandler et al., CVPR 2018) with a feature pyramid (Lin et al., CVPR 2017) on top and a head a question.
Low in the pyramid every place attends to all others, so that one garment is one class.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.classes import NUM_BODY_PARTS, NUM_CLASSES
from ..data.errors import InputError
from ..data.files import atomic_path
from .attention import Attention
from .graphs import GraphSpec, GraphTensor
from .mobilenet import ImageNetFeatures, fold_batch_norms
from .operators import largest_channel, read_rows

STRIDE = 32
"""Heights and widths of pictures are multiples of this."""

BODY_STRIDE = 4
"""One body map's pixel is so many of the picture's."""

LABEL_STRIDE = 2
"""One label is so many of the picture's pixels."""

_TAPS = (1, 3, 6, 13, 17)
"""Features after these layers: strides 2, 4, 8, 16 and 32."""

_TAP_CHANNELS = (16, 24, 32, 96, 320)
_FINE = 32
_ATTENTIONS = 2
_ATTENDED = 2
"""The pyramid's level, of stride 16, in which places attend to each other."""

PARSER_NAME = "person_parser.safetensors"
"""The file of a checkpoint."""


@dataclass(frozen=True)
class ParserConfig:
    """What a person parser looks like.

    Parameters
    ----------
    height, width
        Size of the pictures that it is exported for, multiples of 32.
    channels
        Of the pyramid.
    """

    height: int = 384
    width: int = 256
    channels: int = 128

    def to_json(self) -> dict[str, Any]:
        """Return the config as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Parsed:
    """What the network sees, before any choice.

    Parameters
    ----------
    labels
        Logits of the 20 classes, `[N, 20, H/2, W/2]`.
    parts
        Logits of the 25 parts, `[N, 25, H/4, W/4]`; 0 is off the body.
    coordinates
        U and V in [0, 1] for each of the 24 parts, `[N, 24, 2, H/4, W/4]`.
    presence
        Logits of being on a person, whoever it is, `[N, 1, H/4, W/4]`.
    box
        Distances from a person's pixel to the left, top, right and bottom of their box, as shares of the picture's
        height, `[N, 4, H/4, W/4]`.
    """

    labels: Tensor
    parts: Tensor
    coordinates: Tensor
    presence: Tensor
    box: Tensor

    def float(self) -> Parsed:
        """Return the same in FP32."""
        return Parsed(*(getattr(self, each.name).float() for each in fields(self)))


class PersonParser(nn.Module):
    """See the labels and the body map of the person in the middle of a picture, and where all people are.

    Parameters
    ----------
    config
        What it looks like. Default: the shipped one.
    trained
        How it was trained, in one line.
    """

    def __init__(self, config: ParserConfig | None = None, trained: str = "untrained") -> None:
        super().__init__()
        self.config, self.trained = config or ParserConfig(), trained
        channels = self.config.channels
        self.backbone = ImageNetFeatures(depth=_TAPS[-1] + 1)
        self.lateral = nn.ModuleList(nn.Conv2d(inputs, channels, 1) for inputs in _TAP_CHANNELS[1:])
        self.context = nn.Conv2d(_TAP_CHANNELS[-1], channels, 1)
        self.smooth = nn.ModuleList(_Separable(channels, channels) for _ in _TAP_CHANNELS[1:])
        self.attention = nn.Sequential(*(Attention(channels) for _ in range(_ATTENTIONS)))
        self.body = _Separable(channels, channels)
        self.body_out = nn.Conv2d(channels, NUM_BODY_PARTS + 2 * (NUM_BODY_PARTS - 1) + 5, 1)
        self.label = _Separable(channels, channels)
        self.narrow = nn.Conv2d(channels, _FINE, 1)
        self.fine = nn.Conv2d(_TAP_CHANNELS[0], _FINE, 1)
        self.label_fine = _Separable(_FINE, _FINE)
        self.label_out = nn.Conv2d(_FINE, NUM_CLASSES, 1)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read a checkpoint, or a bundle's network, to be used and not trained.

        Raises
        ------
        InputError
            When the file is missing, damaged or of another network.
        """
        path, manifest = Path(folder) / PARSER_NAME, Path(folder) / "manifest.json"
        try:
            with safe_open(path, framework="pt") as file:
                told = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else file.metadata()
                tensors = {name.removeprefix("network."): file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
            if manifest.is_file():
                network = cls(ParserConfig(**told["config"]), told["trained"]["person_parser"]).eval()
            else:
                network = cls(ParserConfig(**json.loads(told["config"])), told["trained"]).eval()
            if not any(name.endswith("running_mean") for name in tensors):
                fold_batch_norms(network)  # as a bundle's are
                tensors = {**network.state_dict(), **tensors}
            network.load_state_dict(tensors)
        except FileNotFoundError:
            raise InputError(f"{path}: no such file; a checkpoint of the person parser is one file") from None
        except (SafetensorError, OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: no person parser ({str(error).splitlines()[0]}); train or fetch it again"
            ) from None
        return network.requires_grad_(False)

    def save(self, folder: Path, trained: str) -> None:
        """Write a checkpoint: one file, with a line on how it was trained."""
        tensors = {name: value.detach().contiguous() for name, value in self.state_dict().items()}
        with atomic_path(Path(folder) / PARSER_NAME) as temporary:
            save_file(tensors, temporary, {"config": json.dumps(self.config.to_json()), "trained": trained})

    def load_imagenet(self) -> None:
        """Give the backbone its ImageNet weights.

        Raises
        ------
        MissingExtraError
            When the package with the weights is not installed.
        """
        self.backbone.load_imagenet()

    def forward(self, image: Tensor) -> Parsed:
        """Map pictures `[N, 3, H, W]` in [-1, 1] to what is seen in them."""
        (fine, *coarse), last = self.backbone.run_layers(image, _TAPS)
        top = self.smooth[-1](self.lateral[-1](last) + self.context(last.mean(dim=(2, 3), keepdim=True)))
        for level in reversed(range(len(coarse) - 1)):
            top = self.smooth[level](self.lateral[level](coarse[level]) + _double(top))
            if level == _ATTENDED:
                top = self.attention(top)
        parts, coordinates, presence, box = self.body_out(self.body(top)).split((25, 48, 1, 4), dim=1)
        labels = self.label_fine(self.fine(fine) + _double(self.narrow(self.label(top))))
        return Parsed(
            self.label_out(labels), parts, coordinates.unflatten(1, (24, 2)).sigmoid(), presence, F.softplus(box)
        )


class PersonParserGraph(nn.Module):
    """The parser as a graph from a picture to its maps.

    Parameters
    ----------
    network
        The trained network.
    """

    def __init__(self, network: PersonParser) -> None:
        super().__init__()
        self.network = network

    def forward(self, person_image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map pictures, uint8 `[N, H, W, 3]`, to labels, body maps and people.

        Returns
        -------
        labels
            uint8 `[N, H, W]`.
        densepose
            Part, U and V, uint8 `[N, H, W, 3]`.
        people
            Being on a person, and the distances to the left, top, right and bottom of their box as shares of the
            height, each times 255: uint8 `[N, 5, H/4, W/4]`.
        """
        size = (person_image.shape[1], person_image.shape[2])
        dtype = self.network.label_out.weight.dtype
        seen: Parsed = self.network(person_image.to(dtype).permute(0, 3, 1, 2) / 127.5 - 1)
        labels, parts = (
            largest_channel(F.interpolate(each, size, mode="bilinear", align_corners=False), {})
            for each in (seen.labels, seen.parts)
        )
        coordinates = _levels(_read_coordinates(seen.coordinates, parts)) * (parts > 0).unsqueeze(3).to(dtype)
        densepose = torch.cat([parts.unsqueeze(3).to(dtype), coordinates], dim=3)
        people = torch.cat([seen.presence.sigmoid(), seen.box.clamp(max=1.0)], dim=1)
        return labels.to(torch.uint8), densepose.to(torch.uint8), _levels(people).to(torch.uint8)


def parser_spec(height: int, width: int) -> GraphSpec:
    """Return the graph's name and tensors for pictures of a size, multiples of 32."""
    size = (height, width)
    return GraphSpec(
        "person_parser",
        (GraphTensor("person_image", "uint8", ("N", *size, 3)),),
        (
            GraphTensor("labels", "uint8", ("N", *size)),
            GraphTensor("densepose", "uint8", ("N", *size, 3)),
            GraphTensor("people", "uint8", ("N", 5, height // BODY_STRIDE, width // BODY_STRIDE)),
        ),
        PersonParserGraph,
    )


class _Separable(nn.Module):
    """A wide depthwise convolution and a mixing of channels, added to what comes in."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(inputs, inputs, 5, padding=2, groups=inputs, bias=False),
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.block(x)
        return out


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _read_coordinates(coordinates: Tensor, parts: Tensor) -> Tensor:
    """Return U and V of each pixel's part, `[N, H, W, 2]`, as bilinear scaling of all parts' would have them.

    Of the values of 24 parts a pixel needs one part's four: they are read, not computed for all parts.

    Parameters
    ----------
    coordinates
        `[N, 24, 2, H/4, W/4]`.
    parts
        1 to 24 on the body, int32 `[N, H, W]`.
    """
    _, count, _, height, width = coordinates.shape
    table = coordinates.permute(0, 1, 3, 4, 2).reshape(-1, count * height * width, 2)
    part = (parts - 1).clamp(min=0) * (height * width)
    answer = torch.zeros(1, device=coordinates.device, dtype=coordinates.dtype)
    for row, row_share in _neighbours(parts.shape[1], height, coordinates):
        for column, column_share in _neighbours(parts.shape[2], width, coordinates):
            # In this order nothing of the picture's size is constant, which exporters would write into their files.
            values = read_rows(table, part + (row * width).unsqueeze(1) + column)
            answer = answer + values * row_share.view(-1, 1, 1) * column_share.unsqueeze(1)
    return answer


def _neighbours(fine: int, coarse: int, like: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return the two coarse pixels between which each fine one lies, int32, with their shares in a tensor's dtype."""
    place = ((torch.arange(fine, device=like.device) + 0.5) * (coarse / fine) - 0.5).clamp(min=0)
    first = place.floor()
    second = (first + 1).clamp(max=coarse - 1)
    share = (place - first).to(like.dtype)
    return [(first.to(torch.int32), 1 - share), (second.to(torch.int32), share)]


def _levels(values: Tensor) -> Tensor:
    """Turn [0, 1] into 0 to 255, to be rounded down."""
    return values * 255 + 0.5
