"""Reading and writing pictures, labels and body maps, with every check that untrusted files need.

Each reader returns a whole, valid array or raises `InputError` with one line that names the file, the value and what
is allowed. Size is checked from the header, before a pixel is decoded.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError, features

from .body_map_layouts import as_body_map, check_layout, part_hint
from .classes import NUM_BODY_PARTS, NUM_CLASSES
from .colour import srgb_profile, to_srgb
from .conventions import range_hint
from .errors import InputError
from .files import check_is_file
from .formats import BOXES, BOXES_HEADER, HEADER, READ, format_of, wide_colours
from .label_colours import decode_labels
from .optional import require
from .png import png_bytes

MAX_PIXELS = 64 * 1024 * 1024
"""Pictures larger than this (64 Mpx) are refused as decompression bombs."""

WRITTEN_SUFFIXES = (".png", ".webp", ".jpg", ".jpeg")
"""Endings of pictures that are written. AVIF is not among them: Pillow cannot write it without loss."""

UInt8Array = npt.NDArray[np.uint8]
T = TypeVar("T")

_JPEG_SUFFIXES = (".jpg", ".jpeg")
_JPEG: dict[str, Any] = {"quality": 95, "subsampling": 0}
_WEBP: dict[str, Any] = {"lossless": True, "method": 1, "quality": 0}
"""Of lossless WebP, quality means effort. More of it takes several times as long for files a few percent smaller."""

_MAIN_PICTURE_FIRST = ("MPO", "HEIF")
"""Formats in which more pictures are no animation; Pillow opens the main one."""

_filters = threading.Lock()


@dataclass(frozen=True, eq=False)
class Photograph:
    """A photograph as it was read.

    Parameters
    ----------
    image
        RGB `[H, W, 3]`, uint8, upright and in sRGB; what is transparent lies on white.
    alpha
        How opaque each pixel is, `[H, W]`, uint8; None where the whole picture is opaque.
    orientation
        The EXIF orientation that was applied, 1 to 8; 1 where the pixels were stored upright.
    """

    image: UInt8Array
    alpha: UInt8Array | None
    orientation: int


def read_image(path: Path) -> UInt8Array:
    """Read a photograph as RGB `[H, W, 3]`; see `read_photograph`."""
    return read_photograph(path).image


def read_photograph(path: Path) -> Photograph:
    """Read a JPEG, PNG, WebP, AVIF or HEIC picture, whatever its ending says.

    It is turned upright as its EXIF orientation says, converted from its colour profile to sRGB, and reduced to 8 bits
    a channel. Of several pictures in a file (MPO, HEIC) the main one counts.

    Raises
    ------
    InputError
        When it is missing, damaged, an animation, too large, of another format, or its colour profile is unusable.

    Examples
    --------
    >>> photograph = read_photograph("person/image.png")
    >>> photograph.image.shape, photograph.alpha, photograph.orientation
    ((512, 256, 3), None, 1)
    """

    def decode(image: Image.Image, stored_mode: str) -> Photograph:
        orientation = _turn_upright(image)
        key = image.info.get("transparency")
        if stored_mode == "RGB;16B" and isinstance(key, tuple):  # Pillow reduced the pixels, but not this colour
            image.info["transparency"] = tuple(value >> 8 for value in key)
        colours, alpha = to_srgb(image, str(path))
        if alpha is not None and alpha.getextrema() == (255, 255):
            alpha = None
        if alpha is not None:
            # A cut-out product shot: what is transparent is the shop's white page.
            colours.putalpha(alpha)
            colours = Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours).convert("RGB")
        return Photograph(
            np.asarray(colours, dtype=np.uint8),
            None if alpha is None else np.asarray(alpha, dtype=np.uint8),
            orientation,
        )

    return _open(path, READ, decode)


def read_labels(path: Path) -> UInt8Array:
    """Read CIHP labels `[H, W]`, ids 0 to 19, from a PNG: 8-bit grey, a palette, or a parser's colours."""
    return check_labels(read_ids(path)[0], str(path))


def read_ids(path: Path) -> tuple[UInt8Array, tuple[str, ...]]:
    """Read label ids `[H, W]` of any convention from a PNG, and what to say about how they were found."""
    notes: list[str] = []

    def decode(image: Image.Image, stored_mode: str) -> UInt8Array:
        labels, told = decode_labels(image, stored_mode, str(path))
        notes.extend(told)
        return labels

    return _open(path, ("PNG",), decode), tuple(notes)


def read_densepose(path: Path) -> UInt8Array:
    """Read a DensePose map `[H, W, 3]` (part 0-24, U, V) from a PNG (R, G, B) or a ``.npy`` file in any layout."""
    return check_densepose(read_body_map(path), str(path))


