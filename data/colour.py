"""Colours of photographs: whatever profile a picture brings along, its pixels become 8-bit sRGB.

Networks were trained on sRGB, and a result mixes pixels of several photographs: one that was shot in Display P3 would
look dull beside the others.
"""

from __future__ import annotations

import io
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from .errors import InputError

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

_GREY = ("1", "L", "LA")
_MODES = {"GRAY": "L"}
"""Pillow's name of a profile's kind of pixels, where it is another."""

_PROBE_STEPS = 17
_PROFILES_KEPT = 8
"""People's photographs come from few cameras, and building a conversion takes longer than decoding a small picture."""


def to_srgb(image: Image.Image, name: str) -> tuple[Image.Image, Image.Image | None]:
    """Return a loaded picture's colours as sRGB, and its alpha plane.

    Without a profile colours count as sRGB (CMYK by the plain formula).

    Parameters
    ----------
    image
        Of any mode that a photograph's format can hold.
    name
        What messages call it.

    Returns
    -------
    tuple
        Colours of mode RGB, and alpha of mode L, or None when the format holds none.

    Raises
    ------
    InputError
        When its colour profile is damaged or made for other pixels.

    Examples
    --------
    >>> colours, alpha = to_srgb(Image.new("LA", (2, 1), (100, 0)), "grey.png")
    >>> colours.getpixel((0, 0)), alpha.getpixel((0, 0))
    ((100, 100, 100), 0)
    """
    _check_inks(image, name)
    profile = image.info.get("icc_profile", b"")
    if profile is None:  # Pillow's word for one that it could not put together
        raise _unusable(name, "cannot be used (it is damaged)")
    colours, alpha = _apart(image)
    if profile:
        colours = _converted(colours, profile, name)
    return (colours if colours.mode == "RGB" else colours.convert("RGB")), alpha


@cache
def srgb_profile() -> bytes:
    """Return an ICC profile of sRGB, the same bytes whenever it is made."""
    from PIL import ImageCms

    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes.fromhex("07d000010001000000000000")  # the date of making: the first of January 2000
    return bytes(profile)


def _apart(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return colours, of mode L, RGB or CMYK, and alpha."""
    if image.mode.startswith("I"):
        return _of_16_bits(image)
    mode = "L" if image.mode in _GREY else "RGB"
    if image.has_transparency_data:
        both = image.convert("LA" if mode == "L" else "RGBA")
        return both.convert(mode), both.getchannel("A")
    return (image if image.mode in ("L", "RGB", "CMYK") else image.convert(mode)), None


def _of_16_bits(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return grey of 16 bits as grey of 8, which Pillow would clip, and alpha where one value is transparent."""
    deep = np.asarray(image).astype(np.uint32)
    transparent = image.info.get("transparency")
    alpha = None if transparent is None else Image.fromarray(np.where(deep == transparent, 0, 255).astype(np.uint8))
    return Image.fromarray(((deep * 255 + 32767) // 65535).astype(np.uint8)), alpha


def _converted(colours: Image.Image, profile: bytes, name: str) -> Image.Image:
    """Return colours, of mode L, RGB or CMYK, in sRGB, of mode RGB unless they are that already."""
    try:
        mode, transform = _conversion(profile)
    except (OSError, ValueError) as error:
        raise _unusable(name, f"cannot be used ({error})") from None
    if mode == "RGB" and colours.mode == "L":  # a colour photograph that was made grey and kept its profile
        colours = colours.convert("RGB")
    if mode != colours.mode:
        raise _unusable(name, f"is for {mode}, but the pixels are {colours.mode}")
    if transform is None:
        return colours
    converted = transform.apply(colours)
    converted.info.clear()
    return converted


@lru_cache(maxsize=_PROFILES_KEPT)
def _conversion(profile: bytes) -> tuple[str, ImageCmsTransform | None]:
    """Return the mode of the pixels that a profile describes, and what turns them into sRGB; None for sRGB itself."""
    from PIL.ImageCms import ImageCmsProfile, ImageCmsTransform

    source = ImageCmsProfile(io.BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    mode = _MODES.get(space, space)
    transform = ImageCmsTransform(source, ImageCmsProfile(io.BytesIO(srgb_profile())), mode, "RGB")
    return mode, None if mode == "RGB" and _keeps_colours(transform) else transform


def _keeps_colours(transform: ImageCmsTransform) -> bool:
    """Tell whether a conversion only rounds, as that of sRGB's many profiles does, all over the cube of colours."""
    steps = np.linspace(0, 255, _PROBE_STEPS).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(_PROBE_STEPS, -1, 3)
    after: npt.NDArray[np.uint8] = np.asarray(transform.apply(Image.fromarray(cube)))
    return bool(np.abs(after.astype(int) - cube).max() <= 1)


def _check_inks(image: Image.Image, name: str) -> None:
    if image.mode == "CMYK" and "adobe" not in image.info:
        raise InputError(f"{name}: a CMYK picture without Adobe's mark, whose inks may be inverted; save it as RGB")


def _unusable(name: str, why: str) -> InputError:
    return InputError(f"{name}: its colour profile {why}; save the picture in sRGB")
