"""Reading and writing pictures, labels and body maps, with every check that untrusted files need.

Each reader returns a whole, valid array or raises `InputError` with one line that names the file, the value and what
is allowed. Size is checked from the header, before a pixel is decoded.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from .classes import NUM_BODY_PARTS, NUM_CLASSES
from .errors import InputError
from .files import atomic_path

MAX_PIXELS = 64 * 1024 * 1024
"""Pictures larger than this (64 Mpx) are refused as decompression bombs."""

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")

UInt8Array = npt.NDArray[np.uint8]


def read_image(path: Path) -> UInt8Array:
    """Read a photograph as RGB `[H, W, 3]`, turned upright as its EXIF orientation says."""

    def decode(image: Image.Image) -> UInt8Array:
        upright = ImageOps.exif_transpose(image)
        if upright.mode == "RGBA" or "transparency" in upright.info:
            # A cut-out product shot: what is transparent is the shop's white page.
            rgba = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", rgba.size, (255, 255, 255, 255)), rgba)
        return np.asarray(upright.convert("RGB"), dtype=np.uint8)

    return _open(path, decode)


def read_labels(path: Path) -> UInt8Array:
    """Read CIHP labels `[H, W]`, ids 0 to 19, from an 8-bit grey or palette PNG."""

    def decode(image: Image.Image) -> UInt8Array:
        if image.mode not in ("L", "P"):
            raise InputError(
                f"{path}: labels are stored as mode {image.mode}; allowed: 8-bit grey (L) or palette (P) with one "
                "class id a pixel"
            )
        return np.asarray(image, dtype=np.uint8)

    return check_labels(_open(path, decode), str(path))


def read_densepose(path: Path) -> UInt8Array:
    """Read a DensePose map `[H, W, 3]` (part 0-24, U, V) from a PNG (R, G, B) or a ``.npy`` file."""
    path = Path(path)
    if path.suffix == ".npy":
        return check_densepose(_read_npy(path), str(path))

    def decode(image: Image.Image) -> UInt8Array:
        if image.mode != "RGB":
            raise InputError(f"{path}: the body map is stored as mode {image.mode}; allowed: RGB holding part, U and V")
        return np.asarray(image, dtype=np.uint8)

    return check_densepose(_open(path, decode), str(path))


def check_image(image: npt.NDArray[np.generic], name: str) -> UInt8Array:
    """Return `image` as a contiguous uint8 `[H, W, 3]`, or raise `InputError` naming it."""
    _check_array(image, name, "an RGB picture", "[H, W, 3]", image.ndim == 3 and image.shape[-1] == 3)
    return np.ascontiguousarray(image, dtype=np.uint8)


def check_labels(labels: npt.NDArray[np.generic], name: str) -> UInt8Array:
    """Return `labels` as a contiguous uint8 `[H, W]` with ids 0 to 19, or raise `InputError` naming it."""
    _check_array(labels, name, "labels", "[H, W]", labels.ndim == 2)
    if labels.max() >= NUM_CLASSES:
        raise InputError(f"{name}: label id {labels.max()} found; allowed: 0 to {NUM_CLASSES - 1} (the CIHP classes)")
    return np.ascontiguousarray(labels, dtype=np.uint8)


def check_densepose(densepose: npt.NDArray[np.generic], name: str) -> UInt8Array:
    """Return `densepose` as a contiguous uint8 `[H, W, 3]` with parts 0 to 24, or raise `InputError` naming it."""
    _check_array(densepose, name, "a body map", "[H, W, 3]", densepose.ndim == 3 and densepose.shape[-1] == 3)
    parts = densepose[..., 0]
    if parts.max() >= NUM_BODY_PARTS:
        raise InputError(
            f"{name}: DensePose part {parts.max()} found; allowed: 0 to {NUM_BODY_PARTS - 1} in the first channel"
        )
    return np.ascontiguousarray(densepose, dtype=np.uint8)


def check_output_suffix(path: Path, *, lossless: bool = False) -> None:
    """Raise `InputError` unless a picture can be written to `path`; labels must be `lossless` (PNG)."""
    allowed = (".png",) if lossless else IMAGE_SUFFIXES
    if Path(path).suffix.lower() not in allowed:
        raise InputError(f"cannot write {path}: unknown picture type; allowed endings: {', '.join(allowed)}")


def write_image(path: Path, image: UInt8Array) -> None:
    """Write an RGB `[H, W, 3]` or label `[H, W]` picture; the file appears whole or not at all."""
    check_output_suffix(path, lossless=image.ndim == 2)
    with atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary, quality=95)


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


def _open(path: Path, decode: Callable[[Image.Image], UInt8Array]) -> UInt8Array:
    path = Path(path)
    try:
        with _open_header(path) as image:
            _check_pixels(path, image.height, image.width)
            return decode(image)
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: not a picture; allowed: JPEG, PNG or WebP") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{path}: {error}; allowed: up to {MAX_PIXELS / 1e6:.0f} Mpx") from None
    except (OSError, SyntaxError, ValueError) as error:
        # Pillow's decoders report damage through all of these.
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise InputError(f"{path}: cannot be read ({reason}); is it damaged?") from None


def _open_header(path: Path) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return Image.open(path)


def _read_npy(path: Path) -> npt.NDArray[np.generic]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not a NumPy array ({str(error).splitlines()[0]})") from None
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path}: not a NumPy array; allowed: a .npy file of [H, W, 3] uint8")
    if array.ndim >= 2:
        _check_pixels(path, array.shape[0], array.shape[1])
    return array