def read_body_map(path: Path) -> UInt8Array:
    """Read three channels `[H, W, 3]` like `read_densepose`, whatever their order."""
    path = Path(path)
    if path.suffix == ".npy":
        return _read_npy(path)

    def decode(image: Image.Image, stored_mode: str) -> UInt8Array:
        if stored_mode != "RGB":
            raise InputError(
                f"{path}: the body map is stored as {stored_mode}; allowed: 8-bit RGB holding part, U and V"
            )
        return np.asarray(image, dtype=np.uint8)

    return _open(path, ("PNG",), decode)


def check_image(image: npt.ArrayLike, name: str) -> UInt8Array:
    """Return `image` as a contiguous uint8 `[H, W, 3]`, or raise `InputError` naming it."""
    image = np.asarray(image)
    _check_array(image, name, "an RGB picture", "[H, W, 3]", image.ndim == 3 and image.shape[-1] == 3)
    return np.ascontiguousarray(image, dtype=np.uint8)


def check_labels(labels: npt.ArrayLike, name: str) -> UInt8Array:
    """Return `labels` as a contiguous uint8 `[H, W]` with ids 0 to 19, or raise `InputError` naming it."""
    labels = np.asarray(labels)
    _check_array(labels, name, "labels", "[H, W]", labels.ndim == 2)
    if labels.max() >= NUM_CLASSES:
        raise InputError(
            f"{name}: label id {labels.max()} found; allowed: 0 to {NUM_CLASSES - 1} (the CIHP classes)"
            f"{range_hint(labels)}"
        )
    return np.ascontiguousarray(labels, dtype=np.uint8)


def check_densepose(densepose: npt.ArrayLike, name: str) -> UInt8Array:
    """Return `densepose` as a contiguous uint8 `[H, W, 3]` with parts 0 to 24, or raise `InputError` naming it."""
    densepose = np.asarray(densepose)
    _check_array(densepose, name, "a body map", "[H, W, 3]", densepose.ndim == 3 and densepose.shape[-1] == 3)
    parts = densepose[..., 0]
    if parts.max() >= NUM_BODY_PARTS:
        raise InputError(
            f"{name}: DensePose part {parts.max()} found; allowed: 0 to {NUM_BODY_PARTS - 1} in the first channel"
            f"{part_hint(densepose)}"
        )
    return np.ascontiguousarray(densepose, dtype=np.uint8)


def check_output_suffix(path: Path, *, lossless: bool = False) -> None:
    """Raise `InputError` unless a picture can be written to `path`; labels must be `lossless` (PNG)."""
    allowed = (".png",) if lossless else WRITTEN_SUFFIXES
    if Path(path).suffix.lower() not in allowed:
        raise InputError(f"cannot write {path}: unknown picture type; allowed endings: {', '.join(allowed)}")


def lossy_notes(path: Path) -> list[str]:
    """Return what to say about a picture at `path` whose format cannot hold its pixels as they are.

    Examples
    --------
    >>> lossy_notes(Path("look.jpg"))
    ['JPEG changes every pixel; write .png or .webp to keep what stays bit for bit']
    >>> lossy_notes(Path("look.webp"))
    []
    """
    if Path(path).suffix.lower() not in _JPEG_SUFFIXES:
        return []
    return ["JPEG changes every pixel; write .png or .webp to keep what stays bit for bit"]


def choose(mask: npt.NDArray[np.bool_], yes: UInt8Array, no: UInt8Array) -> UInt8Array:
    """Return pixels of one picture where the mask says so and else of another, `[H, W, 3]`, quicker than `np.where`."""
    one, other, shares = (Image.fromarray(array) for array in (yes, no, mask.astype(np.uint8) * 255))
    return np.array(Image.composite(one, other, shares))  # a copy: Pillow's own memory cannot be written to


def write_image(path: Path, image: UInt8Array, *, like: Path | None = None) -> None:
    """Write an RGB `[H, W, 3]` or label `[H, W]` picture.

    PNG and WebP keep every pixel as it is; JPEG cannot. Every RGB picture says that it is sRGB.

    Parameters
    ----------
    path
        The file; its ending names the format.
    image
        The picture.
    like
        What messages call the file, when `path` is a temporary one.

    Raises
    ------
    InputError
        When the format cannot hold the picture.
    """
    check_output_suffix(path, lossless=image.ndim == 2)
    suffix = Path(path).suffix.lower()
    try:
        if suffix == ".png":
            Path(path).write_bytes(png_bytes(image))
        else:
            options = _JPEG if suffix in _JPEG_SUFFIXES else _WEBP
            Image.fromarray(image).save(path, icc_profile=srgb_profile(), **options)
    except (ValueError, OSError) as error:
        height, width = image.shape[:2]
        raise InputError(f"cannot write {like or path} at {width}x{height}: {error}; try .png") from None


