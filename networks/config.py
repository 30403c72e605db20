"""What a set of networks looks like: frozen dataclasses, four presets, JSON both ways. Needs no torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from ..data.errors import InputError

CODE_GRID = (8, 4)
"""Rows and columns of a class's shape code."""

SHAPE_SCALES = (1, 2, 4, 8)
"""How many times smaller than the frame shape networks may work."""

ENCODER_SCALES = (1, 2, 4)
"""How many times smaller than the frame the photographs may be that the appearance encoder sees."""

Conditioning = Literal["codes", "surface"]


@dataclass(frozen=True)
class GeneratorConfig:
    """A pix2pixHD-style residual generator.

    Parameters
    ----------
    width
        How many channels there are after the stem; they double at each downsampling.
    max_width
        How many channels there are at most.
    downsamplings
        How many stride-2 convolutions follow the stem.
    blocks
        How many residual blocks there are at the lowest resolution.
    stem_stride
        1: 7×7 stem and 7×7 head at full resolution, as pix2pixHD has them. 2: a 4×4 stem of stride 2 and a pixel
        shuffle head with a full-resolution detail path, which is less work.
    detail_width
        How many channels the full-resolution head has (`stem_stride` 2 only).
    upsample
        ``"transpose"``: transposed convolutions. ``"nearest"``: nearest neighbour, then a convolution.
    skips
        Whether the decoder also sees the encoder's features of its own resolution.
    """

    width: int
    max_width: int
    downsamplings: int
    blocks: int
    stem_stride: Literal[1, 2] = 1
    detail_width: int = 16
    upsample: Literal["transpose", "nearest"] = "transpose"
    skips: bool = False

    def __post_init__(self) -> None:
        _one_of("stem_stride", self.stem_stride, (1, 2))
        _one_of("upsample", self.upsample, ("transpose", "nearest"))


@dataclass(frozen=True)
class MatcherConfig:
    """The network that finds where a person's pixels lie in garments' photographs, at the shape networks' working size.

    Parameters
    ----------
    widths
        How many channels there are at the working size, at half and at a quarter of it.
    layers
        How many times both photographs' places attend to their own and to each other.
    """

    widths: tuple[int, ...] = (16, 32, 64)
    layers: int = 1


@dataclass(frozen=True)
class ShapeConfig:
    """Shape encoder and generator.

    Parameters
    ----------
    encoder_widths
        How many channels there are after each stride-2 convolution of the encoder; these lead from the working size to
        the code grid.
    generator
        The generator that draws the new segmentation.
    scale
        The networks work at 1/`scale` of the frame.
    finer
        Outlines are drawn so many times finer than that; the rest of the way logits are upsampled bilinearly.
    body_prior
        Whether a direct path from the body map to the logits exists, initialised with what usually covers each body
        part.
    conditioning
        ``"codes"``: shape codes and the body map, as in the paper. ``"surface"``: also where the garments' photographs
        show each point of the body covered.
    """

    encoder_widths: tuple[int, ...]
    generator: GeneratorConfig
    scale: int = 1
    finer: Literal[1, 2] = 1
    body_prior: bool = True
    conditioning: Conditioning = "codes"

    def __post_init__(self) -> None:
        _one_of("scale", self.scale, SHAPE_SCALES)
        _one_of("finer", self.finer, (1, 2))
        _one_of("conditioning", self.conditioning, ("codes", "surface"))


@dataclass(frozen=True)
class AppearanceConfig:
    """Appearance encoder and generator.

    Parameters
    ----------
    encoder_widths
        How many channels the encoder has at 1/2, 1/4, … of what it sees.
    generator
        The generator that paints the picture.
    encoder_scale
        The encoder sees photographs so many times smaller than the frame. A code is a mean over a whole garment.
    colour_path
        Whether the first three numbers of a code are the class's mean colour, with a direct path to the output that
        starts as that colour.
    borrow_absent
        Whether a class that is in no source image borrows the code of its mirror image or of other skin. The shape
        generator may bare an arm that no photograph shows.
    conditioning
        ``"codes"``: labels and painted codes, as in the paper. ``"surface"``: also the body map and the garments'
        pixels looked up through it.
    """

    encoder_widths: tuple[int, ...]
    generator: GeneratorConfig
    encoder_scale: int = 1
    colour_path: bool = True
    borrow_absent: bool = True
    conditioning: Conditioning = "codes"

    def __post_init__(self) -> None:
        _one_of("encoder_scale", self.encoder_scale, ENCODER_SCALES)
        _one_of("conditioning", self.conditioning, ("codes", "surface"))


@dataclass(frozen=True)
class DiscriminatorConfig:
    """A patch discriminator at several scales.

    Parameters
    ----------
    width
        How many channels there are after the first convolution.
    layers
        How many stride-2 convolutions a scale has.
    scales
        How many scales look at the picture, each half as large as the one before.
    """

    width: int
    layers: int = 2
    scales: int = 2


