"""The graphs that are exported: uint8 pictures and labels in, uint8 or small codes out.

Everything between is inside: one-hot, class selection, normalisation, pooling, argmax and quantisation. A graph
computes in the dtype of its own parameters, so ``graph.half()`` is the typed FP16 graph. Every uint8 input is cast
before anything else happens to it and every uint8 output is cast last, because TensorRT knows no other operation on
uint8. Ids out of range count as unlabelled: on a server nothing else stands between a client's bytes and a gather.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..data.classes import NUM_CLASSES
from .appearance import AppearanceEncoder, AppearanceGenerator, encoder_view, pool_codes
from .body import body_channels, body_samples, garment_channels, samples
from .composition.compositor import composite
from .composition.merging import merge_labels
from .conditioning import CodesConditioning, SurfaceConditioning
from .config import CODE_GRID, NetworkConfig
from .correspondence.coverage import coverage_lookup
from .correspondence.matcher import BodyMatcher
from .correspondence.places import UNITS, to_units
from .inputs import body_map, known_sources, label_ids, widen
from .operators import one_hot, pick, to_uint8_image
from .shape import ShapeEncoder, ShapeGenerator, sampling_step

Dim = int | str
"""A fixed size, or the name of a dynamic one: ``"N"`` requests, ``"M"`` garment photographs a request."""


@dataclass(frozen=True)
class GraphTensor:
    """One input or output of a graph: its name, NumPy dtype name and shape."""

    name: str
    dtype: str
    shape: tuple[Dim, ...]


class CorrespondenceGraph(nn.Module):
    """densepose, garment_labels, garment_densepose -> places."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.correspondence = BodyMatcher(config.matcher)
        self.step = config.shape.scale

    def forward(self, densepose: Tensor, garment_labels: Tensor, garment_densepose: Tensor) -> Tensor:
        """Find the person's pixels in the garments' photographs: `[N, M, 3, h, w]`; see `.correspondence.places`."""
        dtype = _dtype(self)
        person, garment_labels, garments = widen(densepose, garment_labels, garment_densepose)
        person, garments = (body_map(body_samples(each, self.step)) for each in (person, garments))
        (labels,) = label_ids(samples(garment_labels, self.step))
        shown = garment_channels(garments.flatten(0, 1), labels.flatten(0, 1), dtype)
        shown = shown.reshape(*labels.shape[:2], *shown.shape[1:])
        places, seen = self.correspondence(body_channels(person, dtype), shown)[-1]
        # A photograph without a body map shows nobody.
        somebody = garments[..., 0].flatten(2).amax(dim=2).clamp(max=1).float().reshape(-1, 1, 1, 1)
        sure = seen.float().sigmoid() * somebody
        return to_units(places, sure).reshape(*labels.shape[:2], 3, *labels.shape[2:])


class ShapeEncoderGraph(nn.Module):
    """person_labels, garment_labels, source -> shape_codes."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.shape_encoder = ShapeEncoder(config)
        self.step = sampling_step(config.shape.scale)

    def forward(self, person_labels: Tensor, garment_labels: Tensor, source: Tensor) -> Tensor:
        """Encode every class of the outfit, each from the photograph that `source` names: `[N, 20, Ds, 8, 4]`."""
        # Classes are selected before encoding: exact, since the encoder sees one class at a time, and half the work.
        source = known_sources(source, garment_labels)
        labels = (x[..., :: self.step, :: self.step] for x in widen(person_labels, garment_labels))
        images = _person_first(*label_ids(*labels))
        chosen = pick(images, source.clamp(min=0))
        classes = torch.arange(NUM_CLASSES, dtype=torch.int32, device=source.device).view(1, -1, 1, 1)
        slices = (chosen == classes) & (source >= 0)[:, :, None, None]
        codes = self.shape_encoder(slices.flatten(0, 1).unsqueeze(1).to(_dtype(self)))
        grid: Tensor = codes.reshape(-1, NUM_CLASSES, codes.shape[1], *CODE_GRID)
        return grid.float()


class ShapeGeneratorGraph(nn.Module):
    """shape_codes, densepose, person_labels, source -> labels."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.shape_generator = ShapeGenerator(config)

    def forward(self, shape_codes: Tensor, densepose: Tensor, person_labels: Tensor, source: Tensor) -> Tensor:
        """Draw the new segmentation, the person's own labels kept where the outfit does not touch them."""
        return self.draw(shape_codes, self.body(densepose), person_labels, source)

    def body(self, densepose: Tensor) -> Tensor:
        """Return the channels that the generator sees of a body map."""
        (densepose,) = widen(densepose)
        return body_channels(body_map(body_samples(densepose, self.shape_generator.step)), _dtype(self))

    def draw(self, shape_codes: Tensor, body: Tensor, person_labels: Tensor, source: Tensor) -> Tensor:
        """Run the generator and merge what it draws with the person's labels."""
        (person_labels,) = label_ids(person_labels)
        return merge_labels(self.shape_generator(shape_codes.to(body.dtype), body), person_labels, source)