def _check_array(array: npt.NDArray[np.generic], name: str, what: str, shape: str, fits: bool) -> None:
    if not fits or 0 in array.shape:
        raise InputError(f"{name}: shape {list(array.shape)} found; allowed for {what}: {shape}")
    if array.dtype != np.uint8:
        raise InputError(f"{name}: dtype {array.dtype} found; allowed for {what}: uint8")


def _check_pixels(path: Path, height: int, width: int) -> None:
    if height * width > MAX_PIXELS:
        raise InputError(
            f"{path}: {width}x{height} is {height * width / 1e6:.0f} Mpx; "
            f"allowed: up to {MAX_PIXELS / 1e6:.0f} Mpx; make it smaller first"
        )


def _open(path: Path, formats: tuple[str, ...], decode: Callable[[Image.Image, str], T]) -> T:
    path = Path(path)
    check_is_file(path)
    try:
        with path.open("rb") as file:
            found = format_of(file.read(HEADER))
            plugin = _plugin(path, found, formats)
            file.seek(0)
            if found in BOXES:
                _check_colours(path, file.read(BOXES_HEADER))
                file.seek(0)
            with _no_warnings():
                opened = Image.open(file, formats=(plugin,))
            with opened as image:
                _check_pixels(path, image.height, image.width)
                if getattr(image, "is_animated", False) and image.format not in _MAIN_PICTURE_FIRST:
                    raise InputError(f"{path}: an animation; allowed: a single picture")
                mode = _stored_mode(image)
                image.load()  # nearly all of the work, which files read side by side share out
                return decode(image, mode)
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(f"{path}: not a picture; allowed: {', '.join(formats)}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{path}: {error}; allowed: up to {MAX_PIXELS / 1e6:.0f} Mpx") from None
    except Exception as error:  # decoders report damage through every kind of exception
        reason = getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: cannot be read ({reason}); is it damaged?") from None


def _plugin(path: Path, found: str | None, formats: tuple[str, ...]) -> str:
    """Return Pillow's name of the format that was found, which alone is let at the file."""
    allowed = ", ".join(formats)
    if found is None:
        raise InputError(f"{path}: not a picture; allowed: {allowed}")
    if found not in formats:
        raise InputError(f"{path}: a {found} file; allowed: {allowed}; save it as one of these")
    if found == "HEIC":
        require("pillow_heif", purpose=f"{path}: reading HEIC", extra="heic").register_heif_opener()
        return "HEIF"
    if found == "AVIF" and not _reads_avif():
        raise InputError(f"{path}: this Pillow reads no AVIF; run: pip install 'pillow>=11.3', or save it as PNG")
    return found


def _check_colours(path: Path, start: bytes) -> None:
    wide = wide_colours(start)
    if wide is not None:
        raise InputError(
            f"{path}: colours beyond sRGB without a colour profile (primaries {wide[0]}, transfer {wide[1]}) are not "
            "converted; save it in sRGB"
        )


@cache
def _reads_avif() -> bool:
    with _no_warnings():  # older ones have not heard of it
        return bool(features.check("avif"))


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Hide Pillow's warnings about odd metadata, which name library files; a bomb's is raised.

    Python's filters are the whole process's, so one thread at a time changes them.
    """
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _turn_upright(image: Image.Image) -> int:
    """Turn a picture upright, in place, and return the EXIF orientation that said how."""
    orientation = 1
    # Damaged metadata says nothing about the orientation; the pixels are decoded, and checked, all the same.
    with suppress(Exception), _no_warnings():
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        ImageOps.exif_transpose(image, in_place=True)  # in place: otherwise the usual picture, upright, is copied
    return int(orientation) if orientation in range(2, 9) else 1


def _stored_mode(image: Image.Image) -> str:
    """Return Pillow's name of the pixels as the file stores them, such as ``L``, ``L;4`` or ``RGB;16B``."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0][3] if tiles else image.mode
    return arguments if isinstance(arguments, str) else str(arguments[0])


def _read_npy(path: Path) -> UInt8Array:
    """Read a body map whole: a mapped file could change, or end early, under whoever holds the array."""
    check_is_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header: npt.NDArray[np.generic] = np.lib.format.open_memmap(path, mode="r")  # type: ignore[no-untyped-call]
            _check_pixels(path, *check_layout(header, str(path)))
            return as_body_map(np.load(path), str(path))
    except InputError:
        raise
    except Exception as error:  # the header is parsed as Python, and fails as Python does
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: not a NumPy array ({reason}); allowed: a .npy file of part, U and V") from None