@dataclass(frozen=True)
class NetworkConfig:
    """Everything needed to build the networks of one bundle.

    Parameters
    ----------
    preset
        The preset that this came from.
    height, width
        The frame, in pixels; multiples of 8 and 4.
    shape, appearance, discriminator, matcher
        How shape networks, appearance networks, discriminator and matcher look.
    shape_code
        Ds, how many channels a shape code has.
    appearance_code
        Dt, how many numbers an appearance code has.
    """

    preset: str
    height: int
    width: int
    shape: ShapeConfig
    appearance: AppearanceConfig
    discriminator: DiscriminatorConfig
    matcher: MatcherConfig = MatcherConfig()
    shape_code: int = 10
    appearance_code: int = 30

    def __post_init__(self) -> None:
        rows, columns = CODE_GRID
        work = (self.height // self.shape.scale, self.width // self.shape.scale)
        halvings = len(self.shape.encoder_widths)
        if work != (rows << halvings, columns << halvings):
            raise InputError(
                f"config: a frame of {self.height}x{self.width} at scale 1/{self.shape.scale} and {halvings} "
                f"halvings does not end on the {rows}x{columns} code grid"
            )

    @property
    def matches(self) -> bool:
        """Whether a generator asks where the person's pixels lie in the garments' photographs."""
        return "surface" in (self.shape.conditioning, self.appearance.conditioning)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values that `from_json` takes back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> NetworkConfig:
        """Build a config from `to_json` values.

        Raises
        ------
        InputError
            When a field is missing or unknown.
        """
        try:
            shape, appearance, matcher = dict(values["shape"]), dict(values["appearance"]), dict(values["matcher"])
            for part in (shape, appearance):
                part["generator"] = GeneratorConfig(**part["generator"])
                part["encoder_widths"] = tuple(part["encoder_widths"])
            matcher["widths"] = tuple(matcher["widths"])
            rest = {k: v for k, v in values.items() if k not in ("shape", "appearance", "discriminator", "matcher")}
            return cls(
                shape=ShapeConfig(**shape),
                appearance=AppearanceConfig(**appearance),
                discriminator=DiscriminatorConfig(**values["discriminator"]),
                matcher=MatcherConfig(**matcher),
                **rest,
            )
        except (KeyError, TypeError) as error:
            raise InputError(f"network config cannot be read: {error}; was it written by this version?") from None

    def with_conditioning(self, conditioning: Conditioning) -> NetworkConfig:
        """Return a copy with another conditioning of both generators."""
        return dataclasses.replace(
            self,
            shape=dataclasses.replace(self.shape, conditioning=conditioning),
            appearance=dataclasses.replace(self.appearance, conditioning=conditioning),
        )


def _one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        raise InputError(f"config: {name} is {value!r}; allowed: {', '.join(map(str, allowed))}")


@dataclass(frozen=True)
class _Slim:
    """The sizes in which the slim presets differ."""

    height: int
    width: int
    scale: int
    finer: Literal[1, 2] = 2
    matcher_widths: tuple[int, ...] = MatcherConfig.widths
    shape_width: int = 24
    shape_max_width: int = 120
    shape_blocks: int = 5
    shape_encoder: tuple[int, ...] = (16, 32, 48, 64)
    appearance_width: int = 32
    appearance_max_width: int = 144
    appearance_blocks: int = 4
    appearance_encoder: tuple[int, ...] = (32, 64)
    encoder_scale: int = 1
    downsamplings: int = 2
    detail_width: int = 16
    discriminator_width: int = field(default=24)


def _slim(preset: str, size: _Slim) -> NetworkConfig:
    def generator(width: int, max_width: int, blocks: int) -> GeneratorConfig:
        return GeneratorConfig(
            width=width,
            max_width=max_width,
            downsamplings=size.downsamplings,
            blocks=blocks,
            stem_stride=2,
            detail_width=size.detail_width,
            upsample="nearest",
            skips=True,
        )

    return NetworkConfig(
        preset=preset,
        height=size.height,
        width=size.width,
        shape=ShapeConfig(
            encoder_widths=size.shape_encoder,
            generator=generator(size.shape_width, size.shape_max_width, size.shape_blocks),
            scale=size.scale,
            finer=size.finer,
        ),
        appearance=AppearanceConfig(
            encoder_widths=size.appearance_encoder,
            encoder_scale=size.encoder_scale,
            generator=generator(size.appearance_width, size.appearance_max_width, size.appearance_blocks),
        ),
        discriminator=DiscriminatorConfig(width=size.discriminator_width),
        matcher=MatcherConfig(widths=size.matcher_widths),
    )


_PAPER_GENERATOR = GeneratorConfig(width=64, max_width=1024, downsamplings=4, blocks=9)

PRESETS: dict[str, NetworkConfig] = {
    "paper": NetworkConfig(
        preset="paper",
        height=512,
        width=256,
        shape=ShapeConfig(encoder_widths=(16, 32, 64, 64, 64, 64), generator=_PAPER_GENERATOR, body_prior=False),
        appearance=AppearanceConfig(
            encoder_widths=(32, 64, 128, 256),
            generator=_PAPER_GENERATOR,
            colour_path=False,
            borrow_absent=False,
        ),
        discriminator=DiscriminatorConfig(width=64, layers=3),
    ),
    "base": _slim("base", _Slim(height=512, width=256, scale=4, encoder_scale=4)),
    "small": _slim("small", _Slim(height=256, width=128, scale=2)),
    "tiny": _slim(
        "tiny",
        _Slim(
            height=64,
            width=32,
            scale=2,
            matcher_widths=(8, 8, 16),
            shape_width=8,
            shape_max_width=16,
            shape_blocks=1,
            shape_encoder=(8, 16),
            appearance_width=8,
            appearance_max_width=16,
            appearance_blocks=1,
            appearance_encoder=(8, 16),
            detail_width=8,
            discriminator_width=8,
        ),
    ),
}


def preset(name: str) -> NetworkConfig:
    """Return a preset by name.

    Raises
    ------
    InputError
        When there is no such preset.
    """
    if name not in PRESETS:
        raise InputError(f"preset {name!r} is unknown; allowed: {', '.join(PRESETS)}")
    return PRESETS[name]
