"""What kind of picture a file is, by its first bytes: names lie, and a refusal should say what was found."""

from __future__ import annotations

READ = ("JPEG", "PNG", "WEBP", "AVIF", "HEIC")
"""Formats that photographs are read from. MPO, which phones write as ``.jpg``, is JPEG with more pictures behind."""

READ_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif")
"""Endings of photographs, in any case."""

HEADER = 64
"""Bytes that tell a file's format."""

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
