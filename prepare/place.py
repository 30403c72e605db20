"""Where a crop lies in a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from ..data.images import UInt8Array

MARGIN = 0.1
"""Free space around a person who is looked at, as a share of their box's longer side."""

PADDING = (124, 116, 104)
"""Colour beyond a picture's border: ImageNet's mean, which the network sees as 0."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""


@dataclass(frozen=True)
class Place:
    """An affine map from a crop's pixels to a picture's, as Pillow takes it: x' = ax + by + c, y' = dx + ey + f."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    @classmethod
    def around(
        cls, source: tuple[float, float], target: tuple[float, float], scale: float, angle: float = 0.0
    ) -> Place:
        """Return the map that shows a picture's point at a crop's point, a crop's pixel being `scale` pixels wide."""
        cosine, sine = scale * float(np.cos(angle)), scale * float(np.sin(angle))
        x, y = target
        return cls(cosine, -sine, source[0] - cosine * x + sine * y, sine, cosine, source[1] - sine * x - cosine * y)

    @classmethod
    def of_box(cls, box: Box, size: tuple[int, int]) -> Place:
        """Return the crop of a height and a width that shows a box with its margin."""
        left, top, right, bottom = box
        margin = 2 * MARGIN * max(bottom - top, right - left)
        scale = max((bottom - top + margin) / size[0], (right - left + margin) / size[1])
        return cls.around(((left + right) / 2, (top + bottom) / 2), (size[1] / 2, size[0] / 2), scale)

    @classmethod
    def whole(cls, picture: tuple[int, int], size: tuple[int, int]) -> Place:
        """Return the crop that shows a whole picture in its middle; heights and widths."""
        scale = max(picture[0] / size[0], picture[1] / size[1])
        return cls.around((picture[1] / 2, picture[0] / 2), (size[1] / 2, size[0] / 2), scale)

    @property
    def scale(self) -> float:
        """How many of the picture's pixels one of the crop's is wide."""
        return float(np.hypot(self.a, self.d))

    @property
    def inverse(self) -> Place:
        """The map from the picture's pixels to the crop's."""
        size = self.a * self.e - self.b * self.d
        a, b, d, e = self.e / size, -self.b / size, -self.d / size, self.a / size
        return Place(a, b, -a * self.c - b * self.f, d, e, -d * self.c - e * self.f)

    def box(self, box: Box) -> Box:
        """Return where a crop's box lies in the picture, for a map that does not turn."""
        left, top, right, bottom = box
        return self.a * left + self.c, self.e * top + self.f, self.a * right + self.c, self.e * bottom + self.f

    def image(self, image: UInt8Array, size: tuple[int, int], fill: Sequence[int] = PADDING) -> UInt8Array:
        """Cut a crop `[h, w, 3]` out of a picture, without aliases."""
        picture, place = Image.fromarray(image), self
        factor = int(self.scale)
        if factor > 1:
            picture = picture.reduce(factor)
            place = Place(*(value / factor for value in (self.a, self.b, self.c, self.d, self.e, self.f)))
        return place._transform(picture, size, Image.Resampling.BILINEAR, tuple(fill))

    def nearest(
        self, values: UInt8Array, size: tuple[int, int], fill: int | tuple[int, ...] = 0, *, stride: int = 1
    ) -> UInt8Array:
        """Cut nearest values for every `stride`-th pixel of a crop of `size`."""
        coarse = replace(self, a=self.a * stride, b=self.b * stride, d=self.d * stride, e=self.e * stride)
        shape = size[0] // stride, size[1] // stride
        return coarse._transform(Image.fromarray(values), shape, Image.Resampling.NEAREST, fill)

    def _transform(self, picture: Image.Image, size: tuple[int, int], how: Any, fill: Any) -> UInt8Array:
        data = (self.a, self.b, self.c, self.d, self.e, self.f)
        shape = (size[1], size[0])
        return np.asarray(picture.transform(shape, Image.Transform.AFFINE, data, how, fillcolor=fill))