class SurfaceShapeGeneratorGraph(ShapeGeneratorGraph):
    """The shape generator with ``surface`` conditioning, which also sees where garments cover the body."""

    def forward(  # type: ignore[override]
        self,
        shape_codes: Tensor,
        densepose: Tensor,
        person_labels: Tensor,
        places: Tensor,
        garment_labels: Tensor,
        source: Tensor,
    ) -> Tensor:
        """Draw the new segmentation, the person's own labels kept where the outfit does not touch them."""
        source = known_sources(source, garment_labels)
        (garment_labels,) = label_ids(garment_labels)
        body = self.body(densepose)
        told = coverage_lookup(places.clamp(0, UNITS), garment_labels, source, body.shape[2] // places.shape[3])
        return self.draw(shape_codes, torch.cat([body, told.to(body.dtype)], dim=1), person_labels, source)


class AppearanceEncoderGraph(nn.Module):
    """person_image, person_labels, garment_images, garment_labels, source -> appearance_codes."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.appearance_encoder = AppearanceEncoder(config)
        self.borrow_absent = config.appearance.borrow_absent
        self.scale = config.appearance.encoder_scale

    def forward(
        self,
        person_image: Tensor,
        person_labels: Tensor,
        garment_images: Tensor,
        garment_labels: Tensor,
        source: Tensor,
    ) -> Tensor:
        """Return each class's mean features from its own photograph: `[N, 20, Dt]`."""
        dtype = _dtype(self)
        source = known_sources(source, garment_labels)
        images = _person_first(person_image.to(dtype), garment_images.to(dtype))
        labels = _person_first(*label_ids(person_labels, garment_labels))
        count = images.shape[1]
        # Made smaller before anything else is done to all those pixels.
        pictures, labels = encoder_view(images.flatten(0, 1), labels.flatten(0, 1), self.scale)
        pictures = pictures / 127.5 - 1
        label_maps = one_hot(labels, NUM_CLASSES, dtype)
        features = self.appearance_encoder(pictures, label_maps).permute(0, 2, 3, 1)
        return pool_codes(
            features.reshape(-1, count, *features.shape[1:]),
            label_maps.reshape(-1, count, *label_maps.shape[1:]),
            source,
            borrow_absent=self.borrow_absent,
        )


class AppearanceGeneratorGraph(nn.Module):
    """labels, appearance_codes[, densepose, places, garments, source] -> generated (and its float form)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.appearance_generator = AppearanceGenerator(config)
        self.conditioning: CodesConditioning | SurfaceConditioning = CodesConditioning()

    def forward(self, labels: Tensor, appearance_codes: Tensor) -> tuple[Tensor, Tensor]:
        """Paint the picture: uint8 `[N, H, W, 3]`, and `[N, 3, H, W]` in [-1, 1] with gradients."""
        return self.paint(labels, appearance_codes)

    def paint(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Run conditioning, on what its `with_guess` takes, and generator.

        The inputs are padded, not the conditioning, which has far more channels.
        """
        padding = self.appearance_generator.padding
        conditioning, guess = self.conditioning.with_guess(*inputs, dtype=_dtype(self), padding=padding)
        picture = self.appearance_generator.paint(conditioning, guess).float()
        return to_uint8_image(picture), picture


class SurfaceAppearanceGeneratorGraph(AppearanceGeneratorGraph):
    """The appearance generator with ``surface`` conditioning, which also sees body maps and garment pixels."""

    conditioning: SurfaceConditioning

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.conditioning = SurfaceConditioning()

    def forward(  # type: ignore[override]
        self,
        labels: Tensor,
        appearance_codes: Tensor,
        densepose: Tensor,
        places: Tensor,
        garment_images: Tensor,
        garment_labels: Tensor,
        source: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Paint the picture: uint8 `[N, H, W, 3]`, and `[N, 3, H, W]` in [-1, 1] with gradients."""
        lookup = self.conditioning.lookup(labels, places, garment_images, garment_labels, source)
        return self.paint(labels, appearance_codes, densepose, lookup)


class AppearancePainter(nn.Module):
    """The appearance generator alone, conditioning -> picture: what refinement optimises."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.appearance_generator = AppearanceGenerator(config)

    def forward(self, conditioning: Tensor) -> Tensor:
        """Map conditioning `[N, C, H, W]` to a picture `[N, 3, H, W]` in [-1, 1]."""
        picture: Tensor = self.appearance_generator(conditioning)
        return picture


class CompositorGraph(nn.Module):
    """person_image, person_labels, generated, labels, source -> image."""

    def forward(
        self, person_image: Tensor, person_labels: Tensor, generated: Tensor, labels: Tensor, source: Tensor
    ) -> Tensor:
        """Keep the person's pixels where their class stays: uint8 `[N, H, W, 3]`."""
        person_image, generated = widen(person_image, generated)
        person_labels, labels = label_ids(person_labels, labels)
        return composite(person_image, person_labels, generated, labels, source)


@dataclass(frozen=True)
class GraphSpec:
    """A graph's name, tensors and module class."""

    name: str
    inputs: tuple[GraphTensor, ...]
    outputs: tuple[GraphTensor, ...]
    module: type[nn.Module]
    float_output: str | None = None
    """Name of a further, differentiable output that only the PyTorch form has."""
    precise: bool = False
    """Whether what it gives takes more digits than bf16 has."""

    def build(self, config: NetworkConfig) -> nn.Module:
        """Make the module, with fresh weights, in evaluation mode."""
        arguments: tuple[Any, ...] = () if self.module is CompositorGraph else (config,)
        return self.module(*arguments).eval()


def graph_specs(config: NetworkConfig) -> tuple[GraphSpec, ...]:
    """Return the graphs of `config`, in the order in which a request runs through them."""
    size = (config.height, config.width)
    tensors = {
        tensor.name: tensor
        for tensor in (
            GraphTensor("person_image", "uint8", ("N", *size, 3)),
            GraphTensor("person_labels", "uint8", ("N", *size)),
            GraphTensor("densepose", "uint8", ("N", *size, 3)),
            GraphTensor("garment_images", "uint8", ("N", "M", *size, 3)),
            GraphTensor("garment_labels", "uint8", ("N", "M", *size)),
            GraphTensor("garment_densepose", "uint8", ("N", "M", *size, 3)),
            GraphTensor("source", "int32", ("N", NUM_CLASSES)),
            GraphTensor("places", "int32", ("N", "M", 3, *(side // config.shape.scale for side in size))),
            GraphTensor("shape_codes", "float32", ("N", NUM_CLASSES, config.shape_code, *CODE_GRID)),
            GraphTensor("labels", "uint8", ("N", *size)),
            GraphTensor("appearance_codes", "float32", ("N", NUM_CLASSES, config.appearance_code)),
            GraphTensor("generated", "uint8", ("N", *size, 3)),
            GraphTensor("image", "uint8", ("N", *size, 3)),
        )
    }

    def pick(names: str) -> tuple[GraphTensor, ...]:
        return tuple(tensors[name] for name in names.split())

    covered = config.shape.conditioning == "surface"
    surface = config.appearance.conditioning == "surface"
    matcher = GraphSpec(
        "correspondence",
        pick("densepose garment_labels garment_densepose"),
        pick("places"),
        CorrespondenceGraph,
        precise=True,
    )
    return (
        *((matcher,) if config.matches else ()),
        GraphSpec(
            "shape_encoder",
            pick("person_labels garment_labels source"),
            pick("shape_codes"),
            ShapeEncoderGraph,
        ),
        GraphSpec(
            "shape_generator",
            pick("shape_codes densepose person_labels" + (" places garment_labels" if covered else "") + " source"),
            pick("labels"),
            SurfaceShapeGeneratorGraph if covered else ShapeGeneratorGraph,
        ),
        GraphSpec(
            "appearance_encoder",
            pick("person_image person_labels garment_images garment_labels source"),
            pick("appearance_codes"),
            AppearanceEncoderGraph,
        ),
        GraphSpec(
            "appearance_generator",
            pick(
                "labels appearance_codes"
                + (" densepose places garment_images garment_labels source" if surface else "")
            ),
            pick("generated"),
            SurfaceAppearanceGeneratorGraph if surface else AppearanceGeneratorGraph,
            float_output="generated_float",
        ),
        GraphSpec(
            "compositor",
            pick("person_image person_labels generated labels source"),
            pick("image"),
            CompositorGraph,
        ),
    )


def _person_first(person: Tensor, garments: Tensor) -> Tensor:
    return torch.cat([person.unsqueeze(1), garments], dim=1)


def _dtype(module: nn.Module) -> torch.dtype:
    return next(module.parameters()).dtype
