"""What kind of picture a file is, by its first bytes: names lie, and a refusal should say what was found."""

from __future__ import annotations

READ = ("JPEG", "PNG", "WEBP", "AVIF", "HEIC")
"""Formats that photographs are read from. MPO, which phones write as ``.jpg``, is JPEG with more pictures behind."""

READ_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif")
"""Endings of photographs, in any case."""

HEADER = 64
"""Bytes that tell a file's format."""

BOXES = ("AVIF", "HEIC")
"""Formats made of ISO boxes, which may say in numbers what their colours mean, in place of an ICC profile."""

BOXES_HEADER = 65536
"""Bytes in which such boxes lie, before the pixels."""

_LIKE_SRGB = ({1, 2, 5, 6, 7}, {1, 2, 4, 5, 6, 13, 14, 15})
"""Primaries and transfer curves (ITU-T H.273) that viewers show as sRGB: those of ordinary video, and unspecified."""

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF or raw"),
    (b"MM\x00*", "TIFF or raw"),
    (b"8BPS", "Photoshop"),
    (b"%PDF", "PDF"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"<svg", "SVG"),
    (b"<?xml", "XML or SVG"),
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def format_of(header: bytes) -> str | None:
    """Return the format of a file, or None for one that is no known picture.

    Parameters
    ----------
    header
        The file's first `HEADER` bytes.

    Returns
    -------
    str | None
        One of `READ`, or another format's name, such as ``"GIF"``.

    Examples
    --------
    >>> format_of(b"GIF89a..."), format_of(b"hello")
    ('GIF', None)
    """
    if header[:4] == b"RIFF" and header[8:12] == b"WEBP":
        return "WEBP"
    if header[4:8] == b"ftyp":
        return _box_format(header)
    return next((name for signature, name in _SIGNATURES if header.startswith(signature)), None)


def _box_format(header: bytes) -> str:
    """Return the format of a file of the ISO family, which lists the brands that it conforms to."""
    end = min(int.from_bytes(header[:4], "big"), len(header))
    brands = {header[8:12], *(header[at : at + 4] for at in range(16, end - 3, 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIC" if brands & _HEIC_BRANDS else "video"


def wide_colours(start: bytes) -> tuple[int, int] | None:
    """Return what a file of `BOXES` says of its colours when that is not sRGB, and no ICC profile says it better.

    Parameters
    ----------
    start
        The file's first `BOXES_HEADER` bytes.

    Returns
    -------
    tuple[int, int] | None
        Primaries and transfer curve as ITU-T H.273 counts them; (12, 16) is HDR in Display P3's primaries.

    Examples
    --------
    >>> wide_colours(b"....colrnclx" + bytes([0, 12, 0, 16]))
    (12, 16)
    >>> wide_colours(b"....colrnclx" + bytes([0, 1, 0, 13])) is None
    True
    """
    at = start.find(b"colrnclx")
    if at < 0 or b"colrprof" in start or b"colrrICC" in start:
        return None
    primaries, transfer = (int.from_bytes(start[at + i : at + i + 2], "big") for i in (8, 10))
    return None if primaries in _LIKE_SRGB[0] and transfer in _LIKE_SRGB[1] else (primaries, transfer)
